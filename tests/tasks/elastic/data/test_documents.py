import json
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.elastic.data.documents import (
    DocumentSource,
    document_id,
    read_checked_documents,
    read_documents,
)
from tasks.errors import InvalidInput
from tasks.exact_json import canonical

VALUES = st.one_of(st.text(max_size=8), st.integers(-(2**53), 2**53), st.booleans(), st.none())
BODIES = st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=6)
check = read_checked_documents.fn


def written(tmp_path, rows, name="documents.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@given(BODIES, st.randoms())
def test_an_id_does_not_depend_on_the_order_of_fields(body, random):
    shuffled = list(body.items())
    random.shuffle(shuffled)
    assert document_id(body, None) == document_id(dict(shuffled), None)
    assert canonical(body) == canonical(dict(shuffled))


@given(BODIES, BODIES)
def test_different_documents_have_different_ids(one, other):
    assert (document_id(one, None) == document_id(other, None)) == (canonical(one) == canonical(other))


@pytest.mark.parametrize("value", [None, "", True, 1.5, ["a"], "x" * 513])
def test_what_cannot_be_an_id_is_refused(value):
    with pytest.raises(ValueError, match="id"):
        document_id({"id": value}, "id")


def test_lines_and_an_array_hold_the_same_documents(tmp_path):
    rows = [{"id": n, "plot": f"plot {n}"} for n in range(5)]
    array = tmp_path / "documents.json"
    array.write_text(json.dumps(rows, indent=2))
    lines = check(DocumentSource(path=written(tmp_path, rows), id_field="id"))
    elements = check(DocumentSource(path=array, id_field="id"))
    assert lines.content == elements.content
    assert lines.documents == elements.documents == 5


def test_content_does_not_depend_on_the_order_of_documents(tmp_path):
    rows = [{"id": n} for n in range(5)]
    forth = check(DocumentSource(path=written(tmp_path, rows, "a"), id_field="id"))
    back = check(DocumentSource(path=written(tmp_path, rows[::-1], "b"), id_field="id"))
    assert forth.content == back.content


def test_repeated_ids_are_counted_and_the_last_document_stays(tmp_path):
    rows = [{"id": "a", "v": 1}, {"id": "b", "v": 1}, {"id": "a", "v": 2}]
    checked = check(DocumentSource(path=written(tmp_path, rows, "a"), id_field="id"))
    assert (checked.documents, checked.repeated) == (2, 1)
    assert (
        checked.content == check(DocumentSource(path=written(tmp_path, rows[1:], "b"), id_field="id")).content
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1), st.randoms())
def test_content_is_that_of_the_last_document_of_each_id(tmp_path_factory, pairs, random):
    rows = [{"id": id_, "v": v} for id_, v in pairs]
    once = list({row["id"]: row for row in rows}.values())
    random.shuffle(once)
    folder = tmp_path_factory.mktemp("contents")
    checked = check(DocumentSource(path=written(folder, rows, "a"), id_field="id"))
    plain = check(DocumentSource(path=written(folder, once, "b"), id_field="id"))
    assert checked.content == plain.content
    assert (checked.documents, checked.repeated) == (len(once), len(rows) - len(once))


def test_content_changes_with_a_document_and_with_its_id(tmp_path):
    alike = [[("a", 1), ("b", 2)], [("a", 2), ("b", 1)], [("a", 1), ("c", 2)], [("a", 1)]]
    contents = {
        check(
            DocumentSource(
                path=written(tmp_path, [{"id": id_, "v": v} for id_, v in rows], str(number)), id_field="id"
            )
        ).content
        for number, rows in enumerate(alike)
    }
    assert len(contents) == 4


