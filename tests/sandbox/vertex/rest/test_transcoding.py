"""Requests from JSON and query parameters, beside what the protobuf library itself makes of them."""

import orjson
import pytest
from google.cloud import aiplatform_v1 as v1
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.vertex.errors import Refusal
from sandbox.vertex.rest.routes import Routes
from sandbox.vertex.rest.transcoding import transcoded
from sandbox.vertex.versions.rules import rules

Upsert = v1.UpsertDatapointsRequest.pb()
Update = v1.UpdateIndexRequest.pb()
LARGEST = 3.4028234663852886e38


def upsert(datapoint):
    body = orjson.dumps({"datapoints": [datapoint]})
    return transcoded(Upsert, "*", ("index", "i"), {}, body).datapoints[0]


def told(call):
    with pytest.raises(Refusal) as refused:
        call()
    return refused.value.text


@pytest.mark.parametrize(
    "number", [LARGEST, -LARGEST, "3.4028235e38", 3.40282350e38, 1e-45, "-0.5", 7], ids=str
)
def test_a_float32_is_read_after_it_is_rounded(number):
    read = upsert({"featureVector": [number]}).feature_vector[0]
    assert read == v1.IndexDatapoint(feature_vector=[min(LARGEST, float(number))]).feature_vector[0]


@pytest.mark.parametrize("number", [3.5e38, "1e39", True, "many", None, {}], ids=str)
def test_what_is_no_float32_is_refused_with_its_place(number):
    shown = orjson.dumps(number).decode()
    expected = f"Invalid value at 'datapoints[0].feature_vector[1]' (TYPE_FLOAT), {shown}"
    assert told(lambda: upsert({"featureVector": [0, number]})) == expected


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("valueInt", 2**63, "TYPE_INT64"),
        ("valueInt", 0.5, "TYPE_INT64"),
        ("valueInt", "x", "TYPE_INT64"),
        ("valueDouble", "x", "TYPE_DOUBLE"),
        ("namespace", 3, "TYPE_STRING"),
        (
            "op",
            "NEAR",
            "type.googleapis.com/google.cloud.aiplatform.v1.IndexDatapoint.NumericRestriction.Operator",
        ),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_refused_with_its_type(field, value, kind):
    name = {"valueInt": "value_int", "valueDouble": "value_double"}.get(field, field)
    expected = f"Invalid value at 'datapoints[0].numeric_restricts[0].{name}' ({kind}), {orjson.dumps(value).decode()}"
    assert told(lambda: upsert({"numericRestricts": [{field: value}]})) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", 'Invalid JSON payload received. Unknown name "": Root element must be a message.'),
        (b"{", "Invalid JSON payload received. "),
        (
            b'{"index": ["a"]}',
            'Invalid JSON payload received. Unknown name "index": Proto field is not repeating, cannot start list.',
        ),
        (b'{"datapoints": {}}', "Invalid value at 'datapoints' (type.googleapis.com/"),
        (
            b'{"datapoints": ["a"]}',
            "Invalid value at 'datapoints[0]' (type.googleapis.com/google.cloud.aiplatform.v1.IndexDatapoint), \"a\"",
        ),
    ],
)
def test_a_body_of_another_form_is_refused(body, expected):
    assert told(lambda: transcoded(Upsert, "*", ("index", "i"), {}, body)).startswith(expected)


def test_nested_and_repeated_fields_and_masks_are_filled():
    query = {
        "updateMask": ["displayName,index_stats.vectors_count"],
        "index.indexUpdateMethod": ["2"],
        "index.index_stats.shardsCount": ["3"],
    }
    found = transcoded(Update, "", ("index.name", "the/name"), query, b"")
    assert list(found.update_mask.paths) == ["display_name", "index_stats.vectors_count"]
    assert (found.index.name, found.index.index_update_method) == ("the/name", 2)
    assert found.index.index_stats.shards_count == 3
    read = v1.ReadIndexDatapointsRequest.pb()
    body = b'{"update_mask": "all_restricts"}'
    assert transcoded(Upsert, "*", ("index", "i"), {}, body).update_mask.paths == ["all_restricts"]
    assert transcoded(read, "", ("index_endpoint", "e"), {"ids": ["a", "b"]}, b"").ids == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nothing", "Field 'nothing' could not be found in request message."),
        ("index.nothing", "Field 'nothing' could not be found in request message."),
        ("index", "'index' is a message type. Parameters can only be bound to primitive types."),
        ("index.labels", "'labels' is a message type."),
        ("index.deployedIndexes.displayName", "'deployed_indexes' is repeated."),
    ],
)
def test_a_parameter_that_cannot_be_bound_is_refused(name, why):
    refusal = told(lambda: transcoded(Update, "", ("index.name", "n"), {name: ["a"]}, b""))
    assert refusal.startswith(
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. {why}'
    )


