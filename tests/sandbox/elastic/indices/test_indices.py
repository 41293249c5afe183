"""Indices, mappings, settings and aliases over the official client."""

from contextlib import nullcontext

import pytest
from elasticsearch import ApiError, BadRequestError, ElasticsearchWarning, NotFoundError, helpers


def reason(failed):
    return failed.value.body["error"]["reason"]


def test_a_created_index_shows_what_it_was_given_and_its_defaults(shared):
    settings = {"index": {"number_of_shards": 2, "default_pipeline": "p"}, "index.refresh_interval": "-1"}
    mappings = {"_meta": {"spec": "abc"}, "properties": {"plot": {"type": "text"}}}
    made = shared.client.indices.create(
        index="made", settings=settings, mappings=mappings, aliases={"second": {}}
    )
    assert made == {"acknowledged": True, "shards_acknowledged": True, "index": "made"}
    shown = shared.client.indices.get(index="second")["made"]
    assert shown["mappings"] == mappings
    assert shown["aliases"] == {"second": {}}
    own = shown["settings"]["index"]
    assert own["number_of_shards"] == "2"
    assert own["number_of_replicas"] == "1"
    assert own["default_pipeline"] == "p"
    assert own["refresh_interval"] == "-1"
    assert len(own["uuid"]) == 22
    assert own["provided_name"] == "made"
    flat = shared.client.indices.get_settings(index="made", flat_settings=True)["made"]["settings"]
    assert flat["index.uuid"] == own["uuid"]
    shared.client.indices.delete(index="made")


def test_an_index_that_exists_is_refused_with_its_uuid(shared, fresh_index):
    index = fresh_index()
    uuid = shared.client.indices.get(index=index)[index]["settings"]["index"]["uuid"]
    with pytest.raises(BadRequestError) as failed:
        shared.client.indices.create(index=index)
    error = failed.value.body["error"]
    assert error["type"] == "resource_already_exists_exception"
    assert error["reason"] == f"index [{index}/{uuid}] already exists"
    assert (error["index"], error["index_uuid"]) == (index, uuid)


@pytest.mark.parametrize(
    "name", ["Films", "-films", "fi lms", "fi#lms", "x" * 256], ids=lambda name: name[:10]
)
def test_an_invalid_name_is_refused(shared, name):
    with pytest.raises(BadRequestError, match="invalid_index_name_exception"):
        shared.client.indices.create(index=name)


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (
            {"properties": {"a": {"type": "nonsense"}}},
            r"The mapper type \[nonsense\] declared on field \[a\] does not exist\. It might have been",
        ),
        ({"properties": {"a": {"type": "text", "ignore_abov": 3}}}, r"unknown parameter \[ignore_abov\]"),
        ({"properties": {"a": {"index": True}}}, "No type specified"),
        ({"properties": {"a": {}}}, "No type specified"),
        ({"nonsense": 1}, "unsupported parameters"),
        ({"properties": {"a": {"type": "text", "analyzer": "klingon"}}}, "analyzer"),
    ],
    ids=["type", "parameter", "no type", "nothing", "root", "analyzer"],
)
def test_an_invalid_mapping_is_refused_and_creates_nothing(shared, mapping, problem):
    with pytest.raises(BadRequestError, match=problem):
        shared.client.indices.create(index="impossible", mappings=mapping)
    assert not shared.client.indices.exists(index="impossible")


def test_settings_are_changed_and_reset_unknown_and_fixed_ones_are_refused(shared, fresh_index):
    index = fresh_index(settings={"refresh_interval": "5s"})
    put = shared.client.indices.put_settings
    put(index=index, settings={"refresh_interval": "-1", "number_of_replicas": 0})
    own = shared.client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert (own["refresh_interval"], own["number_of_replicas"]) == ("-1", "0")
    put(index=index, settings={"index": {"refresh_interval": None, "number_of_replicas": None}})
    own = shared.client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert "refresh_interval" not in own
    assert own["number_of_replicas"] == "1"
    with pytest.raises(BadRequestError, match="non dynamic settings"):
        put(index=index, settings={"number_of_shards": 3})
    with pytest.raises(BadRequestError, match=r"unknown setting \[index.nonsense\]"):
        put(index=index, settings={"nonsense": 3})


def test_a_mapping_grows_replaces_its_meta_and_never_changes_a_type(shared, fresh_index):
    index = fresh_index({"plot": {"type": "text"}}, _meta={"a": 1, "b": 2})
    put = shared.client.indices.put_mapping
    put(
        index=index,
        properties={"plot": {"type": "text", "fields": {"raw": {"type": "keyword"}}}},
        meta={"a": 3},
    )
    shown = shared.client.indices.get_mapping(index=index)[index]["mappings"]
    assert shown["_meta"] == {"a": 3}
    assert shown["properties"]["plot"]["fields"] == {"raw": {"type": "keyword"}}
    with pytest.raises(BadRequestError) as failed:
        put(index=index, properties={"plot": {"type": "keyword"}})
    assert reason(failed) == "mapper [plot] cannot be changed from type [text] to [keyword]"


