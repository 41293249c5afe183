"""A queue that is too small: the batch is lowered with a notice, the reindex throttled, and every document embedded."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest
from elasticsearch import ApiError

pytestmark = pytest.mark.slow
ROWS = 600


@contextmanager
def crowd(cluster, deployment):
    """Somebody else, who fills the queue of a deployment again and again; yields what ends it."""
    enough = threading.Event()

    def ask():
        number = 0
        while not enough.is_set():
            number += 1
            try:
                cluster.client.options(request_timeout=30).ml.infer_trained_model(
                    model_id=deployment,
                    docs=[{"text_field": f"crowd {number} {n}"} for n in range(7)],
                    timeout="20s",
                )
            except ApiError:
                enough.wait(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield enough.set
    finally:
        enough.set()
        thread.join()


def test_a_batch_of_200_and_a_queue_of_8_is_lowered_throttled_and_every_document_embedded(
    cluster_with, embed, begin, elastic, name, glosses, home
):
    cluster = cluster_with(inference_seconds=0.002)
    cluster.deploy("ingest", queue_capacity=8)
    rows = glosses(ROWS)
    source = cluster.store(f"source-{name}", rows)
    before = cluster.inferences()

    command = embed(cluster, source, "gloss", "--batch-size", 200, begin=begin)
    command.wait_for("are smaller than requested")
    assert "the queue of 8 texts is filled to 80% at most: 1 x 6 documents instead of 1 x 200" in command.err
    with crowd(cluster, "ingest") as disperse:
        command.wait_for("texts rejected, now")
        disperse()
        assert command.code == 0, command.err

    newest = max((home / "reports").glob("elastic-embed-*.json"), key=lambda file: file.stat().st_mtime_ns)
    pace = json.loads(newest.read_text())["facts"]["pace"]
    assert pace["throttled"] >= 1
    assert pace["rejected"] >= 1
    assert "▼" in newest.with_suffix(".html").read_text()
    assert cluster.client.count(index=name)["count"] == len(rows)
    assert cluster.unembedded(name, "gloss") == 0
    new, tried = cluster.inferences() - before, cluster.sampled(source, "gloss")
    assert {new[row["gloss"]] for row in rows if row["gloss"] not in tried} == {1}

    found = elastic(cluster, "diagnose", "--name", name).out
    said = " ".join(found.replace("│", " ").split())
    assert "the queue was full" in said
    assert "queue_capacity above 8" in said
