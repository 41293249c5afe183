from pathlib import Path

import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.datapoints import files
from tasks.vertex.datapoints.files import IdFile, read_datapoint_file, read_id_file
from tasks.vertex.datapoints.filters import NumericRestrict, Restrict

GOOD = (
    '{"id": "7", "embedding": [0.1, 2], "crowding_tag": "a", "restricts": [{"namespace": "class", "allow": ["7"]}], '
    '"numeric_restricts": [{"namespace": "year", "value_int": 3}]}'
)


def test_a_file_in_the_format_of_import_files_is_read_lazily_and_again_and_again(tmp_path):
    file = tmp_path / "points.jsonl"
    file.write_text(f'{GOOD}\n\n{{"id": "8", "embedding": [1, 1]}}')
    points = read_datapoint_file.fn(file, 2)
    assert len(points) == 2
    assert list(points) == list(points)
    first = next(iter(points))
    assert first.vector.dtype == np.float32
    assert (first.id, first.crowding_tag) == ("7", "a")
    assert first.restricts == (Restrict(namespace="class", allow=("7",)),)
    assert first.numeric_restricts == (NumericRestrict(namespace="year", value_int=3),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "8", "embedding": [1, 2]', "Not a line of JSON"),
        ('{"id": "8", "embedding": [1, NaN]}', "Not a line of JSON .*no NaN"),
        ("[1, 2]", "valid dictionary"),
        ('{"embedding": [1, 2]}', "the field id is missing"),
        ('{"id": "", "embedding": [1, 2]}', "id: String should have at least 1"),
        ('{"id": 8, "embedding": [1, 2]}', "id: Input should be a valid string"),
        ('{"id": "7", "embedding": [1, 2]}', "An id occurs twice: '7'.*number 1 before it"),
        ('{"id": "8"}', "has no embedding"),
        (
            '{"id": "8", "embedding": [1, 2, 3]}',
            "another number of dimensions than the index: 3.*Accepted: 2",
        ),
        ('{"id": "8", "embedding": [1, 1e39]}', "finite float32 numbers only, at position 1"),
        (
            '{"id": "8", "embedding": [1, 2], "sparse_embedding": {}}',
            "the field sparse_embedding.values is missing",
        ),
        ('{"id": "8", "embedding": [1, 2], "sparse": {}}', "no field sparse"),
        ('{"id": "8", "embedding": [1, 2], "crowding_tag": 1}', "crowding_tag"),
        ('{"id": "8", "embedding": [1, 2], "restricts": [{"allow": ["x"]}]}', r"restricts.0.namespace"),
        (
            '{"id": "8", "embedding": [1, 2], "restricts": [{"namespace": "a"}, {"namespace": "a"}]}',
            "each namespace once",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_int": 1}, {"namespace": "a", "value_int": 2}]}',
            "each namespace once",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "year", "value_float": 1}]}',
            "'year' has numbers of two types: 'value_float'.*value_int, as in .* line 1",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_int": 36893488147419103232}]}',
            "value_int",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_float": 1e39}]}',
            "value_float",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_double": true}]}',
            "value_double",
        ),
        ('{"id": "8", "embedding": [true, 2]}', "a vector is a list of numbers"),
        ('{"id": "8", "embedding": ["1", 2]}', "a vector is a list of numbers"),
        ('{"id": "8", "embedding": [1e400, 2]}', "embedding|JSON"),
        ('{"id": "8", "embedding": [1, 36893488147419103232e30]}', "finite float32"),
        ('{"id": "8", "embedding": ' + "[" * 200 + "]" * 200 + "}", "a vector is a list of numbers"),
        ('{"id": "8", "embedding": ' + "[" * 1000 + "]" * 1000 + "}", "nested deeper than 250 levels"),
        ('{"id": ' + '{"a":' * 240 + "1" + "}" * 240 + "}", "id: Input should be a valid string"),
        ("[" * 5000 + "]" * 5000, "nested deeper than 250 levels"),
        ('{"id": "8", "embedding": [1, 2], "embedding": [3, 4]}', "the name 'embedding' occurs twice"),
        (
            '{"id": "8", "embedding": [1, 2], "restricts": [{"namespace": "a", "allow": ["x"], "allow": ["y"]}]}',
            "the name 'allow' occurs twice",
        ),
        ('{"id": "\\ud800", "embedding": [1, 2]}', "Not a line of JSON"),
        (
            '{"id": "8", "embedding": [1, 2], "crowding_tag": "' + "x" * 990_000 + '"}',
            "larger than a request",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_int": 1, "op": "LESS"}]}',
            "op belongs to queries",
        ),
        (
            '{"id": "8", "embedding": [1, 2], "numeric_restricts": [{"namespace": "a", "value_int": 1, "value_float": 1}]}',
            "exactly one of",
        ),
    ],
)
def test_a_bad_line_is_named_with_file_and_number(tmp_path, line, said):
    file = tmp_path / "points.jsonl"
    file.write_text(f"{GOOD}\n\n{line}\n")
    with pytest.raises(InvalidInput, match=said) as caught:
        read_datapoint_file.fn(file, 2)
    assert f"{file} line 3" in str(caught.value)


