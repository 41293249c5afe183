import threading

import pytest
from elastic_transport import Urllib3HttpNode

from tasks import waiting
from tasks.batches import attempt_each
from tasks.elastic.data.documents import Document, DocumentSource, read_checked_documents
from tasks.elastic.indices import loading
from tasks.elastic.indices.bulks import Aside, Bulk, BulkLoad
from tasks.elastic.indices.indices import ensure_index, remove_index
from tasks.elastic.indices.loading import apply_documents
from tasks.elastic.specs import IndexSpec
from tasks.errors import PermanentError

CREATED, UPDATED = {"status": 201, "result": "created"}, {"status": 200, "result": "updated"}
THROTTLED = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
REFUSED = {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no number"}}


@pytest.fixture
def load(settings, tmp_path):
    return BulkLoad(settings, "books", Aside(tmp_path / "refused.jsonl"))


def bulks(*ids):
    return [Bulk([Document(f"line {id_}", id_, b"{}") for id_ in bulk]) for bulk in ids]


def answering(monkeypatch, outcomes):
    """Answer each document with the next of its outcomes, or that it was created. Returns the ids of each request, sorted."""
    asked = []

    def request(_, documents):
        asked.append([document.id for document in documents])
        items = [outcomes.get(document.id, [CREATED]) for document in documents]
        results = [left.pop(0) if len(left) > 1 else left[0] for left in items]
        errors = any("error" in result for result in results)
        return {"errors": errors, "items": [{"index": result} for result in results]}

    monkeypatch.setattr(BulkLoad, "_request", request)
    monkeypatch.setattr(waiting, "PACE", lambda _: 0.01)
    return asked


def send_all(load, several, most, deadline):
    with load._aside:
        return attempt_each("load", load.ahead(several, most), load.send, deadline, total=9, outcome="sent", unit="documents")  # fmt: skip


@pytest.mark.parametrize("most", [1, 2, 4, 9])
def test_what_came_of_each_document_is_counted_however_many_requests_are_in_flight(
    load, deadline, monkeypatch, most
):
    outcomes = {"b": [THROTTLED, UPDATED], "d": [REFUSED], "e": [THROTTLED, THROTTLED, CREATED]}
    asked = answering(monkeypatch, outcomes)
    assert send_all(load, bulks("abc", "def", "gh", "i"), most, deadline) == 9
    assert sorted(asked) == [["a", "b", "c"], ["b"], ["d", "e", "f"], ["e"], ["e"], ["g", "h"], ["i"]]
    assert (load.created, load.updated, load.throttled, load.requests) == (7, 1, 3, 7)
    assert [refused.id for refused in load._aside.first] == ["d"]


def test_nothing_more_is_started_while_a_throttled_request_waits(load, deadline, monkeypatch):
    asked = answering(monkeypatch, {"a": [THROTTLED, THROTTLED, CREATED]})
    send_all(load, bulks(*"abcdefg"), 3, deadline)
    assert set("".join(map("".join, asked[:3]))) == {"a", "b", "c"}
    assert asked[3:5] == [["a"], ["a"]]


def test_an_error_of_a_request_in_flight_ends_the_load_when_its_turn_comes(load, deadline, monkeypatch):
    def request(_, documents):
        if documents[0].id == "c":
            raise PermanentError("refused")
        return {"errors": False, "items": [{"index": CREATED}]}

    monkeypatch.setattr(BulkLoad, "_request", request)
    with pytest.raises(PermanentError, match="refused"):
        send_all(load, bulks(*"abcdefg"), 4, deadline)
    assert load.created == 2


@pytest.fixture
def most_at_once(monkeypatch, at_once):
    """The most bulk requests that were in flight together; none returns before as many as are expected came together."""
    lock, seen = threading.Lock(), {"now": 0, "most": 0}
    together, perform = threading.Barrier(at_once), Urllib3HttpNode.perform_request

    def counted(node, method, target, **more):
        if "_bulk" not in target:
            return perform(node, method, target, **more)
        with lock:
            seen["now"] += 1
            seen["most"] = max(seen["most"], seen["now"])
        together.wait(timeout=30)
        try:
            return perform(node, method, target, **more)
        finally:
            with lock:
                seen["now"] -= 1

    monkeypatch.setattr(Urllib3HttpNode, "perform_request", counted)
    return lambda: seen["most"]


@pytest.mark.parametrize(
    ("rows", "fields", "at_once"),
    [
        (8, {}, 4),
        (7, {}, 1),
        (8, {"text": {"type": "semantic_text", "inference_id": "any"}}, 1),
    ],
    ids=["different ids", "a repeated id", "embedded on the way"],
)
def test_four_requests_are_in_flight_where_order_and_a_model_do_not_matter(
    settings, name, tmp_path, deadline, monkeypatch, most_at_once, rows, fields, at_once
):
    monkeypatch.setattr(loading, "MOST_DOCUMENTS", 1)
    monkeypatch.setattr(loading, "MOST_EMBEDDED", 1)
    ensure_index.fn(settings, IndexSpec(name=name, properties=fields, replicas=0))
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(f'{{"id": "{number % rows}"}}' for number in range(8)))
    documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
    loaded = apply_documents.fn(settings, name, documents, deadline, refused_file=tmp_path / "refused")
    remove_index.fn(settings, name)
    assert (loaded.created, loaded.requests, most_at_once()) == (rows, 8, at_once)
