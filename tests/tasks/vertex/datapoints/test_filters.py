import numpy as np
import pytest

from tasks.errors import InvalidInput
from tasks.vertex.datapoints.filters import (
    NumericFilter,
    Restrict,
    namespaces_without_kind,
    parse_numeric_filters,
    parse_restricts,
)
from tasks.vertex.datapoints.vectors import floats, is_same_vector, parsed
from tasks.vertex.queries.neighbors import Query


def test_texts_of_one_namespace_become_one_restrict():
    assert parse_restricts(
        ["class=1, 2", "class!=3", "color=red", '{"namespace": "size", "deny": ["a,b"]}']
    ) == (
        Restrict(namespace="class", allow=("1", "2"), deny=("3",)),
        Restrict(namespace="color", allow=("red",)),
        Restrict(namespace="size", deny=("a,b",)),
    )


@pytest.mark.parametrize(
    ("text", "op", "field", "value"),
    [
        ("year>=10i", "GREATER_EQUAL", "value_int", 10),
        ("year=10", "EQUAL", "value_int", 10),
        ("year!=-3", "NOT_EQUAL", "value_int", -3),
        ("price<0.5f", "LESS", "value_float", 0.5),
        ("price<=1e3", "LESS_EQUAL", "value_double", 1000.0),
        ("price>7d", "GREATER", "value_double", 7.0),
        ('{"namespace": "price", "op": "LESS", "value_float": 2}', "LESS", "value_float", 2.0),
    ],
)
def test_a_number_filter_is_read_from_compact_text(text, op, field, value):
    (found,) = parse_numeric_filters([text])
    assert (found.op, found.field, getattr(found, found.field)) == (op, field, value)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("price>=10", "value_float", 10.0),
        ("price>=10d", "value_double", 10.0),
        ("year>=10", "value_int", 10),
        ("else<0.5", "value_double", 0.5),
    ],
)
def test_a_number_without_a_kind_takes_that_of_its_namespace(text, field, value):
    (found,) = parse_numeric_filters([text], {"price": "value_float", "year": "value_int"})
    assert (found.field, getattr(found, field)) == (field, value)


def test_a_fraction_is_refused_where_the_index_has_whole_numbers():
    with pytest.raises(InvalidInput, match=r"kind int64: '0.5' \(from year<0.5\).*index has int64"):
        parse_numeric_filters(["year<0.5"], {"year": "value_int"})


def test_only_numbers_without_a_kind_are_looked_up():
    texts = [
        "a>=1",
        "b>=1i",
        "c<0.5",
        "d<0.5f",
        '{"namespace": "e", "op": "LESS", "value_int": 1}',
        "no filter",
    ]
    assert namespaces_without_kind(texts) == {"a", "c"}


@pytest.mark.parametrize("text", ["class==3", "class!==3", "class=1,", "class=,", "class=1,,2", "class= "])
def test_an_empty_token_or_a_doubled_sign_is_refused_with_what_is_accepted(text):
    with pytest.raises(InvalidInput, match=f"Not a restrict: '{text}'.*namespace=token,token"):
        parse_restricts([text])


@pytest.mark.parametrize(
    "text", ["class", "=1", "{", '{"namespace": ""}', '{"namespace": "a", "op": "LESS"}']
)
def test_what_is_no_restrict_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_restricts([text])


@pytest.mark.parametrize(
    "text", ["price", "price<", "price<x", "price<1.5i", "price<9e99f", "price<99999999999999999999", "{"]
)
def test_what_is_no_number_filter_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_numeric_filters([text])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"value_int": 1}, "the field op is missing"),
        ({"op": "LESS"}, "exactly one of"),
        ({"op": "LESS", "value_int": 1, "value_float": 1}, "exactly one of"),
        ({"op": "ABOUT", "value_int": 1}, "op: Input should be 'LESS'"),
        ({"op": "LESS", "value_int": True}, "value_int"),
        ({"op": "LESS", "value_double": float("nan")}, "finite"),
    ],
)
def test_a_wrong_number_filter_names_its_field(fields, said):
    with pytest.raises(InvalidInput, match=said):
        parsed(NumericFilter, {"namespace": "n", **fields}, what="numeric restrict")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "either vector, sparse_vector or both, or datapoint_id"),
        ({"vector": [1], "datapoint_id": "x"}, "either vector, sparse_vector or both, or datapoint_id"),
        ({"vector": []}, "list of numbers"),
        ({"vector": ["1"]}, "list of numbers"),
        ({"vector": [1, 1e39]}, "at position 1 is 1e"),
        ({"vector": [float("nan")]}, "finite"),
        ({"datapoint_id": "x", "neighbor_count": 0}, "neighbor_count"),
        ({"datapoint_id": "x", "fraction_leaf_nodes_to_search_override": 1.1}, "fraction_leaf"),
    ],
)
def test_a_wrong_query_is_refused(fields, said):
    with pytest.raises(InvalidInput, match=said):
        parsed(Query, fields, what="query")


def test_values_with_vectors_compare_as_values_and_pass_through_json():
    query = Query(vector=floats([1, 0.1]), neighbor_count=3)
    assert Query.model_validate_json(query.model_dump_json()) == query
    assert query != Query(vector=floats([1, 0.2]), neighbor_count=3)
    assert Query.model_json_schema()["properties"]["vector"]["anyOf"][0]["type"] == "array"


def test_a_normalised_vector_counts_as_the_same_only_where_the_index_normalises():
    sent = floats(np.arange(1, 9))
    unit = (sent / np.linalg.norm(sent)).astype("f4")
    assert is_same_vector(sent, sent, normalised=False)
    assert is_same_vector(sent, unit, normalised=True)
    assert not is_same_vector(sent, unit, normalised=False)
    assert not is_same_vector(sent, np.nextafter(sent, 9), normalised=False)
    assert not is_same_vector(sent, unit[:-1], normalised=True)