def test_vectors_may_be_left_out_where_restricts_alone_change(tmp_path):
    file = tmp_path / "points.jsonl"
    file.write_text('{"id": "8", "restricts": [{"namespace": "class", "allow": ["1"]}]}')
    assert len(read_datapoint_file.fn(file, 2, restricts_only=True)) == 1


@pytest.mark.parametrize(
    "read", [lambda f: read_datapoint_file.fn(f, 2), read_id_file.fn], ids=["datapoints", "ids"]
)
def test_an_empty_or_missing_file_is_refused(tmp_path, read):
    (tmp_path / "empty").write_text("\n\n")
    with pytest.raises(InvalidInput, match="holds no"):
        read(tmp_path / "empty")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read(tmp_path / "missing")


def test_ids_are_one_a_line_and_each_once(tmp_path):
    file = tmp_path / "ids"
    file.write_text("1\n2 and more\n\n3\n")
    ids = read_id_file.fn(file)
    assert (ids, list(ids)) == (IdFile(file, 3), ["1", "2 and more", "3"])
    file.write_text("1\n2\n1\n")
    with pytest.raises(InvalidInput, match=r"twice: '1' \(from .*line 3"):
        read_id_file.fn(file)


def test_a_byte_order_mark_belongs_to_no_datapoint_and_no_id(tmp_path):
    (tmp_path / "points.jsonl").write_text(f"\ufeff{GOOD}")
    assert [point.id for point in read_datapoint_file.fn(tmp_path / "points.jsonl", 2)] == ["7"]
    (tmp_path / "ids").write_text("\ufeff7\r\n8\r\n")
    assert list(read_id_file.fn(tmp_path / "ids")) == ["7", "8"]


def test_an_id_keeps_its_blanks_and_only_the_end_of_its_line_goes(tmp_path):
    (tmp_path / "ids").write_bytes(b"item 7 \n\titem\t8\n \n\n\xc2\xa0\r\nlast")
    assert list(read_id_file.fn(tmp_path / "ids")) == ["item 7 ", "\titem\t8", " ", "\xa0", "last"]


def test_ids_with_line_breaks_are_written_as_json_strings(tmp_path):
    file = tmp_path / "ids.jsonl"
    file.write_text('"two\\nlines"\n\n "ends with a blank "\n')
    assert list(read_id_file.fn(file)) == ["two\nlines", "ends with a blank "]


@pytest.mark.parametrize("line", ["7", "null", '["7"]', "seven", '"a" "b"', '"\\ud800"'])
def test_what_is_no_json_string_is_no_id(tmp_path, line):
    file = tmp_path / "ids.jsonl"
    file.write_text(f'"1"\n{line}\n')
    with pytest.raises(InvalidInput, match=f"from {file} line 2"):
        read_id_file.fn(file)


@pytest.mark.parametrize("content", [b"\xff\xfe1\x00", b"ok\n\xff\n", b"x" * 990_001, b"x" * 9_000_000])
def test_bytes_that_are_no_ids_are_refused(tmp_path, content):
    (tmp_path / "ids").write_bytes(content)
    with pytest.raises(InvalidInput):
        read_id_file.fn(tmp_path / "ids")


@pytest.mark.parametrize("read", [lambda f: read_datapoint_file.fn(f, 2), read_id_file.fn])
def test_a_device_without_end_is_refused(read):
    with pytest.raises(InvalidInput, match="a device, not a file"):
        read(Path("/dev/zero"))


def test_of_a_file_that_was_appended_to_itself_the_first_repeated_id_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SUSPECTS", 3)
    (tmp_path / "ids").write_text("".join(f"{row % 50}\n" for row in range(100)))
    with pytest.raises(InvalidInput, match=r"An id occurs twice: '0' .*line 51, and number 1 before it"):
        read_id_file.fn(tmp_path / "ids")
