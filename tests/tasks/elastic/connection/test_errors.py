import elastic_transport
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, UnsupportedProductError
from elasticsearch.helpers import ScanError

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import (
    TRANSIENT_TYPES,
    BadRequest,
    Conflict,
    NotElasticsearch,
    calling,
    reason_of,
)
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput


def answered(status, body):
    meta = ApiResponseMeta(
        status=status,
        http_version="1.1",
        headers=HttpHeaders({}),
        duration=0.1,
        node=NodeConfig("http", "localhost", 9200),
    )
    return ApiError("message", meta=meta, body=body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (404, NotFound),
        (409, Conflict),
        (403, ServiceRefused),
        (500, ServiceRefused),
        (401, InvalidInput),
        (408, ServiceUnwell),
        (429, ServiceUnwell),
        (502, ServiceUnwell),
        (503, ServiceUnwell),
        (504, ServiceUnwell),
    ],
)
def test_the_status_decides(status, kind):
    body = {"error": {"type": "t", "reason": "r", "caused_by": {"type": "c", "reason": "because"}}}
    with pytest.raises(kind) as raised, calling("do the thing"):
        raise answered(status, body)
    assert type(raised.value) is kind
    assert "do the thing" in str(raised.value)
    assert isinstance(raised.value.__cause__, ApiError)
    if kind is not InvalidInput:
        assert (raised.value.type, raised.value.said) == ("t", "r (because)")


# Found by `make chaos`: ingest.put_pipeline internal before once.
@pytest.mark.parametrize("type_", sorted(TRANSIENT_TYPES))
def test_a_node_that_lost_another_one_answers_500_and_may_be_asked_again(type_):
    body = {"error": {"type": type_, "reason": "[node-2][10.0.0.2:9300] disconnected"}}
    with pytest.raises(ServiceUnwell), calling("do the thing"):
        raise answered(500, body)


def test_a_scroll_that_lost_its_place_or_some_of_its_shards_may_be_begun_again():
    cause = {"type": "search_context_missing_exception", "reason": "No search context found for id [7]"}
    error = {"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [cause]}
    with pytest.raises(ServiceUnwell, match="No search context found"), calling("list the ids"):
        raise answered(404, {"error": error, "status": 404})
    missing = {"type": "index_not_found_exception", "reason": "no such index", "root_cause": ["x"]}
    with pytest.raises(NotFound), calling("list the ids"):
        raise answered(404, {"error": missing, "status": 404})
    with pytest.raises(ServiceUnwell, match="only succeeded on 1 "), calling("list the ids"):
        raise ScanError("id", "Scroll request has only succeeded on 1 (+0 skipped) shards out of 2.")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (elastic_transport.ConnectionTimeout("Connection timed out"), ServiceUnwell),
        (elastic_transport.ConnectionError("refused"), ServiceUnwell),
        (elastic_transport.TlsError("self signed"), InvalidInput),
        (elastic_transport.SerializationError("not JSON"), NotElasticsearch),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_is_no_answer_is_told_apart(raised, kind):
    with pytest.raises(kind) as translated, calling("do the thing"):
        raise raised
    assert type(translated.value) is kind


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"error": "no handler found"}, "no handler found"),
        ({}, ""),
        (None, "None"),
        ({"type": "t", "reason": "r", "caused_by": {"reason": "r"}}, "r"),
        (
            {"type": "t", "reason": "all shards failed", "root_cause": [{"reason": "why"}]},
            "all shards failed (why)",
        ),
        ({"type": "t", "reason": "r", "root_cause": [{"type": "t", "reason": "r"}]}, "r"),
    ],
)
def test_a_reason_is_found_in_any_envelope(error, said):
    body = error.get("error", error) if isinstance(error, dict) else error
    assert reason_of(body)[1] == said


def test_something_else_at_the_address_is_said_to_be_something_else():
    with pytest.raises(NotElasticsearch, match="Check ELASTIC_URL"), calling("read the cluster"):
        raise UnsupportedProductError("not supported", meta=None, body=None)


def test_nobody_at_the_address_is_transient():
    with pytest.raises(ServiceUnwell, match="no answer"), calling("read the cluster"):
        connect(ElasticSettings(url="http://127.0.0.1:9")).info()
