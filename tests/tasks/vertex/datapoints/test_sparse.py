import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.files import read_datapoint_file
from tasks.vertex.datapoints.sparse import SparseVector, parse_sparse_vector


def sparse(*pairs):
    return SparseVector(
        values=[value for _, value in pairs], dimensions=[dimension for dimension, _ in pairs]
    )


@pytest.mark.parametrize(
    "text",
    ["3:0.5, 70:-2", ' {"values": [0.5, -2], "dimensions": [3, 70]}'],
)
def test_compact_text_and_json_say_the_same(text):
    assert parse_sparse_vector(text) == sparse((3, 0.5), (70, -2))


def test_values_are_float32_and_dimensions_reach_as_far_as_the_protocol():
    found = parse_sparse_vector(f"{2**63 - 1}:0.1")
    assert found.dimensions.tolist() == [2**63 - 1]
    assert found.values.tolist() == [float(np.float32(0.1))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Not a sparse vector"),
        ("3", "Not a sparse vector: '3'.*dimension:value"),
        ("3:0.5,", "Not a sparse vector"),
        ("-3:0.5", "Not a sparse vector"),
        ("3.0:0.5", "Not a sparse vector"),
        ("3:zero", "Not a sparse vector"),
        ("9" * 5000 + ":1", "Not a sparse vector"),
        (f"{2**63}:1", f"a dimension is from 0 to {2**63 - 1}, not {2**63}"),
        ("3:1e39", "finite float32"),
        ("3:nan", "finite float32"),
        ("3:inf", "finite float32"),
        ('{"values": [1]', "Not JSON"),
        ('{"values": [1]}', "the field dimensions is missing"),
        ('{"values": [1], "dimensions": [1, 2]}', "1 values at 2 dimensions"),
        ('{"values": [], "dimensions": []}', "a vector is a list of numbers"),
        ('{"values": [1], "dimensions": [1.0]}', "dimensions are a list of whole numbers"),
        ('{"values": [1], "dimensions": [true]}', "dimensions are a list of whole numbers"),
        ('{"values": [1], "dimensions": ["1"]}', "dimensions are a list of whole numbers"),
        ('{"values": ["1"], "dimensions": [1]}', "a vector is a list of numbers"),
        ('{"values": [1], "dimensions": [-1]}', "a dimension is from 0 .* not -1"),
        ('{"values": [1], "dimensions": [36893488147419103232]}', "dimensions"),
        ('{"values": [1], "dimensions": [1], "indices": [1]}', "no field indices.*values, dimensions"),
    ],
)
def test_what_is_no_sparse_vector_is_refused(text, said):
    with pytest.raises(InvalidInput, match=said):
        parse_sparse_vector(text)


@pytest.mark.parametrize(
    ("read", "same"),
    [
        (sparse((3, 0.5), (70, 2), (70, 1)), True),
        (sparse((70, 3), (3, 0.5)), True),
        (sparse((3, 0.5), (70, 3), (9, 0)), True),
        (sparse((3, 0.5), (70, 2)), False),
        (sparse((3, 0.5), (71, 3)), False),
        (sparse((3, 0.5)), False),
    ],
    ids=str,
)
def test_order_repeated_dimensions_and_zeros_make_no_difference(read, same):
    assert sparse((3, 0.5), (70, 2), (70, 1)).is_same(read) is same


def test_lines_have_dense_vectors_sparse_ones_or_both(tmp_path):
    file = tmp_path / "points.jsonl"
    file.write_text(
        '{"id": "dense", "embedding": [1, 2], "sparse_embedding": {"values": [], "dimensions": []}}\n'
        '{"id": "sparse", "sparse_embedding": {"values": [-0.5, 1, 1], "dimensions": [10, 20, 20]}}\n'
        '{"id": "both", "embedding": [1, 2], "sparse_embedding": {"values": [1], "dimensions": [4]}}\n'
    )
    dense, only, both = read_datapoint_file.fn(file, 2)
    assert dense.sparse_embedding is None  # LangChain writes an empty one for none
    assert only.vector is None
    assert only.sparse_embedding == sparse((10, -0.5), (20, 1), (20, 1))
    assert (both.vector.tolist(), both.sparse_embedding) == ([1, 2], sparse((4, 1)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"id": "8", "sparse_embedding": {"values": [], "dimensions": []}}',
            "has no embedding: '8'.*sparse_embedding",
        ),
        (
            '{"id": "8", "sparse_embedding": {"values": [1], "dimensions": []}}',
            "sparse_embedding: there are 1 values",
        ),
        (
            '{"id": "8", "embedding": [1], "sparse_embedding": {"values": [1], "dimensions": [1]}}',
            "another number of dim",
        ),
        (
            f'{{"id": "8", "sparse_embedding": {{"values": {[1] * 150_000}, "dimensions": {[2**40] * 150_000}}}}}',
            "larger than a request",
        ),
    ],
)
def test_a_bad_sparse_line_is_named_with_file_and_number(tmp_path, line, said):
    file = tmp_path / "points.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(InvalidInput, match=said) as caught:
        read_datapoint_file.fn(file, 2)
    assert f"{file} line 2" in str(caught.value)


@pytest.mark.parametrize("as_written", [list, np.asarray], ids=["lists", "arrays"])
def test_an_embedding_without_values_and_dimensions_is_none_whatever_holds_them(as_written):
    def datapoint(*values):
        sparse = {"values": as_written([*values]), "dimensions": as_written([*range(len(values))])}
        return Datapoint(id="a", embedding=[1.0], sparse_embedding=sparse)

    assert datapoint().sparse_embedding is None
    assert datapoint(0.5, 2.0).sparse_embedding == SparseVector(values=[0.5, 2.0], dimensions=[0, 1])