def test_dynamic_mapping_adds_the_fields_of_documents(shared, fresh_index):
    document = {
        "text": "x",
        "whole": 1,
        "part": 1.5,
        "yes": True,
        "day": "2020-01-31",
        "in": {"a.b": "y"},
        "none": None,
    }
    index = fresh_index(documents=[document | {"list": [None, 3]}])
    text = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
    assert shared.client.indices.get_mapping(index=index)[index]["mappings"]["properties"] == {
        "text": text,
        "whole": {"type": "long"},
        "part": {"type": "float"},
        "yes": {"type": "boolean"},
        "day": {"type": "date"},
        "in": {"properties": {"a": {"properties": {"b": text}}}},
        "list": {"type": "long"},
    }


def test_a_mapping_may_ignore_or_refuse_new_fields(shared, fresh_index):
    deaf = fresh_index({"a": {"type": "long"}}, dynamic=False, documents=[{"a": 1, "b": 2}])
    assert list(shared.client.indices.get_mapping(index=deaf)[deaf]["mappings"]["properties"]) == ["a"]
    strict = fresh_index({"a": {"type": "long"}}, dynamic="strict")
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping_exception"):
        shared.client.index(index=strict, document={"b": 2})


def test_a_missing_sparse_vector_mapping_exceeds_the_limit_of_fields(shared, fresh_index):
    index = fresh_index()
    with pytest.raises(BadRequestError) as failed:
        shared.client.index(index=index, document={"v": {f"token{number}": 1.0 for number in range(1_000)}})
    assert reason(failed) == "Limit of total fields [1000] has been exceeded while adding new fields [1001]"
    assert shared.client.indices.get_mapping(index=index)[index]["mappings"] == {}


def test_an_index_is_deleted_by_name_never_by_pattern_or_alias(shared, fresh_index):
    one, two = fresh_index(), fresh_index()
    shared.client.indices.put_alias(index=one, name="stands-for-one")
    delete = shared.client.indices.delete
    with pytest.raises(BadRequestError, match="matches an alias"):
        delete(index="stands-for-one")
    with pytest.raises(NotFoundError, match="no such index"):
        delete(index=f"{one},absent")
    assert shared.client.indices.exists(index=one)
    assert delete(index="absent", ignore_unavailable=True) == {"acknowledged": True}
    for pattern in (f"{one}*", "_all", "*", f"{two},{one}*"):
        with pytest.raises(BadRequestError, match="Wildcard expressions or all indices are not allowed"):
            delete(index=pattern)
    delete(index=f"{one},{two}")
    assert not shared.client.indices.exists(index=one)
    assert not shared.client.indices.exists_alias(name="stands-for-one")


def test_aliases_are_moved_atomically(shared, fresh_index):
    old, new = fresh_index(documents=[{"n": 1}]), fresh_index(documents=[{"n": 2}])
    client = shared.client
    move = [{"add": {"index": old, "alias": "served"}}]
    assert client.indices.update_aliases(actions=move) == {"acknowledged": True, "errors": False}
    move = [{"remove": {"index": old, "alias": "served"}}, {"add": {"index": new, "alias": "served"}}]
    with pytest.raises(NotFoundError, match="aliases_not_found_exception"):
        client.indices.update_aliases(
            actions=[*move, {"remove": {"index": new, "alias": "absent", "must_exist": True}}]
        )
    assert list(client.indices.get_alias(name="served")) == [old]
    client.indices.update_aliases(actions=move)
    assert list(client.indices.get_alias(name="served")) == [new]
    assert client.search(index="served")["hits"]["hits"][0]["_source"] == {"n": 2}
    client.indices.update_aliases(actions=[{"remove_index": {"index": old}}])
    assert not client.indices.exists(index=old)
    with pytest.raises(NotFoundError) as missing:
        client.indices.get_alias(name="absent")
    assert missing.value.body == {"error": "alias [absent] missing", "status": 404}
    with pytest.raises(BadRequestError, match="invalid_alias_name_exception"):
        client.indices.put_alias(index=new, name=new)
    client.indices.delete_alias(index=new, name="served")