def test_the_memory_of_a_check_does_not_hold_the_ids(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(f'{{"id": "{n:0>200}"}}\n' for n in range(20_000)))
    tracemalloc.start()
    try:
        check(DocumentSource(path=path, id_field="id"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * 60  # the ids alone are 200 bytes each


def test_many_unusable_lines_are_counted_and_long_values_cut(tmp_path):
    path = written(tmp_path, [{"id": ["x" * 1000]} for _ in range(7)])
    with pytest.raises(
        InvalidInput, match=r"7 documents cannot be used: line 1: id is \['x{78}\.\.\., .* and 2 more"
    ) as refused:
        check(DocumentSource(path=path, id_field="id"))
    assert len(str(refused.value)) < 1000


def test_every_unusable_line_is_counted_and_the_first_are_named(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text('{"id": "a"}\n{"id": \n\n[1]\n{"no": "id"}\n')
    with pytest.raises(
        InvalidInput, match=r"3 documents cannot be used.*line 2: .*line 4: not an object; line 5: id is None"
    ):
        check(DocumentSource(path=path, id_field="id"))


def test_a_field_that_no_document_has_is_refused_with_those_that_there_are(tmp_path):
    path = written(tmp_path, [{"title": "t", "about": {"plot": "p"}}])
    assert check(DocumentSource(path=path), ("about.plot",)).documents == 1
    with pytest.raises(InvalidInput, match=r"No document has this field: 'plots'.*about, about.plot, title"):
        check(DocumentSource(path=path), ("plots",))


def test_a_limit_takes_the_first_documents(tmp_path):
    path = written(tmp_path, [{"id": n} for n in range(10)])
    source = DocumentSource(path=path, id_field="id", limit=3)
    assert [d.id for d in read_documents(source)] == ["0", "1", "2"]
    assert check(source).documents == 3


@pytest.mark.parametrize("text", ["", "\n\n", "[]"], ids=["nothing", "blank lines", "an empty array"])
def test_a_file_without_documents_is_refused(tmp_path, text):
    path = tmp_path / "empty"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="no document"):
        check(DocumentSource(path=path))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        check(DocumentSource(path=tmp_path / "missing"))


ODD = b'{"id": 12345678901234567890123, "price" : 1.50,"tiny":1e-400, "zero": -0,\t"name": "\\u00e9 \\/"}'


@pytest.mark.parametrize(
    "around", [b"%s\r\n", b"\xef\xbb\xbf%s", b" [%s ]"], ids=["line", "byte order mark", "array"]
)
def test_a_document_is_its_own_text_and_its_id_keeps_every_digit(tmp_path, around):
    path = tmp_path / "documents"
    path.write_bytes(around % ODD)
    (document,) = read_documents(DocumentSource(path=path, id_field="id"))
    assert (document.id, document.text) == ("12345678901234567890123", ODD)


def test_a_document_on_several_lines_becomes_one_line(tmp_path):
    path = tmp_path / "documents.json"
    path.write_bytes(b'[{\r\n  "id": 1,\n  "plot": "a\\nb"\n}]')
    (document,) = read_documents(DocumentSource(path=path, id_field="id"))
    assert document.text == b'{\r   "id": 1,   "plot": "a\\nb" }'


@pytest.mark.parametrize(
    ("one", "other"),
    [("100000000000000000001", "100000000000000000002"), ("0.12345678901234567", "0.123456789012345671"), ("1e-400", "1e-401")],
)  # fmt: skip
def test_content_and_id_change_with_a_digit_that_no_double_holds(tmp_path, one, other):
    sources = []
    for number in (one, other):
        path = tmp_path / number
        path.write_text(f'{{"a": {number}}}')
        sources.append(DocumentSource(path=path))
    assert check(sources[0]).content != check(sources[1]).content
    assert len({document.id for source in sources for document in read_documents(source)}) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": 1}\n{"id": 2, "a": 1, "a": 2}', "line 2: the name 'a' occurs twice in one object"),
        ('[{"id": 1},\n{"id": 2, "a": NaN}]', r"element 2 \(line 2\): not JSON, which has no NaN"),
        ('{"id": "\\ud800"}', "line 1: half of a surrogate pair"),
        (f'{{"id": 1, "a": {"[" * 500}{"]" * 500}}}', "line 1: nested deeper than 250 levels"),
        (f'[{{"id": 1, "a": {"[" * 250}{"]" * 250}}}]', r"element 1 \(line 1\): nested deeper than 250 levels"),
        ('{"id": 1.5}', "line 1: id is 1.5, which cannot be an id"),
        ('{"id": 1e400}', "line 1: id is 1e400, which cannot be an id"),
    ],
    ids=["a repeated name", "NaN", "half a pair", "deep", "deep in an array", "a fraction", "beyond doubles"],
)  # fmt: skip
def test_what_would_be_changed_is_refused_with_its_place(tmp_path, text, said):
    path = tmp_path / "documents"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        check(DocumentSource(path=path, id_field="id"))


