import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from elastic_transport import Urllib3HttpNode

from sandbox import faults
from tasks.elastic.cluster.deployments import ensure_deployment, remove_deployment, wait_for_deployment
from tasks.elastic.connection.clients import connect
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices import full_disks, loading
from tasks.elastic.indices.indices import ensure_index, read_index, remove_index
from tasks.elastic.indices.loading import DocumentsRefused, apply_documents
from tasks.elastic.specs import DeploymentSpec, IndexSpec
from tasks.errors import DeadlinePassed, InvalidInput
from tasks.files import CannotWrite
from tasks.waiting import Deadline
from tests.polling import until


@pytest.fixture
def index(settings, name):
    properties = {"year": {"type": "integer"}}
    ensure_index.fn(settings, IndexSpec(name=name, properties=properties, replicas=0))
    yield name
    remove_index.fn(settings, name)


@pytest.fixture
def load(settings, index, tmp_path, deadline):
    def apply(rows, *, until=deadline):
        path = tmp_path / "documents.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
        return apply_documents.fn(
            settings, index, documents, until, refused_file=tmp_path / "out" / "refused.jsonl"
        )

    return apply


def stored(settings, index):
    client = connect(settings)
    client.indices.refresh(index=index)
    return client.indices.stats(index=index)["indices"][index]["primaries"]["docs"]["count"]


def test_documents_are_stored_once_and_an_index_that_holds_them_is_left_alone(settings, index, load, changes):
    rows = [{"id": str(n), "year": n} for n in range(1200)]
    loaded = load(rows)
    assert (loaded.documents, loaded.created, loaded.requests) == (1200, 1200, 1)
    assert stored(settings, index) == 1200
    made = changes()
    assert load(rows).unchanged
    assert changes() == made


def test_an_index_with_a_final_pipeline_gets_one_smaller_bulk_after_the_other(settings, index, load):
    connect(settings).ingest.put_pipeline(id=index, processors=[{"set": {"field": "seen", "value": True}}])
    connect(settings).indices.put_settings(index=index, settings={"final_pipeline": index})
    try:
        loaded = load([{"id": str(n), "year": n} for n in range(loading.MOST_EMBEDDED + 1)])
        assert (loaded.created, loaded.requests) == (loading.MOST_EMBEDDED + 1, 2)
    finally:
        connect(settings).indices.put_settings(index=index, settings={"final_pipeline": "_none"})
        connect(settings).ingest.delete_pipeline(id=index)
    assert load([{"id": str(n), "year": 0} for n in range(loading.MOST_EMBEDDED + 1)]).requests == 1


def test_other_documents_are_loaded_over_those_that_there_are(settings, index, load):
    load([{"id": "a", "year": 1}, {"id": "b", "year": 1}])
    loaded = load([{"id": "a", "year": 2}, {"id": "c", "year": 1}])
    assert (loaded.created, loaded.updated) == (1, 1)
    assert stored(settings, index) == 3
    assert connect(settings).get(index=index, id="a")["_source"]["year"] == 2


def test_documents_that_are_not_in_the_file_stay_and_are_told(settings, index, load, caplog):
    load([{"id": "a"}, {"id": "b"}])
    caplog.set_level(logging.INFO, "vector_search_ops")
    load([{"id": "a", "year": 2}])
    assert "also holds 1 document that is not in the file" in caplog.text
    assert stored(settings, index) == 2


def test_documents_that_somebody_deleted_are_loaded_again(settings, index, load):
    rows = [{"id": "a"}, {"id": "b"}]
    load(rows)
    connect(settings).delete(index=index, id="b", refresh=True)
    assert (load(rows).created, stored(settings, index)) == (1, 2)


def test_the_last_of_a_repeated_id_stays(settings, index, load):
    loaded = load([{"id": "a", "year": n} for n in range(5)])
    assert (loaded.documents, loaded.repeated) == (1, 4)
    assert connect(settings).get(index=index, id="a")["_source"]["year"] == 4