def test_writing_through_an_alias_needs_a_write_index(shared, fresh_index):
    one, two = fresh_index(), fresh_index()
    client = shared.client
    client.indices.put_alias(index=[one, two], name="both")
    with pytest.raises(BadRequestError, match="no write index is defined for alias"):
        client.index(index="both", document={})
    client.indices.put_alias(index=two, name="both", is_write_index=True)
    assert client.index(index="both", document={})["_index"] == two
    with pytest.raises(ApiError, match="more than one index"):
        client.get(index="both", id="1")
    with pytest.raises(ApiError, match="more than one write index"):
        client.indices.put_alias(index=one, name="both", is_write_index=True)
    with pytest.raises(NotFoundError, match="require_alias"):
        client.index(index=one, document={}, require_alias=True)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"refresh_interval": "5"}, "refresh_interval"),
        ({"refresh_interval": "soon"}, "refresh_interval"),
        ({"mapping.total_fields.limit": "many"}, "mapping.total_fields.limit"),
        ({"mapping.total_fields.limit": -1}, "mapping.total_fields.limit"),
    ],
    ids=str,
)
def test_an_invalid_value_of_a_setting_is_refused(shared, fresh_index, settings, problem):
    index = fresh_index()
    with pytest.raises(BadRequestError, match=problem):
        shared.client.indices.put_settings(index=index, settings=settings)
    with pytest.raises(BadRequestError, match=problem):
        shared.client.indices.create(index=f"{index}-impossible", settings=settings)
    assert not shared.client.indices.exists(index=f"{index}-impossible")


def test_waiting_for_the_health_of_an_index_ends_with_408_if_it_is_not_reached(shared, fresh_index):
    index, client = fresh_index(settings={"number_of_replicas": 0}), shared.client
    yellow = fresh_index()
    found = client.cluster.health(index=index, wait_for_status="green")
    assert (found["status"], found["active_primary_shards"], found["timed_out"]) == ("green", 1, False)
    assert client.cluster.health(index=yellow, wait_for_status="yellow")["status"] == "yellow"
    for name, wanted, status in ((yellow, "green", "yellow"), ("absent", None, "red")):
        with pytest.raises(ApiError) as late:
            client.cluster.health(index=name, wait_for_status=wanted, timeout="100ms")
        assert late.value.status_code == 408
        assert (late.value.body["timed_out"], late.value.body["status"]) == (True, status)


def test_statistics_show_the_visible_documents_and_the_last_write(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}, {"n": 2}])
    shared.client.index(index=index, id="1", document={"n": 3})
    shown = shared.client.indices.stats(index=index, level="shards")["indices"][index]
    assert shown["primaries"]["docs"]["count"] == 2
    assert shown["shards"]["0"][0]["seq_no"]["max_seq_no"] == 2
    assert len(shown["uuid"]) == 22
    assert shared.client.cat.count(index=index, h="count").body == "2\n"
    assert index in shared.client.cat.indices(index=index, h="index,docs.count").body


def test_new_indices_of_9_5_leave_vectors_out_of_the_source_by_default(elastic_server):
    client = elastic_server(version="9.5").client
    client.indices.create(index="i", mappings={"properties": {"v": {"type": "sparse_vector"}}})
    client.index(index="i", id="1", document={"v": {"a": 1.0}, "n": 1}, refresh=True)
    assert client.search(index="i")["hits"]["hits"][0]["_source"] == {"n": 1}
    assert client.get(index="i", id="1")["_source"] == {"n": 1}
    whole = client.search(index="i", source={"exclude_vectors": False})["hits"]["hits"][0]["_source"]
    assert whole == {"v": {"a": 1.0}, "n": 1}


def test_sparse_vectors_of_8_13_have_the_older_rules(elastic_server):
    client = elastic_server(version="8.13").client
    client.indices.create(index="i", mappings={"properties": {"v": {"type": "sparse_vector"}}})
    for value, problem in [
        ({"a.b": 1.0}, "dots in feature names"),
        ([{"a": 1.0}, {"a": 2.0}], "multiple values"),
    ]:
        with pytest.raises(BadRequestError, match=problem):
            client.index(index="i", document={"v": value})
    for query, problem in [
        ({"exists": {"field": "v"}}, "do not support"),
        ({"sparse_vector": {"field": "v", "query_vector": {"a": 1}}}, "unknown query"),
    ]:
        with pytest.raises(BadRequestError, match=problem):
            client.search(index="i", query=query)
    assert "errors" not in client.indices.update_aliases(actions=[{"add": {"index": "i", "alias": "a"}}])


def test_an_alias_is_no_index_to_delete_and_skipped_where_unavailable_ones_are(shared, fresh_index):
    index, client = fresh_index(), shared.client
    client.indices.put_alias(index=index, name="only-an-alias")
    with pytest.raises(BadRequestError, match="matches an alias"):
        client.indices.delete(index="only-an-alias")
    assert client.indices.delete(index="only-an-alias", ignore_unavailable=True)["acknowledged"]
    assert client.indices.exists(index=index)


