"""A JSON array is read element by element, each as it was written, within bounded memory."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tasks.json_arrays
from tasks.errors import InvalidInput
from tasks.json_arrays import elements, is_array
from tasks.lines import MOST_LINE_BYTES

VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def written(tmp_path):
    def write(content, name="array.json"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(VALUES), st.sampled_from([None, 0, 3]), st.booleans(), st.integers(1, 40), st.sampled_from([b"", b"\xef\xbb\xbf", b" \r\n\t"])
)  # fmt: skip
def test_elements_are_those_of_the_whole_wherever_the_blocks_end(
    written, monkeypatch, array, indent, ascii_only, block, before
):
    monkeypatch.setattr(tasks.json_arrays, "_BLOCK", block)
    path = written(before + json.dumps(array, indent=indent, ensure_ascii=ascii_only).encode())
    found = list(elements(path))
    assert is_array(path)
    assert [json.dumps(json.loads(element.text)) for element in found] == [json.dumps(each) for each in array]
    assert [element.number for element in found] == list(range(1, len(array) + 1))


def test_an_element_keeps_its_bytes_and_knows_its_line(written):
    path = written('\n[ {"a" : 1.50,\r\n "é":"\\u00e9"} ,\n\n-0\t]\n'.encode())
    assert [tuple(element) for element in elements(path)] == [
        (1, 2, '{"a" : 1.50,\r\n "é":"\\u00e9"}'.encode()),
        (2, 5, b"-0"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1, 2", r"Element 2 of the JSON array has neither a comma nor the array's end behind it \(line 1\)"),
        (b"[1,\n2 3]", r"Element 2 .* has neither a comma .* \(line 2\)"),
        (b'[1,\n{"a": \n 1 "b"}]', r"Element 2 of the JSON array is not JSON: Expecting ',' delimiter at its character 11 \(line 2\)"),
        (b"[1,]", "Element 2 .* is not JSON: Expecting value at its character 1"),
        (b"[", "Element 1 .* is not JSON: Expecting value"),
        (b"[,1]", "Element 1 .* is not JSON: Expecting value"),
        (b'["a', "Element 1 .* is not JSON: Unterminated string"),
        (b"[]]", "Something follows the JSON array, on line 1"),
        (b"[1]\n[2]", "Something follows the JSON array, on line 2"),
        (b'["\xff"]', "not UTF-8, in or after element 0"),
        (b"[" * 100_000, "Element 1 .* is nested deeper than 250 levels"),
        ("[1]".encode("utf-16"), "UTF-16"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:20]),
)  # fmt: skip
def test_what_is_no_array_is_refused_with_element_and_line(written, content, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        list(elements(written(content)))
    assert "array.json" in str(refused.value)


def test_an_element_may_have_the_greatest_length_and_not_a_byte_more(written):
    longest = b'"' + b"x" * (MOST_LINE_BYTES - 2) + b'"'
    assert [len(element.text) for element in elements(written(b"[" + longest + b"]"))] == [MOST_LINE_BYTES]
    for too_long in (b'"x' + longest[1:], '"é'.encode() + longest[2:]):
        with pytest.raises(InvalidInput, match=r"Element 2 .* is longer than 8,000,000 bytes"):
            list(elements(written(b"[1, " + too_long + b"]")))


def test_neither_an_endless_element_nor_a_wrong_one_is_read_to_its_end(written):
    endless = written(b'["' + b"x" * 40_000_000)
    wrong = written(b'[{"a": 1 "b"}, ' + b'"xxxxxxx",' * 4_000_000, "wrong.json")
    for path, said in ((endless, "longer than 8,000,000 bytes"), (wrong, "Expecting ',' delimiter")):
        tracemalloc.start()
        try:
            with pytest.raises(InvalidInput, match=said):
                list(elements(path))
            assert tracemalloc.get_traced_memory()[1] < 40_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", False), (b" " * 200_000 + b"[1]", True), (b"\xef\xbb\xbf [", True), (b'{"a": []}', False), (b'"["', False)],
    ids=["empty", "far", "a byte order mark", "an object", "a string"],
)  # fmt: skip
def test_the_first_character_decides_whether_it_is_an_array(written, content, expected):
    assert is_array(written(content)) == expected
