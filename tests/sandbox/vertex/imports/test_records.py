"""Records of import files, as the documentation has them and as people write them."""

import math
import sys

import numpy as np
import pytest
from google.protobuf import json_format

from sandbox.vertex.imports.lines import csv_records, json_records
from sandbox.vertex.imports.records import ErrorType, RecordError, datapoint

LARGEST = float(np.finfo("f4").max)


def made(record, dimensions=2):
    shown = json_format.MessageToDict(datapoint(record, dimensions), preserving_proto_field_name=True)
    return {key: value for key, value in shown.items() if key != "datapoint_id"}


def refused(record, dimensions=2):
    with pytest.raises(RecordError) as caught:
        datapoint(record, dimensions)
    return caught.value.type


def parsed(records, *lines):
    return [record for _, record in records(line.encode() for line in lines)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"embedding": ["0.5", "-1e2"]}, {"feature_vector": [0.5, -100.0]}),
        ({"embedding": [1, "2"]}, {"feature_vector": [1.0, 2.0]}),
        ({"embedding": [1, 2], "title": "unknown keys are ignored"}, {"feature_vector": [1.0, 2.0]}),
        ({"embedding": [1, 2], "sparse_embedding": None, "restricts": None}, {"feature_vector": [1.0, 2.0]}),
        (
            {"embedding": [1, 2], "sparse_embedding": {"values": [], "dimensions": []}},
            {"feature_vector": [1.0, 2.0]},
        ),
        (
            {"embedding": [], "sparse_embedding": {"values": ["0.5", 1], "dimensions": ["3", 4.0]}},
            {"sparse_embedding": {"values": [0.5, 1.0], "dimensions": ["3", "4"]}},
        ),
        (
            {"sparse_embedding": {"values": [-0.5, 0.25, -1.5], "dimensions": [10, 20, 20]}},
            {"sparse_embedding": {"values": [-0.5, 0.25, -1.5], "dimensions": ["10", "20", "20"]}},
        ),
        (
            {"embedding": [1, 2], "embedding_metadata": {"title": "x", "tags": ["a", 1.5, None]}},
            {"feature_vector": [1.0, 2.0], "embedding_metadata": {"title": "x", "tags": ["a", 1.5, None]}},
        ),
    ],
    ids=[
        "numbers as strings",
        "mixed",
        "unknown key",
        "nulls",
        "empty sparse",
        "sparse only",
        "dimension twice",
        "metadata",
    ],
)
def test_a_record_is_taken_as_people_write_it(record, expected):
    assert made({"id": "a", **record}) == expected


@pytest.mark.parametrize(("given", "name"), [("a", "a"), (123, "123"), (0, "0"), (2**70, str(2**70))])
def test_an_id_may_be_a_whole_number(given, name):
    assert datapoint({"id": given, "embedding": [1, 2]}, 2).datapoint_id == name


@pytest.mark.parametrize("given", ["", None, 1.5, True, ["a"]])
def test_any_other_id_is_refused(given):
    assert refused({"id": given, "embedding": [1, 2]}) == ErrorType.INVALID_EMBEDDING_ID


def test_the_largest_float32_passes_however_it_is_written():
    for written in (LARGEST, 3.4028235e38, "3.4028235e38", -3.4028235e38):
        found = datapoint({"id": "a", "embedding": [written, 0]}, 2).feature_vector[0]
        assert abs(found) == LARGEST
        price = {
            "id": "a",
            "embedding": [0, 0],
            "numeric_restricts": [{"namespace": "p", "value_float": written}],
        }
        assert abs(datapoint(price, 2).numeric_restricts[0].value_float) == LARGEST
    for written in (3.4028236e38, 1e39, sys.float_info.max, 10**400, "inf", "nan", math.nan):
        assert refused({"id": "a", "embedding": [written, 0]}) == ErrorType.INVALID_EMBEDDING


