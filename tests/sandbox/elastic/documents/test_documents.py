"""Documents over the official client: versions, conflicts, bulk, visibility; also against a simple model."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, NotFoundError, helpers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_a_document_is_created_replaced_and_deleted_with_versions_and_sequence_numbers(shared, fresh_index):
    index, client = fresh_index(), shared.client

    def reported(answer):
        return answer["result"], answer["_version"], answer["_seq_no"], answer["_primary_term"]

    assert reported(client.index(index=index, id="1", document={"n": 1})) == ("created", 1, 0, 1)
    assert reported(client.index(index=index, id="1", document={"n": 2})) == ("updated", 2, 1, 1)
    assert client.get(index=index, id="1")["_source"] == {"n": 2}
    assert reported(client.delete(index=index, id="1")) == ("deleted", 3, 2, 1)
    with pytest.raises(NotFoundError) as missing:
        client.delete(index=index, id="1")
    assert reported(missing.value.body) == ("not_found", 4, 3, 1)
    assert reported(client.index(index=index, id="1", document={"n": 3})) == ("created", 5, 4, 1)
    made = client.index(index=index, document={"n": 4})
    assert len(made["_id"]) == 20
    assert made["_shards"] == {"total": 2, "successful": 1, "failed": 0}


def test_an_index_action_of_a_bulk_may_create(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}])
    operations = [{"index": {"_id": "1", "op_type": "create"}}, {"n": 2}]
    (item,) = shared.client.bulk(index=index, operations=operations)["items"]
    assert item["create"]["status"] == 409
    assert shared.client.get(index=index, id="1")["_source"] == {"n": 1}


def test_deleting_from_a_missing_index_does_not_create_it(shared):
    client = shared.client
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        client.delete(index="absent", id="1")
    (item,) = client.bulk(operations=[{"delete": {"_index": "absent", "_id": "1"}}])["items"]
    assert (item["delete"]["status"], item["delete"]["error"]["type"]) == (404, "index_not_found_exception")
    assert not client.indices.exists(index="absent")


def test_a_write_with_an_invalid_parameter_writes_nothing(shared, fresh_index):
    index, client = fresh_index(), shared.client
    for write in (
        lambda: client.index(index=index, document={}, refresh="soon"),
        lambda: client.bulk(index=index, operations=[{"index": {}}, {}], refresh="soon"),
        lambda: client.update(index=index, id="1", doc={}, doc_as_upsert=True, refresh="soon"),
    ):
        with pytest.raises(BadRequestError, match="Unknown value for refresh"):
            write()
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 0


def test_an_upsert_goes_through_the_indexs_pipeline_and_a_partial_update_does_not(shared, fresh_index):
    client = shared.client
    client.ingest.put_pipeline(id="lower", processors=[{"lowercase": {"field": "a"}}])
    index = fresh_index(settings={"default_pipeline": "lower"})
    client.update(index=index, id="1", doc={"a": "DOC"}, upsert={"a": "UPSERT"})
    assert client.get(index=index, id="1")["_source"] == {"a": "upsert"}
    client.update(index=index, id="1", doc={"a": "DOC"}, upsert={"a": "UPSERT"})
    assert client.get(index=index, id="1")["_source"] == {"a": "DOC"}


def test_conflicts_name_the_existing_version(shared, fresh_index):
    index, client = fresh_index(documents=[{"n": 1}]), shared.client
    cases = [
        ({"op_type": "create"}, "document already exists (current version [1])"),
        (
            {"if_seq_no": 7, "if_primary_term": 1},
            "required seqNo [7], primary term [1]. current document has seqNo [0] and primary term [1]",
        ),
        (
            {"version": 1, "version_type": "external"},
            "current version [1] is higher or equal to the one provided [1]",
        ),
    ]
    for options, problem in cases:
        with pytest.raises(ConflictError) as failed:
            client.index(index=index, id="1", document={"n": 2}, **options)
        error = failed.value.body["error"]
        assert error["type"] == "version_conflict_engine_exception"
        assert error["reason"] == f"[1]: version conflict, {problem}"
        assert (error["index"], error["shard"]) == (index, "0")
    done = client.index(index=index, id="1", document={"n": 2}, if_seq_no=0, if_primary_term=1)
    assert done["_version"] == 2
    done = client.index(index=index, id="1", document={"n": 3}, version=9, version_type="external")
    assert done["_version"] == 9


def test_an_update_merges_inserts_and_detects_that_nothing_changed(shared, fresh_index):
    index, client = fresh_index(documents=[{"a": {"b": 1, "c": 2}, "l": [1]}]), shared.client
    assert client.update(index=index, id="1", doc={"a": {"b": 5}, "l": []})["result"] == "updated"
    assert client.get(index=index, id="1")["_source"] == {"a": {"b": 5, "c": 2}, "l": []}
    assert client.update(index=index, id="1", doc={"a": {"b": 5}})["result"] == "noop"
    assert client.update(index=index, id="1", doc={"l": []}, detect_noop=False)["result"] == "updated"
    with pytest.raises(NotFoundError, match="document_missing_exception"):
        client.update(index=index, id="2", doc={"n": 1})
    assert client.update(index=index, id="2", doc={"n": 1}, doc_as_upsert=True)["result"] == "created"
    assert client.update(index=index, id="3", doc={"n": 1}, upsert={"n": 2})["result"] == "created"
    assert client.get_source(index=index, id="3") == {"n": 2}


def test_several_documents_are_fetched_at_once(shared, fresh_index):
    index = fresh_index(documents=[{"n": 1}, {"n": 2}])
    docs = shared.client.mget(index=index, ids=["2", "9", "1"])["docs"]
    assert [(each["_id"], each["found"], each.get("_source")) for each in docs] == [
        ("2", True, {"n": 2}),
        ("9", False, None),
        ("1", True, {"n": 1}),
    ]
    (elsewhere,) = shared.client.mget(docs=[{"_index": "absent", "_id": "1"}])["docs"]
    assert elsewhere["error"]["type"] == "index_not_found_exception"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x", "expected a START_OBJECT but got: VALUE_STRING"),
        ([1.0], "expected a START_OBJECT but got: VALUE_NUMBER"),
        ({"a": "x"}, "unexpected token VALUE_STRING"),
        ({"a": True}, "unexpected token VALUE_TRUE"),
        ({"a": {"b": 1}}, "unexpected token START_OBJECT"),
        (
            {"a": 0.0},
            "got: 0.0 for feature a on field v which is less than the minimum positive normal float: 1.17549435E-38",
        ),
        ({"a": -1}, "got: -1.0 for feature a"),
    ],
    ids=["text", "number", "weight text", "weight boolean", "weight object", "zero", "negative"],
)
def test_a_sparse_vector_accepts_only_positive_weights(shared, fresh_index, value, problem):
    index = fresh_index({"v": {"type": "sparse_vector"}})
    with pytest.raises(BadRequestError) as failed:
        shared.client.index(index=index, document={"v": value})
    assert failed.value.body["error"]["type"] == "document_parsing_exception"
    assert problem in failed.value.body["error"]["reason"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("long", "abc"), ("integer", 2**31), ("date", "yesterday"), ("boolean", "maybe"), ("text", {"a": 1})],
)
def test_a_value_that_does_not_fit_its_field_is_refused(shared, fresh_index, kind, value):
    index = fresh_index({"f": {"type": kind}})
    with pytest.raises(BadRequestError) as failed:
        shared.client.index(index=index, id="7", document={"f": value})
    reason = failed.value.body["error"]["reason"]
    assert f"failed to parse field [f] of type [{kind}] in document with id '7'" in reason
    with pytest.raises(BadRequestError, match=r"tried to parse field \[o\] as object"):
        shared.client.index(index=fresh_index({"o": {"properties": {}}}), document={"o": 1})


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"": 1}, "field name cannot be an empty string"),
        ({" ": 1}, "Field name cannot contain only whitespace: [ ]"),
        ({"a": {" ": 1}}, "Field name cannot contain only whitespace: [a. ]"),
        ({"a..b": 1}, "field name cannot contain only whitespace: ['a..b']"),
        ({".a": 1}, "field name cannot contain only whitespace: ['.a']"),
        ({"..": 1}, "field name cannot contain only dots"),
        ({"a. .b": 1}, "field name starting or ending with a [.] makes object resolution ambiguous: [a. .b]"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_a_name_that_cannot_be_a_fields_is_refused_in_a_document(shared, fresh_index, document, problem):
    with pytest.raises(BadRequestError) as failed:
        shared.client.index(index=fresh_index(), document=document)
    error = failed.value.body["error"]
    assert error["type"] == "document_parsing_exception"
    assert problem in error["reason"]


@pytest.mark.parametrize("name", ["_id", "_index", "_source", "_version", "_seq_no", "_routing"])
def test_a_metadata_field_is_refused_at_a_documents_root_only(shared, fresh_index, name):
    index, client = fresh_index(), shared.client
    reply = client.bulk(index=index, operations=[{"index": {"_id": "1"}}, {name: "x"}])
    error = reply["items"][0]["index"]["error"]
    shown = f"failed to parse field [{name}] of type [{name}] in document with id '1'. Preview of field's value: 'x'"
    assert error["reason"] == f"[1:1] {shown}"
    assert error["caused_by"]["reason"] == (
        f"[1:1] Field [{name}] is a metadata field and cannot be added inside a document. Use the index API request "
        "parameters."
    )
    assert client.index(index=index, document={"below": {name: "x"}})["result"] == "created"


ODD = b'{"big":123456789012345678901234567890,"long":0.10000000000000000005,"a":{"z":-0,"t":1.50,"e":1E2}}'


def test_the_source_keeps_every_number_as_it_was_written(shared, fresh_index):
    index, target = fresh_index(dynamic=False), fresh_index(dynamic=False)

    def sent(method, path, body=None, kind="application/json"):
        environment = shared.sandbox.environment
        connection = http.client.HTTPConnection(urlsplit(environment["ELASTIC_URL"]).netloc)
        headers = {"Authorization": f"ApiKey {environment['ELASTIC_API_KEY']}", "Content-Type": kind}
        connection.request(method, path, body, headers)
        return connection.getresponse().read()

    sent("PUT", f"/{index}/_doc/1", ODD)
    sent("POST", f"/{index}/_bulk", b'{"index":{"_id":"2"}}\n' + ODD + b"\n", "application/x-ndjson")
    shared.client.indices.refresh(index=index)
    shared.client.reindex(source={"index": index}, dest={"index": target}, refresh=True)
    shared.client.update_by_query(index=index, refresh=True)
    for name in (index, target):
        for path in ("_doc/1", "_doc/2", "_source/1", "_search"):
            assert ODD in sent("GET", f"/{name}/{path}"), (name, path)
    assert json.loads(sent("GET", f"/{index}/_source/1?_source_includes=a")) == {
        "a": {"z": 0, "t": 1.5, "e": 100}
    }
    assert b'"took"' in sent("GET", f"/{index}/_search?filter_path=took,hits.hits._source.a.t")


def test_a_bulk_reports_the_outcome_of_each_item(shared, fresh_index):
    index, client = fresh_index({"n": {"type": "long"}}, documents=[{"n": 1}]), shared.client
    answer = client.bulk(
        index=index,
        operations=[
            *({"index": {"_id": "2"}}, {"n": 2}),
            *({"create": {"_id": "1"}}, {"n": 2}),
            *({"index": {"_id": "3"}}, {"n": "x"}),
            *({"update": {"_id": "1"}}, {"doc": {"n": 5}}),
            *({"update": {"_id": "9"}}, {"doc": {"n": 5}}),
            {"delete": {"_id": "2"}},
            {"delete": {"_id": "8"}},
            *({"index": {"_id": ""}}, {"n": 1}),
        ],
    )
    assert answer["errors"] is True
    items = [next(iter(item.items())) for item in answer["items"]]
    assert [(action, reported["status"], reported.get("result")) for action, reported in items] == [
        ("index", 201, "created"),
        ("create", 409, None),
        ("index", 400, None),
        ("update", 200, "updated"),
        ("update", 404, None),
        ("delete", 200, "deleted"),
        ("delete", 404, "not_found"),
        ("index", 400, None),
    ]
    assert items[1][1]["error"]["type"] == "version_conflict_engine_exception"
    assert items[2][1]["error"]["caused_by"]["type"] == "illegal_argument_exception"
    assert items[7][1]["error"]["reason"] == "if _id is specified it must not be empty"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"nonsense":{}}\n{"a":1}\n', "expected field"),
        (b'{"index":{"_idd":"1"}}\n{"a":1}\n', r"unknown parameter \[_idd\]"),
        (b"", "no requests added"),
    ],
    ids=["no action", "parameter", "nothing"],
)
def test_a_malformed_bulk_is_refused_as_a_whole(shared, fresh_index, body, problem):
    headers = {"content-type": "application/x-ndjson", "accept": "application/json"}
    with pytest.raises(ApiError, match=problem):
        shared.client.perform_request("POST", f"/{fresh_index()}/_bulk", headers=headers, body=body)


def test_helpers_bulk_loads_and_reports_as_with_the_real_service(shared, fresh_index):
    index = fresh_index({"n": {"type": "long"}})
    documents = [{"_index": index, "_source": {"n": number}} for number in range(1_200)]
    assert helpers.bulk(shared.client, documents, refresh=True) == (1_200, [])
    assert sum(1 for _ in helpers.scan(shared.client, index=index, size=500)) == 1_200
    with pytest.raises(helpers.BulkIndexError, match=r"1 document\(s\) failed to index"):
        helpers.bulk(shared.client, [{"_index": index, "_source": {"n": "x"}}])


def test_a_written_document_is_fetched_at_once_and_found_after_a_refresh(shared, fresh_index):
    index, client = fresh_index(), shared.client
    client.index(index=index, id="1", document={"n": 1})
    assert client.get(index=index, id="1")["found"]
    assert client.count(index=index)["count"] == 0
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 1
    client.delete(index=index, id="1")
    assert client.count(index=index)["count"] == 1
    assert client.index(index=index, id="2", document={}, refresh=True)["forced_refresh"] is True
    assert client.count(index=index)["count"] == 1
    assert "forced_refresh" not in client.index(index=index, id="3", document={}, refresh="wait_for")
    assert client.count(index=index)["count"] == 2


def test_refreshes_happen_automatically_unless_the_index_disables_them(elastic_server):
    client = elastic_server(refresh_seconds=0.0).client
    client.index(index="often", document={})
    assert client.count(index="often")["count"] == 1
    client.indices.create(index="never", settings={"refresh_interval": "-1"})
    client.index(index="never", document={})
    assert client.count(index="never")["count"] == 0
    client.indices.put_settings(index="never", settings={"refresh_interval": None})
    assert client.count(index="never")["count"] == 1


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["index", "create", "delete", "update"]),
            st.sampled_from("abc"),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 5),
)
def test_versions_and_sequence_numbers_match_a_simple_model(shared, fresh_index, writes, size):
    index, client = fresh_index({"n": {"type": "long"}}), shared.client
    documents, versions, expected, sequence = {}, {}, [], 0
    for action, id_, number in writes:
        there = id_ in documents
        if (action == "create" and there) or (action == "update" and not there):
            expected.append((409 if there else 404, None, None))
            continue
        if action == "update" and documents[id_] == number:
            expected.append((200, versions[id_][0], versions[id_][1]))
            continue
        versions[id_] = (versions.get(id_, (0, 0))[0] + 1, sequence)
        status = (200 if there else 404) if action == "delete" else (200 if there else 201)
        expected.append((status, *versions[id_]))
        sequence += 1
        if action == "delete":
            documents.pop(id_, None)
        else:
            documents[id_] = number
    reported = []
    for start in range(0, len(writes), size):
        operations = []
        for action, id_, number in writes[start : start + size]:
            operations.append({action: {"_id": id_}})
            operations += [{"doc": {"n": number}}] if action == "update" else []
            operations += [{"n": number}] if action in ("index", "create") else []
        answer = client.bulk(index=index, operations=operations, refresh=bool(start % 2))
        items = [next(iter(item.values())) for item in answer["items"]]
        reported += [(each["status"], each.get("_version"), each.get("_seq_no")) for each in items]
    assert reported == expected
    client.indices.refresh(index=index)
    hits = client.search(index=index, sort=["_doc"], version=True, seq_no_primary_term=True)["hits"]["hits"]
    found = {hit["_id"]: (hit["_source"]["n"], hit["_version"], hit["_seq_no"]) for hit in hits}
    assert found == {id_: (number, *versions[id_]) for id_, number in documents.items()}
    assert [hit["_seq_no"] for hit in hits] == sorted(hit["_seq_no"] for hit in hits)


def test_a_bulk_says_how_long_its_pipelines_took_if_there_were_any(shared, fresh_index):
    index, client = fresh_index(), shared.client
    client.ingest.put_pipeline(id="seen", processors=[{"set": {"field": "seen", "value": True}}])
    operations = [{"index": {}}, {"n": 1}]
    assert client.bulk(index=index, operations=operations, pipeline="seen")["ingest_took"] >= 0
    assert "ingest_took" not in client.bulk(index=index, operations=operations)


def test_an_id_of_more_than_512_bytes_refuses_a_whole_bulk(shared, fresh_index):
    index, long = fresh_index(), "\u00e9" * 257
    operations = [{"index": {"_id": "1"}}, {"n": 1}, {"index": {"_id": long}}, {"n": 2}]
    with pytest.raises(BadRequestError, match="must be no longer than 512 bytes but was: 514"):
        shared.client.bulk(index=index, operations=operations, refresh=True)
    with pytest.raises(BadRequestError, match="action_request_validation_exception"):
        shared.client.index(index=index, id=long, document={})
    assert shared.client.count(index=index)["count"] == 0


@pytest.mark.parametrize(
    "document", [b'{"a":1,"b":{"c":1,"c":2}}', b'{"c": 1, "c": "x"}'], ids=["below", "top"]
)
def test_a_name_that_occurs_twice_in_one_object_is_refused(shared, fresh_index, document):
    index = fresh_index()
    body = b'{"index":{"_id":"1"}}\n' + document + b'\n{"index":{"_id":"2"}}\n{"a\\u0022":1}\n'
    reply = shared.client.bulk(index=index, body=body)
    bad, good = (item["index"] for item in reply["items"])
    assert "Duplicate field 'c'" in bad["error"]["reason"]
    assert good["result"] == "created"