def test_a_cluster_without_data_streams_says_so_and_the_clients_own_reindex_works(shared, fresh_index):
    source, target, client = fresh_index(documents=[{"n": 1}, {"n": 2}]), fresh_index(), shared.client
    assert client.indices.get_data_stream(name="*") == {"data_streams": []}
    with pytest.raises(NotFoundError, match="no such index"):
        client.indices.get_data_stream(name=target)
    assert helpers.reindex(client, source, target, query={"query": {"term": {"n": 2}}}) == (1, 0)
    client.indices.refresh(index=target)
    assert client.search(index=target)["hits"]["hits"][0]["_source"] == {"n": 2}


def test_a_dotted_name_in_a_mapping_is_a_field_of_an_object(shared, fresh_index):
    properties = {
        "ml.tokens": {"type": "sparse_vector"},
        "ml": {"properties": {"model.id": {"type": "keyword"}}},
        "plot": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    }
    index = fresh_index(properties)
    client = shared.client
    client.indices.put_mapping(index=index, properties={"ml.model.version": {"type": "long"}})
    shown = client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    model = {"properties": {"id": {"type": "keyword"}, "version": {"type": "long"}}}
    assert shown["ml"] == {"properties": {"tokens": {"type": "sparse_vector"}, "model": model}}
    assert shown["plot"] == properties["plot"]
    with pytest.raises(BadRequestError, match="cannot be changed from type"):
        client.indices.put_mapping(index=index, properties={"ml.tokens": {"type": "keyword"}})
    with pytest.raises(
        BadRequestError, match=r"\[plot\] cannot be changed from type \[text\] to \[ObjectMapper\]"
    ):
        client.indices.put_mapping(index=index, properties={"plot.length": {"type": "long"}})


def says(query):
    """That a deprecated query warns, and no other."""
    if "weighted_tokens" in query:
        return pytest.warns(ElasticsearchWarning, match="weighted_tokens is deprecated")
    return nullcontext()


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("sparse_vector", {"sparse_vector": {"field": "ml.tokens", "query_vector": {"dog": 2.0}}}),
        ("rank_features", {"weighted_tokens": {"ml.tokens": {"tokens": {"dog": 2.0}}}}),
    ],
)
def test_documents_are_found_in_a_dotted_field_however_they_spell_it(shared, fresh_index, kind, query):
    nested, dotted = {"ml": {"tokens": {"dog": 1.5}}}, {"ml.tokens": {"dog": 1.5}}
    index = fresh_index({"ml.tokens": {"type": kind}}, documents=[nested, dotted, {"ml": {}}])
    with says(query):
        hits = shared.client.search(index=index, query=query)["hits"]["hits"]
    assert [(hit["_id"], hit["_score"]) for hit in hits] == [("1", 3.0), ("2", 3.0)]
    if kind == "sparse_vector":
        found = shared.client.count(index=index, query={"exists": {"field": "ml.tokens"}})
        assert found["count"] == 2
    copy = fresh_index({"ml.tokens": {"type": kind}})
    shared.client.reindex(source={"index": index}, dest={"index": copy}, refresh=True)
    with says(query):
        assert shared.client.search(index=copy, query=query)["hits"]["total"]["value"] == 2
    mapping = shared.client.indices.get_mapping(index=copy)[copy]["mappings"]
    assert mapping["properties"] == {"ml": {"properties": {"tokens": {"type": kind}}}}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "field name cannot be an empty string"),
        (" ", "field name cannot contain only whitespaces"),
        ("..", r"Invalid field name \.\."),
        ("a..b", "name cannot be empty string"),
    ],
    ids=["empty", "blank", "dots", "nothing between dots"],
)
def test_a_name_that_cannot_be_a_fields_is_refused_in_a_mapping(shared, name, problem):
    with pytest.raises(BadRequestError, match=problem):
        shared.client.indices.create(index="impossible", mappings={"properties": {name: {"type": "text"}}})


def test_the_mapping_of_single_fields_is_shown_by_name_and_pattern(shared, fresh_index):
    below = {"t1": {"type": "text"}, "n": {"type": "long"}}
    index = fresh_index(
        {"t1": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "obj": {"properties": below}}
    )

    def shown(fields):
        return shared.client.indices.get_field_mapping(index=index, fields=fields)[index]["mappings"]

    assert shown("obj.n") == {"obj.n": {"full_name": "obj.n", "mapping": {"n": {"type": "long"}}}}
    assert shown("t1.raw")["t1.raw"]["mapping"] == {"raw": {"type": "keyword"}}
    assert set(shown("*t1")) == {"t1", "obj.t1"}
    assert set(shown(["obj.*", "nowhere"])) == {"obj.t1", "obj.n"}
    assert shown("nowhere") == {}