@pytest.mark.parametrize(
    ("number", "kind", "value"),
    [
        ({"value_int": 0, "value_float": 2.5}, "value_float", 2.5),
        ({"value_int": 7, "value_float": 0.0}, "value_int", 7),
        ({"value_int": 7, "value_float": 0.0, "value_double": 0}, "value_int", 7),
        ({"value_int": 0, "value_float": 0.0}, "value_int", 0),
        ({"value_double": 0}, "value_double", 0),
        ({"value_int": None, "value_double": 0.25}, "value_double", 0.25),
        ({"value_int": "12"}, "value_int", 12),
        ({"value_int": 3.0}, "value_int", 3),
        ({"value_int": -(2**63)}, "value_int", -(2**63)),
        ({"value_double": "1e300"}, "value_double", 1e300),
    ],
)
def test_a_number_is_the_one_that_is_meant(number, kind, value):
    record = {"id": "a", "embedding": [1, 2], "numeric_restricts": [{"namespace": "n", **number}]}
    (found,) = datapoint(record, 2).numeric_restricts
    assert (found.WhichOneof("Value"), getattr(found, kind)) == (kind, value)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, ErrorType.INVALID_EMBEDDING),
        ({"embedding": [], "sparse_embedding": {"values": []}}, ErrorType.EMBEDDING_SIZE_MISMATCH),
        ({"embedding": "0.5"}, ErrorType.INVALID_EMBEDDING),
        ({"embedding": [True, 1]}, ErrorType.INVALID_EMBEDDING),
        ({"embedding": [[1], [2]]}, ErrorType.INVALID_EMBEDDING),
        (
            {"embedding": [1], "sparse_embedding": {"values": [1], "dimensions": [1]}},
            ErrorType.EMBEDDING_SIZE_MISMATCH,
        ),
        ({"sparse_embedding": [1]}, ErrorType.INVALID_SPARSE_EMBEDDING),
        ({"sparse_embedding": {"values": [1, 2], "dimensions": [1]}}, ErrorType.INVALID_SPARSE_EMBEDDING),
        ({"sparse_embedding": {"values": ["x"], "dimensions": [1]}}, ErrorType.INVALID_SPARSE_EMBEDDING),
        ({"sparse_embedding": {"values": [1], "dimensions": [-1]}}, ErrorType.INVALID_SPARSE_EMBEDDING),
        ({"sparse_embedding": {"values": [1], "dimensions": [1.5]}}, ErrorType.INVALID_SPARSE_DIMENSIONS),
        ({"sparse_embedding": {"values": [1], "dimensions": [2**63]}}, ErrorType.INVALID_SPARSE_DIMENSIONS),
        ({"sparse_embedding": {"values": [1], "dimensions": 1}}, ErrorType.INVALID_SPARSE_DIMENSIONS),
        ({"embedding": [1, 2], "embedding_metadata": "x"}, ErrorType.PARSING_ERROR),
        ({"embedding": [1, 2], "embedding_metadata": ["x"]}, ErrorType.PARSING_ERROR),
        ({"embedding": [1, 2], "crowding_tag": 3}, ErrorType.PARSING_ERROR),
        (
            {"embedding": [1, 2], "numeric_restricts": [{"namespace": "n", "value_int": 2**63}]},
            ErrorType.INVALID_NUMERIC_VALUE,
        ),
        (
            {"embedding": [1, 2], "numeric_restricts": [{"namespace": "n", "value_int": True}]},
            ErrorType.INVALID_NUMERIC_VALUE,
        ),
        (
            {
                "embedding": [1, 2],
                "numeric_restricts": [{"namespace": "n", "value_int": 2, "value_double": 1}],
            },
            ErrorType.MULTIPLE_VALUES,
        ),
    ],
)
def test_a_record_that_says_nothing_clear_is_refused_by_its_kind(fields, kind):
    assert refused({"id": "a", **fields}) == kind


def test_a_json_line_may_be_a_dict_as_python_prints_it():
    # "About hybrid search" (docs/sources.md) writes its import file with f"{item}\n".
    record = {
        "id": 0,
        "title": "Kids' tee",
        "sparse_embedding": {"values": [0.5], "dimensions": [191]},
        "n": None,
    }
    assert parsed(json_records, f"{record}\n") == [record]


