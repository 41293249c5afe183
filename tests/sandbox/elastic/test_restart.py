"""Documents of an earlier run, loaded again, and concurrent writes; partly without a server."""

import threading

import pytest
from elasticsearch import BadRequestError

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.search import searchers


@pytest.fixture
def cluster(tmp_path):
    """Opens the cluster in the test's folder: `cluster()`; call it again for another run."""
    opened = []

    def start():
        if opened:
            opened[-1].close()
        opened.append(Cluster(tmp_path, ElasticOptions()))
        return opened[-1]

    yield start
    opened[-1].close()


def write(cluster, *ids, action="index"):
    outcomes = cluster.writer.write([Operation(action, "films", id_, {"plot": id_}) for id_ in ids])
    assert not [each.error for each in outcomes if each.error]


def found(cluster):
    with cluster.scans.open("films") as scan:
        return [each.id for each in scan.read(0, len(scan))]


def test_documents_of_an_earlier_run_are_loaded_while_others_write(cluster, monkeypatch):
    write(cluster(), "a", "b", "c", "d")
    parse, begun, go_on = searchers.parse, threading.Event(), threading.Event()

    def slow(*given, **more):
        begun.set()
        assert go_on.wait(10)
        return parse(*given, **more)

    again = cluster()
    monkeypatch.setattr(searchers, "parse", slow)
    loader = threading.Thread(target=again.searchers.refresh, args=(again.indices.get("films"),))
    loader.start()
    assert begun.wait(10)
    free = again.store.lock.acquire(timeout=5)
    if free:
        again.store.lock.release()
        write(again, "a", "e")
        write(again, "b", action="delete")
    go_on.set()
    loader.join()
    assert free
    assert found(again) == ["c", "d", "a", "e"]
    again.searchers.refresh(again.indices.get("films"))
    assert len(list(again.documents.writes(again.store.db, again.indices.get("films"), 0, 99))) == 5


def test_documents_are_sliced_without_reading_them(cluster, monkeypatch):
    running = cluster()
    write(running, *"abcdefgh")
    running.searchers.refresh(running.indices.get("films"))
    monkeypatch.setattr(running.documents, "rows", None)
    sizes = []
    for number in range(2):
        with running.scans.open("films", slice_=(number, 2)) as scan:
            sizes.append(len(scan))
    assert sum(sizes) == 8
    assert all(sizes)


def test_nobody_writes_between_a_failed_change_and_its_rollback(cluster, monkeypatch):
    running = cluster()
    records, free = running.store.records("indices").all, []

    def watched():
        def other():
            free.append(running.store.lock.acquire(blocking=False))

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return records()

    def failing():
        with running.indices.together():
            running.indices.create("films", {}, {}, {})
            raise ZeroDivisionError

    monkeypatch.setattr(running.indices._records, "all", watched)
    with pytest.raises(ZeroDivisionError):
        failing()
    assert free == [False]
    assert running.indices.get("films") is None


@pytest.mark.slow
def test_documents_that_the_current_mapping_would_refuse_are_searchable_after_a_restart(elastic_server):
    first = elastic_server(version="9.1")
    first.client.indices.create(
        index="films", mappings={"dynamic": False, "properties": {"plot": {"type": "text"}}}
    )
    first.client.index(index="films", id="1", document={"plot": "a dog", "more": 1, "under": {"a.": 2}})
    first.client.indices.put_mapping(index="films", dynamic="strict")
    first.sandbox.kill()
    client = elastic_server(version="9.1").client
    assert client.count(index="films", query={"match": {"plot": "dog"}})["count"] == 1
    with pytest.raises(BadRequestError):
        client.index(index="films", document={"more": 1})


def test_a_date_beyond_64_bits_is_refused_and_does_not_break_refreshes(shared, fresh_index):
    index = fresh_index({"day": {"type": "date"}})
    for day in (10**19, -(10**19), "99999999999999999999", 1e300):
        with pytest.raises(BadRequestError) as error:
            shared.client.index(index=index, document={"day": day})
        assert error.value.body["error"]["type"] == "document_parsing_exception"
    last = 253_402_300_799_999  # of the year 9999: sandbox/elastic/differences.py
    shared.client.index(index=index, document={"day": last}, refresh=True)
    assert shared.client.count(index=index)["count"] == 1