def test_a_method_without_a_body_refuses_one():
    get = v1.GetIndexRequest.pb()
    assert transcoded(get, "", ("name", "n"), {}, b"{}").name == "n"
    assert "Cannot find field" in told(lambda: transcoded(get, "", ("name", "n"), {}, b'{"name": "other"}'))


def test_the_path_decides_over_the_body():
    body = orjson.dumps({"name": "other", "displayName": "d"})
    found = transcoded(Update, "index", ("index.name", "this"), {}, body)
    assert (found.index.name, found.index.display_name) == ("this", "d")


@pytest.mark.parametrize(
    ("verb", "path", "method", "value"),
    [
        (
            "GET",
            "/v1/projects/p/locations/l/indexes/1",
            "IndexService.GetIndex",
            "projects/p/locations/l/indexes/1",
        ),
        (
            "POST",
            "/v1beta1/projects/p/locations/l/indexes/a%20b:import",
            "IndexService.ImportIndex",
            "projects/p/locations/l/indexes/a b",
        ),
        (
            "GET",
            "/ui/projects/p/locations/l/indexEndpoints/1/operations/2",
            "Operations.GetOperation",
            "projects/p/locations/l/indexEndpoints/1/operations/2",
        ),
        ("GET", "/v1/projects/p/locations", "Locations.ListLocations", "projects/p"),
    ],
)
def test_a_path_leads_to_its_method(verb, path, method, value):
    found = Routes(rules()).find(verb, path)
    assert found is not None
    assert found[0].rule.method.endswith(method)
    assert found[1] == value


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PUT", "/v1/projects/p/locations/l/indexes/1"),
        ("GET", "/v1/projects/p/locations/l/indexes/1/"),
        ("GET", "/v1/projects/p/locations/l/indexes/1:export"),
        ("GET", "/v2/projects/p/locations/l/indexes/1"),
        ("GET", "/v1/projects/p/locations/l/indexes/1/2"),
    ],
)
def test_other_paths_lead_nowhere(verb, path):
    assert Routes(rules()).find(verb, path) is None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = st.one_of(
    st.fixed_dictionaries({"value_int": st.integers(-(2**63), 2**63 - 1)}),
    st.fixed_dictionaries({"value_float": st.floats(width=32, allow_nan=False)}),
    st.fixed_dictionaries({"value_double": st.floats(allow_nan=False)}),
)
datapoints = st.fixed_dictionaries(
    {
        "datapoint_id": texts,
        "feature_vector": st.lists(st.floats(width=32, allow_nan=False), max_size=4),
        "restricts": st.lists(
            st.fixed_dictionaries({"namespace": texts, "deny_list": st.lists(texts, max_size=2)})
        ),
        "numeric_restricts": st.lists(
            st.tuples(numbers, st.integers(0, 6)).map(lambda pair: pair[0] | {"op": pair[1]}), max_size=2
        ),
        "sparse_embedding": st.fixed_dictionaries(
            {"dimensions": st.lists(st.integers(0, 2**62), max_size=3)}
        ),
        "embedding_metadata": st.dictionaries(texts, st.one_of(texts, st.booleans(), st.none()), max_size=2),
    }
)


@settings(max_examples=50)
@given(datapoints, st.booleans(), st.booleans())
def test_every_datapoint_that_a_client_writes_is_read_as_it_was(datapoint, enum_numbers, own_names):
    message = v1.IndexDatapoint.pb(v1.IndexDatapoint(datapoint))
    written = json_format.MessageToDict(
        message, use_integers_for_enums=enum_numbers, preserving_proto_field_name=own_names
    )
    assert upsert(written).SerializeToString(deterministic=True) == message.SerializeToString(
        deterministic=True
    )