def test_lines_end_as_on_any_system_and_a_byte_order_mark_counts_for_nothing():
    assert parsed(json_records, '\ufeff{"id": "a"}\r\n', '{"id": "b"}') == [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"", ErrorType.EMPTY_LINE),
        (b"  ", ErrorType.EMPTY_LINE),
        (b'{"id": "a"', ErrorType.INVALID_JSON_SYNTAX),
        (b'["a"]', ErrorType.INVALID_JSON_SYNTAX),
        (b"{'id': open('x')}", ErrorType.INVALID_JSON_SYNTAX),
        (b'{"id": "\xff"}', ErrorType.INVALID_ENCODING),
    ],
)
def test_a_line_that_is_no_object_is_refused_by_its_kind(line, kind):
    ((raw, error),) = json_records([line])
    assert (raw, error.type) == (line, kind)


def test_the_documented_line_of_csv_is_read_as_documented():
    line = (
        "6,7,-8.1,40:0.1,901:-0.2,1111:0.5,crowding_tag=test,color=red,color=blue,color=!purple,#ratio=0.1f"
    )
    (record,) = parsed(csv_records, line)
    assert made(record) == {
        "feature_vector": pytest.approx([7, -8.1]),
        "sparse_embedding": {"values": pytest.approx([0.1, -0.2, 0.5]), "dimensions": ["40", "901", "1111"]},
        "crowding_tag": {"crowding_attribute": "test"},
        "restricts": [{"namespace": "color", "allow_list": ["red", "blue"], "deny_list": ["purple"]}],
        "numeric_restricts": [{"namespace": "ratio", "value_float": pytest.approx(0.1)}],
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a,1,2", {"feature_vector": [1.0, 2.0]}),
        ("a,1.5f,0x1.8p1", {"feature_vector": [1.5, 3.0]}),
        ("a, 1e2 ,-2D", {"feature_vector": [100.0, -2.0]}),
        ("a,7:0.5", {"sparse_embedding": {"values": [0.5], "dimensions": ["7"]}}),
        (
            "a,1,2,#size=3i,#weight=0.25d",
            {
                "feature_vector": [1.0, 2.0],
                "numeric_restricts": [
                    {"namespace": "size", "value_int": "3"},
                    {"namespace": "weight", "value_double": 0.25},
                ],
            },
        ),
        (
            "a,1,2,ratio=0.1f,url=http://x/?a=b",  # without # a token, as in the page's own last example
            {
                "feature_vector": [1.0, 2.0],
                "restricts": [
                    {"namespace": "ratio", "allow_list": ["0.1f"]},
                    {"namespace": "url", "allow_list": ["http://x/?a=b"]},
                ],
            },
        ),
    ],
)
def test_a_line_of_csv_holds_dense_then_sparse_values_then_pairs(line, expected):
    (record,) = parsed(csv_records, line)
    assert made(record) == expected


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("a,1,2,7:0.5,3", ErrorType.INVALID_CSV_SYNTAX),
        ("a,1,2,color=red,3", ErrorType.INVALID_CSV_SYNTAX),
        ("a,1,2,crowding_tag=a,crowding_tag=b", ErrorType.INVALID_CSV_SYNTAX),
        ("a,1,x", ErrorType.INVALID_EMBEDDING),
        ("a,1,inf", ErrorType.INVALID_EMBEDDING),
        ("a,1,2,x:1", ErrorType.INVALID_SPARSE_DIMENSIONS),
        ("a,1,2,1:x", ErrorType.INVALID_SPARSE_EMBEDDING),
        ("a,1,2,#size=3", ErrorType.INVALID_NUMERIC_VALUE),
        ("a,1,2,#size=3.5i", ErrorType.INVALID_NUMERIC_VALUE),
        ("a,1,2,#size=3i,#size=4i", ErrorType.DUPLICATE_NAMESPACE),
        ("a,1,2,color=!", ErrorType.INVALID_TOKEN_VALUE),
        ("a,1,2,=red", ErrorType.NAMESPACE_MISSING),
        ("a,1", ErrorType.EMBEDDING_SIZE_MISMATCH),
        ("a", ErrorType.EMBEDDING_SIZE_MISMATCH),
        (",1,2", ErrorType.INVALID_EMBEDDING_ID),
        ("", ErrorType.EMPTY_LINE),
    ],
)
def test_a_wrong_line_of_csv_is_refused_by_its_kind(line, kind):
    (record,) = parsed(csv_records, line)
    assert (record.type if isinstance(record, RecordError) else refused(record)) == kind