def test_fields_are_found_in_any_document_and_few_of_them_are_listed(tmp_path):
    rows = [{f"field {n}": {"x" * 200: 1}} for n in range(1000)] + [{"about": {"the.plot": 1}}]
    path = written(tmp_path, rows)
    assert check(DocumentSource(path=path), ("field 999", "about.the.plot")).documents == 1001
    with pytest.raises(InvalidInput, match="No document has this field: 'plot'") as refused:
        check(DocumentSource(path=path), ("plot", "about.the.plot"))
    assert str(refused.value).count("field ") == 50


def checked(tmp_path, text, id_field=None):
    path = tmp_path / "documents.jsonl"
    path.write_bytes(text)
    source = DocumentSource(path=path, id_field=id_field)
    return check(source), list(read_documents(source))


def test_a_field_that_elasticsearch_keeps_for_the_id_is_taken_as_the_id_and_not_sent(tmp_path):
    text = b'{"_id": "a", "t": "x", "big": 123456789012345678901234567890, "long": 0.10000000000000000005}\n'
    found, (document,) = checked(tmp_path, text, "_id")
    assert document.id == "a"
    assert document.text == b'{"t":"x","big":123456789012345678901234567890,"long":0.10000000000000000005}'
    assert found.documents == 1
    again, _ = checked(tmp_path, b'{"t": "x", "_id": "a"}\n{"_id": "a", "t": "y"}\n', "_id")
    last, _ = checked(tmp_path, b'{"t": "y", "_id": "a"}\n', "_id")
    assert (again.repeated, again.content) == (1, last.content)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            b'{"_id": "a", "t": "x"}',
            "line 1: its field _id is refused by Elasticsearch; --id-field _id takes it",
        ),
        (
            b'{"_index": "films", "_source": {"t": "x"}}',
            "line 1: its field _index is one that Elasticsearch keeps",
        ),
    ],
    ids=["id", "a hit of a search"],
)
def test_a_field_that_every_cluster_refuses_is_named_before_anything_is_created(tmp_path, text, said):
    with pytest.raises(InvalidInput, match=said):
        checked(tmp_path, text)


@pytest.mark.parametrize(
    "action", ['{"index": {"_index": "x", "_id": "1"}}', '{"create":{}}', '{"delete":{"_id":"1"}}']
)
def test_a_file_in_the_format_of_the_bulk_api_is_refused_as_such(tmp_path, action):
    with pytest.raises(
        InvalidInput, match=r"format of the _bulk API.*documents alone.*Leave the action lines out"
    ):
        checked(tmp_path, f'{action}\n{{"t": "x"}}\n'.encode())


def test_a_document_that_only_looks_like_an_action_is_a_document(tmp_path):
    _, found = checked(tmp_path, b'{"index": {"name": "DAX"}}\n{"index": {}, "t": "x"}\n')
    assert len(found) == 2


def test_a_document_is_read_and_checked_in_few_calls(tmp_path):
    path = written(tmp_path, [{"id": str(row), "text": "word " * 9, "year": row} for row in range(100)])
    calls = list[str]()
    documents = read_documents(DocumentSource(path=path, id_field="id"))
    sys.setprofile(lambda _frame, event, _argument: calls.append(event))
    try:
        assert sum(1 for _ in documents) == 100
    finally:
        sys.setprofile(None)
    per_document = (calls.count("call") + calls.count("c_call")) / 100
    assert per_document < 40  # 33 on Python 3.11; a generator that goes on is a call too