def test_refused_documents_are_kept_aside_with_line_and_reason_and_stop_nobody(settings, index, load):
    loaded = load([{"id": "a", "year": 1}, {"id": "b", "year": "unknown"}, {"id": "c", "year": 3}])
    assert loaded.created == 2
    (refused,) = loaded.first_refused
    assert loaded.refused == 1
    assert (refused.place, refused.id, refused.status) == ("line 2", "b", 400)
    row = json.loads(loaded.refused_file.read_text())
    assert row["document"] == {"id": "b", "year": "unknown"}
    assert row["reason"]
    assert read_index.fn(settings, index).content == ""
    assert "line 2 (b)" in str(DocumentsRefused(loaded))


def test_all_refused_documents_are_counted_and_stand_in_the_file_and_the_first_are_named(index, load):
    loaded = load([{"id": str(n), "year": "unknown"} for n in range(7)])
    assert (loaded.refused, [one.place for one in loaded.first_refused]) == (
        7,
        ["line 1", "line 2", "line 3"],
    )
    assert len(loaded.refused_file.read_text().splitlines()) == 7
    assert f"7 of 7 documents were refused by the index '{index}'" in str(DocumentsRefused(loaded))


@pytest.mark.parametrize("kind", ["unavailable", "internal", "throttled", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hiccup_repeats_two_of_four_bulks_in_flight_and_stores_nothing_twice(
    sandbox, settings, index, load, kind, when, monkeypatch
):
    monkeypatch.setattr(loading, "MOST_DOCUMENTS", 5)
    faults.add(sandbox.state, "bulk", kind, when, 2, 0.0)
    loaded = load([{"id": str(n), "year": n} for n in range(20)])
    assert loaded.requests == 6
    assert loaded.created + loaded.updated == 20
    assert stored(settings, index) == 20


def test_documents_that_were_throttled_are_sent_again_after_a_pause(sandbox, load):
    faults.add(sandbox.state, "bulk", "throttled", "before", 1, 0.0)
    began = time.monotonic()
    assert load([{"id": "a"}]).requests == 2
    assert time.monotonic() - began >= 0.2


@pytest.mark.slow
@pytest.mark.usefixtures("deployed")
def test_documents_that_a_full_queue_rejects_are_told_with_the_first_reason_and_sent_again(
    settings, name, tmp_path, deadline, caplog
):
    caplog.set_level(logging.INFO, "vector_search_ops")
    narrow = DeploymentSpec(id=f"{name}-narrow", queue_capacity=4)
    ensure_deployment.fn(settings, narrow, deadline)
    wait_for_deployment.fn(settings, narrow, deadline)
    pairs = {"input_field": "t", "output_field": "e"}
    processors = [{"inference": {"model_id": narrow.id, "input_output": pairs}}]
    connect(settings).ingest.put_pipeline(id=name, processors=processors)
    ensure_index.fn(settings, IndexSpec(name=name, properties={}, replicas=0, default_pipeline=name))
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(json.dumps({"id": str(n), "t": f"text {n}"}) for n in range(20)))
    documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
    try:
        loaded = apply_documents.fn(settings, name, documents, deadline, refused_file=tmp_path / "refused")
    finally:  # others count the processors that are free
        remove_index.fn(settings, name)
        connect(settings).ingest.delete_pipeline(id=name)
        remove_deployment.fn(settings, narrow.id, deadline)
    assert (loaded.created, loaded.refused) == (20, 0)
    assert loaded.throttled
    assert "throttled (429 es_rejected_execution_exception: inference process queue is full" in caplog.text


def test_a_deadline_ends_a_load_that_is_throttled_for_ever(sandbox, load):
    faults.add(sandbox.state, "bulk", "throttled", "before", 1000, 0.0)
    try:
        with pytest.raises(DeadlinePassed):
            load([{"id": "a"}], until=Deadline.after(seconds=0.5))
    finally:
        faults.clear(sandbox.state)


def test_a_load_into_an_index_that_is_not_there_creates_none(settings, tmp_path, deadline, changes):
    path = tmp_path / "documents.jsonl"
    path.write_text('{"id": "a"}')
    documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
    with pytest.raises(InvalidInput, match="no such index"):
        apply_documents.fn(settings, "nobody", documents, deadline, refused_file=tmp_path / "refused")
    assert changes() == []


def test_five_thousand_glosses_are_loaded(settings, index, glosses, tmp_path, deadline):
    documents = read_checked_documents.fn(DocumentSource(path=glosses, id_field="id"))
    loaded = apply_documents.fn(settings, index, documents, deadline, refused_file=tmp_path / "refused")
    assert (loaded.created, loaded.requests) == (5000, 3)
    assert stored(settings, index) == 5000


ODD = b'{"id": "odd", "big": 123456789012345678901234567890, "long" : 0.12345678901234567890, "a": "\\u00e9 \\/", "z": -0,\t"t": 1.50}'


@pytest.mark.parametrize("around", [b"%s\r\n", b"\xef\xbb\xbf[\n%s\n]"], ids=["lines", "array"])
def test_what_is_sent_is_the_documents_own_text(settings, index, tmp_path, deadline, monkeypatch, around):
    sent = []
    perform = Urllib3HttpNode.perform_request

    def recorded(node, method, target, body=None, **more):
        sent.append(body)
        return perform(node, method, target, body=body, **more)

    monkeypatch.setattr(Urllib3HttpNode, "perform_request", recorded)
    path = tmp_path / "documents"
    path.write_bytes(around % ODD)
    documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
    loaded = apply_documents.fn(settings, index, documents, deadline, refused_file=tmp_path / "refused")
    assert loaded.created == 1
    assert b'{"index":{"_id":"odd"}}\n' + ODD + b"\n" in sent


def test_a_refused_document_is_set_aside_as_it_was_written(settings, index, tmp_path, deadline):
    odd = b'{"id": "b", "year": "unknown", "big": 1234567890123456789012}'
    path = tmp_path / "documents.json"
    path.write_bytes(b"[" + odd + b"]")
    documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
    loaded = apply_documents.fn(settings, index, documents, deadline, refused_file=tmp_path / "refused")
    assert loaded.first_refused[0].place == "element 1 (line 1)"
    assert b'"document":' + odd + b"}" in loaded.refused_file.read_bytes()


def full_disk(settings, index, *, full):
    """Set the block that Elasticsearch itself sets when a disk is beyond its flood-stage watermark, or lift it."""
    connect(settings).indices.put_settings(
        index=index, settings={"index.blocks.read_only_allow_delete": full or None}
    )


def test_a_full_disk_is_told_before_the_deadline_and_the_same_load_goes_on_when_there_is_space(
    settings, index, load, monkeypatch
):
    monkeypatch.setattr(full_disks, "GRACE_SECONDS", 0.5)
    full_disk(settings, index, full=True)
    with pytest.raises(full_disks.DiskFull, match=r"flood-stage watermark.*\(97% used, .* free\)") as told:
        load([{"id": "a"}, {"id": "b"}])
    assert told.value.index == index
    full_disk(settings, index, full=False)
    assert load([{"id": "a"}, {"id": "b"}]).created == 2


def test_a_full_disk_that_the_cluster_makes_room_on_is_only_waited_for(settings, index, load, caplog):
    caplog.set_level(logging.INFO, "vector_search_ops")
    full_disk(settings, index, full=True)
    with ThreadPoolExecutor() as pool:
        loading = pool.submit(load, [{"id": "a"}])
        until(lambda: "1 not stored: index [" in caplog.text, "the first look")
        full_disk(settings, index, full=False)
        assert loading.result().created == 1


def test_refused_documents_that_find_no_room_on_this_machine_are_told_and_leave_no_file(
    load, tmp_path, monkeypatch
):
    usual = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, *given, **named: usual(
            Path("/dev/full") if path.suffix == ".part" else path, *given, **named
        ),
    )
    with pytest.raises(CannotWrite, match=r"refused.jsonl: No space left on device"):
        load([{"id": str(number), "year": "unknown"} for number in range(100)])
    assert list((tmp_path / "out").iterdir()) == []
