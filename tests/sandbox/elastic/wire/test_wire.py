"""The stand-in on the wire: headers, media types, errors, faults, and durability of acknowledged writes."""

import gzip
import http.client
import json
from urllib.parse import urlsplit

import pytest
from elasticsearch import ApiError, ConnectionTimeout, NotFoundError
from elasticsearch import ConnectionError as NoConnection

from sandbox import faults, process, write_log
from sandbox.elastic.options import ElasticOptions
from tests.client import client_of
from tests.polling import until

pytestmark = pytest.mark.slow  # servers of their own, and operations that take time


def ask(elastic, method, path, body=None, **headers):
    """Send one raw request with the key; returns status, headers and body."""
    environment = elastic.sandbox.environment
    connection = http.client.HTTPConnection(urlsplit(environment["ELASTIC_URL"]).netloc)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Authorization": f"ApiKey {environment['ELASTIC_API_KEY']}", **named}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def vendor(version, kind="json"):
    return f"application/vnd.elasticsearch+{kind}; compatible-with={version}"


def test_every_answer_names_the_product_and_has_the_requested_media_type(shared):
    for accept, kind in [
        (vendor(8), "application/vnd.elasticsearch+json;compatible-with=8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (f"text/plain,{vendor(8)}", "application/vnd.elasticsearch+json;compatible-with=8"),
    ]:
        status, headers, body = ask(shared, "GET", "/", accept=accept, X_Opaque_Id="mine")
        assert (status, headers["X-Elastic-Product"], headers["X-Opaque-Id"]) == (
            200,
            "Elasticsearch",
            "mine",
        )
        assert headers["Content-Type"] == kind
        assert json.loads(body)["version"]["number"] == "8.19.3"


def test_client_9_is_refused_by_version_8_and_client_8_is_served_by_version_9(shared, elastic_server):
    status, _, body = ask(shared, "GET", "/", accept=vendor(9))
    error = json.loads(body)["error"]
    assert (status, error["type"]) == (400, "media_type_header_exception")
    assert error["caused_by"]["reason"] == (
        f"Accept version must be either version 8 or 7, but found 9. Accept={vendor(9)}"
    )
    mixed = ask(shared, "PUT", "/mixed", b"{}", accept=vendor(8), content_type="application/json")
    assert "required on both Content-Type and Accept" in json.loads(mixed[2])["error"]["caused_by"]["reason"]
    newer = elastic_server(version="9.5")
    for version in (8, 9):
        sent = {"accept": vendor(version), "content_type": vendor(version)}
        status, headers, _ = ask(newer, "PUT", f"/index-{version}", b'{"settings": {}}', **sent)
        assert status == 200
        assert headers["Content-Type"].endswith(f"compatible-with={version}")
    assert ask(newer, "GET", "/", accept=vendor(7))[0] == 400
    assert newer.client.info()["version"]["number"] == "9.5.1"


def test_an_empty_body_may_come_with_a_content_type(shared, fresh_index):
    status, _, body = ask(
        shared, "POST", f"/{fresh_index()}/_count", b"", content_type=vendor(8), accept=vendor(8)
    )
    assert (status, json.loads(body)["count"]) == (200, 0)


def test_an_unknown_path_is_answered_with_a_line_of_text(shared):
    status, _, body = ask(shared, "POST", "/_watcher/_start")
    assert status == 400
    assert json.loads(body) == {"error": "no handler found for uri [/_watcher/_start] and method [POST]"}
    status, headers, body = ask(shared, "DELETE", "/_bulk")
    assert (status, json.loads(body)["status"], headers["Allow"]) == (405, 405, "POST,PUT")


def test_a_body_that_is_not_json_is_refused(shared):
    status, _, body = ask(shared, "PUT", "/unreadable", b"{", content_type="application/json")
    assert (status, json.loads(body)["error"]["type"]) == (400, "x_content_parse_exception")


def test_a_compressed_body_is_read_and_a_corrupt_one_refused(shared, fresh_index):
    index = fresh_index()
    with client_of(shared.sandbox.environment, http_compress=True) as client:
        client.index(index=index, id="1", document={"plot": "x" * 5000}, refresh=True)
    assert shared.client.get(index=index, id="1")["_source"] == {"plot": "x" * 5000}
    headers = {"content_type": "application/json", "content_encoding": "gzip"}
    for body in (b"{}", gzip.compress(b"{}" * 99)[:-9]):
        assert ask(shared, "POST", f"/{index}/_search", body, **headers)[0] == 400
    headers["content_encoding"] = "br"
    assert ask(shared, "POST", f"/{index}/_search", b"{}", **headers)[0] == 400


UNREADABLE = {
    "form": "application/x-www-form-urlencoded",
    "form with a charset": "application/x-www-form-urlencoded; charset=UTF-8",
    "text": "text/plain",
    "text that says JSON": "text/plain; charset=application/json",
    "parts": "multipart/form-data; boundary=x",
    "several": "application/json, text/plain",
    "CBOR": "application/cbor",
    "another JSON": "application/ld+json",
    "bytes": "application/octet-stream",
    "nothing": "",
}
READABLE = {
    "JSON": "application/json",
    "JSON in capitals": "Application/JSON;charset=UTF-8",
    "vendor's JSON": vendor(8),
    "vendor's JSON without a version": "application/vnd.elasticsearch+json",
    "lines": "application/x-ndjson",
    "vendor's lines": vendor(8, "x-ndjson"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize(("method", "path"), [("POST", "/_bulk"), ("PUT", "/index"), ("GET", "/_search")])
def test_a_body_of_a_type_that_a_page_may_send_unasked_is_refused(shared, method, path, kind):
    before = write_log.count(shared.state)
    status, headers, body = ask(shared, method, path, b"{}", content_type=UNREADABLE[kind])
    error = f"Content-Type header [{UNREADABLE[kind]}] is not supported"
    assert (status, json.loads(body)) == (406, {"error": error, "status": 406})
    assert headers["Content-Type"] == "application/json"
    assert write_log.count(shared.state) == before


def test_a_body_without_a_type_is_refused_and_no_body_needs_none(shared, fresh_index):
    path = f"/{fresh_index()}/_search"
    status, _, body = ask(shared, "POST", path, b" ")
    assert (status, json.loads(body)) == (406, {"error": "Content-Type header is missing", "status": 406})
    assert ask(shared, "POST", path)[0] == ask(shared, "GET", path, content_type="text/plain")[0] == 200


@pytest.mark.parametrize("kind", READABLE)
def test_a_body_of_json_is_read_whatever_its_type_is_called(shared, fresh_index, kind):
    index = fresh_index()
    lines = b'{"index": {"_id": "1"}}\n{"a": 1}\n'
    status, _, body = ask(shared, "POST", f"/{index}/_bulk", lines, content_type=READABLE[kind])
    assert (status, json.loads(body)["errors"]) == (200, False)


def test_what_is_no_media_type_is_a_bad_request(shared):
    for kind in ("json", "a/b/c", "application/"):
        status, _, body = ask(shared, "POST", "/_search", b"{}", content_type=kind)
        assert (status, json.loads(body)["error"]["type"]) == (400, "media_type_header_exception"), kind


def test_an_unknown_path_says_so_before_its_body_is_looked_at(shared):
    assert ask(shared, "POST", "/_watcher/_start", b"{}", content_type="text/plain")[0] == 400


def test_what_a_browser_accepts_is_answered(shared):
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    status, headers, _ = ask(shared, "GET", "/", accept=accept)
    assert (status, headers["Content-Type"]) == (200, "application/json")


def test_a_fault_for_an_unknown_api_is_refused(shared):
    for api, nearest in (("indices.creat", "indices.create"), ("Nonsense", "nearest")):
        with pytest.raises(ValueError, match=nearest):
            faults.add(shared.state, api, "unavailable")
    assert faults.pending(shared.state) == []


def test_head_answers_with_only_a_status(shared, fresh_index):
    index = fresh_index(documents=[{"a": 1}])
    assert ask(shared, "HEAD", f"/{index}/_doc/1")[::2] == (200, b"")
    assert ask(shared, "HEAD", f"/{index}/_doc/2")[::2] == (404, b"")
    assert shared.client.indices.exists(index=index)
    assert not shared.client.indices.exists(index="absent")
    assert shared.client.ping()


def test_names_in_paths_are_decoded_part_by_part(shared, fresh_index):
    index, id_ = fresh_index(), "a/b c%d?e:f"
    shared.client.index(index=index, id=id_, document={"n": 1})
    assert shared.client.get(index=index, id=id_)["_source"] == {"n": 1}


def test_an_error_has_a_root_cause_and_a_trace_on_request(shared):
    with pytest.raises(NotFoundError) as missing:
        shared.client.indices.get(index="absent", error_trace=True)
    error = missing.value.body["error"]
    facts = {"type": "index_not_found_exception", "reason": "no such index [absent]", "index": "absent"}
    facts |= {"resource.type": "index_or_alias", "resource.id": "absent", "index_uuid": "_na_"}
    assert error["root_cause"] == [facts]
    assert facts.items() <= error.items()
    assert "stack_trace" in error
    assert str(missing.value) == (
        "NotFoundError(404, 'index_not_found_exception', 'no such index [absent]', absent, index_or_alias)"
    )


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("hits.hits._id", {"hits": {"hits": [{"_id": "1"}]}}),
        ("**._score,_shards.total", {"_shards": {"total": 1}, "hits": {"hits": [{"_score": 1.0}]}}),
        ("-took,-timed_out,-_shards,-hits", {}),
        ("absent", {}),
    ],
)
def test_a_filter_path_reduces_the_answer(shared, fresh_index, path, left):
    index = fresh_index(documents=[{"a": 1}])
    assert shared.client.search(index=index, filter_path=path) == left


def test_a_filter_path_leaves_an_error_whole(shared):
    with pytest.raises(NotFoundError) as refused:
        shared.client.search(index="absent", filter_path="hits")
    assert refused.value.body["error"]["type"] == "index_not_found_exception"


def test_deprecated_queries_return_a_warning_header(shared, fresh_index):
    index = fresh_index({"v": {"type": "sparse_vector"}}, documents=[{"v": {"a": 1.0}}])
    query = {"weighted_tokens": {"v": {"tokens": {"a": 1.0}}}}
    body = json.dumps({"query": query}).encode()
    _, headers, _ = ask(shared, "POST", f"/{index}/_search", body, content_type="application/json")
    assert headers["Warning"].startswith("299 Elasticsearch-8.19.3-")
    assert "weighted_tokens" in headers["Warning"]


def test_faults_strike_before_or_after_the_effect_and_are_accounted_for(elastic_server):
    elastic = elastic_server()
    create = elastic.client.indices.create
    faults.add(elastic.state, "indices.create", "unavailable")
    with pytest.raises(ApiError) as unavailable:
        create(index="first")
    assert unavailable.value.status_code == 503
    faults.add(elastic.state, "indices.create", "throttled", "after")
    with pytest.raises(ApiError) as throttled:
        create(index="second")
    assert throttled.value.status_code == 429
    for when in ("before", "after"):
        faults.add(elastic.state, "indices.create", "reset", when)
        with pytest.raises(NoConnection):
            create(index=f"{when}-reset")
    there = set(elastic.client.indices.get(index="*"))
    assert there == {"second", "after-reset"}
    assert [each.kind for each in faults.struck(elastic.state)] == [
        "unavailable",
        "throttled",
        "reset",
        "reset",
    ]


def test_a_stalled_call_goes_on_after_its_client_has_given_up(elastic_server):
    elastic = elastic_server()
    faults.add(elastic.state, "indices.create", "stall", seconds=2)
    with pytest.raises(ConnectionTimeout):
        elastic.client.options(request_timeout=0.5).indices.create(index="slow")
    written = until(lambda: write_log.read(elastic.state), "the call's effect")
    assert [write.method for write in written] == ["indices.create"]
    assert elastic.client.indices.exists(index="slow")


def test_the_write_log_holds_what_changed_something_and_nothing_else(elastic_server):
    elastic = elastic_server()
    client = elastic.client
    client.indices.create(index="films")
    client.index(index="films", id="1", document={"a": 1}, refresh=True)
    client.search(index="films")
    client.count(index="films")
    client.update(index="films", id="1", doc={"a": 1})
    client.indices.delete(index="absent", ignore_unavailable=True)
    with pytest.raises(ApiError):
        client.indices.create(index="films")
    client.indices.update_aliases(actions=[{"add": {"index": "films", "alias": "all"}}])
    client.indices.update_aliases(actions=[{"add": {"index": "films", "alias": "all"}}])
    logged = [(each.service, each.method, each.resource) for each in write_log.read(elastic.state)]
    assert logged == [
        ("elastic", "indices.create", "films"),
        ("elastic", "index", "films/1"),
        ("elastic", "indices.update_aliases", "all"),
    ]


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill_on_the_same_port(elastic_server):
    first = elastic_server()
    cluster = first.client.info()["cluster_uuid"]
    first.client.indices.create(index="films", mappings={"_meta": {"spec": "x"}}, aliases={"all": {}})
    first.client.index(index="films", id="1", document={"plot": "before the kill"})
    first.client.index(index="films", id="2", document={"plot": "replaced"})
    first.client.index(index="films", id="2", document={"plot": "again"})
    first.client.delete(index="films", id="1")
    first.client.put_script(id="t", script={"lang": "mustache", "source": "{}"})
    first.sandbox.kill()
    second = elastic_server()
    assert second.sandbox.environment == first.sandbox.environment
    assert second.client.info()["cluster_uuid"] == cluster
    assert second.client.indices.get(index="films")["films"]["mappings"]["_meta"] == {"spec": "x"}
    found = second.client.search(index="all", query={"match": {"plot": "again"}}, version=True)["hits"][
        "hits"
    ]
    assert [(hit["_id"], hit["_version"]) for hit in found] == [("2", 2)]
    assert second.client.count(index="films")["count"] == 1
    assert second.client.index(index="films", id="3", document={})["_seq_no"] == 4
    assert second.client.get_script(id="t")["found"]


def test_a_port_in_use_is_reported_in_one_line(elastic_server, tmp_path):
    port = int(urlsplit(elastic_server().sandbox.environment["ELASTIC_URL"]).port)
    other = tmp_path / "other"
    other.mkdir()
    (other / "ports.json").write_text(json.dumps({"elastic": port}))
    with pytest.raises(
        process.SandboxError, match=f"Port {port}, which the sandbox on .* used before, is taken"
    ):
        process.start(other, ElasticOptions())
