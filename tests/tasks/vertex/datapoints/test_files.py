import numpy as np
import pytest

from tasks.errors import InvalidInput
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
        ('{"id": "8", "embedding": [1, NaN]}', "Not a line of JSON.*JSON has no NaN"),
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
        ('{"id": "8", "embedding": [1, 2], "sparse_embedding": {}}', "no field sparse_embedding"),
        ('{"id": "8", "embedding": [1, 2], "crowding_tag": 1}', "crowding_tag"),
        ('{"id": "8", "embedding": [1, 2], "restricts": [{"allow": ["x"]}]}', r"restricts.0.namespace"),
        (
            '{"id": "8", "embedding": [1, 2], "restricts": [{"namespace": "a"}, {"namespace": "a"}]}',
            "each namespace once",
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
