"""What a reindex leaves without an embedding, or cannot store: repaired, or named with its reason."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.reindex_tasks import (
    Failure,
    TaskState,
)
from tasks.elastic.connection.clients import connect
from tasks.elastic.reindex import passes, repair
from tasks.elastic.reindex.batch_plans import BatchPlan
from tasks.elastic.reindex.copying import ReindexFailed
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.verification.verification import Completeness, Incomplete, verify_completeness
from tasks.errors import DeadlinePassed
from tasks.marks import marks
from tasks.waiting import Deadline
from tests.tasks.elastic.reindex.embedding import FAST, FIELDS, GLOSS

pytestmark = pytest.mark.slow  # servers of their own, and operations that take time


def ended_with(*failures):
    """A task that has ended, and these documents that it could not store."""
    return TaskState(
        id="t", completed=True, total=4, done=0, batches=1, conflicts=0, retries=0, requests_per_second=-1,
        canceled="", failures=failures, error="",
    )  # fmt: skip


def test_what_is_half_done_is_filled_without_inference_and_then_repaired(embedding, rows):
    embedding.build(rows[:120])
    first = embedding.spec
    client = connect(embedding.settings)
    client.reindex(
        source={"index": first.source, "size": 40},
        dest={"index": first.dest, "pipeline": first.pipeline},
        max_docs=40,
        wait_for_completion=True,
        refresh=True,
    )
    assert embedding.inferences == 40
    reindexed = embedding.reindex()
    assert reindexed.documents == 120
    assert embedding.inferences == 40
    repaired = embedding.repair()
    assert (repaired.repaired, repaired.left) == (80, 0)
    assert embedding.inferences == 120
    assert embedding.is_complete()


def test_embeddings_that_the_source_has_already_do_not_count_as_ours(embedding, rows):
    embedding.build([{**row, GLOSS.output: {"[unused1]": 1.0}} for row in rows[:60]])
    connect(embedding.settings).reindex(
        source={"index": embedding.spec.source, "size": 20},
        dest={"index": embedding.spec.dest, "pipeline": embedding.spec.pipeline},
        max_docs=20,
        wait_for_completion=True,
        refresh=True,
    )
    embedding.reindex()
    assert embedding.repair().repaired == 40
    assert embedding.inferences == 60
    old = {"sparse_vector": {"field": GLOSS.output, "query_vector": {"[unused1]": 1.0}}}
    assert connect(embedding.settings).count(index=embedding.spec.dest, query=old)["count"] == 0


def test_an_overflowing_queue_is_throttled_and_repaired(embedding, rows, changes):
    embedding.build(rows[:300], queue=8, allocations=1)
    embedding.reindex(BatchPlan(size=60, slices=1, per_second=200.0, lowered=()))
    assert read_deployment.fn(embedding.settings, embedding.name).rejected > 0
    assert "reindex_rethrottle" in changes()
    with pytest.raises(Incomplete, match="without an embedding"):
        embedding.is_complete()
    repaired = embedding.repair(BatchPlan(size=6, slices=1, per_second=50.0, lowered=()))
    assert repaired.left == 0
    assert repaired.repaired > 0
    assert embedding.is_complete()
    assert embedding.inferences == 300


def test_documents_that_can_never_be_embedded_are_listed_with_their_reason(embedding, rows):
    embedding.build([*rows[:20], {"id": "bare", "lemma": "bare"}])
    embedding.reindex()
    repaired = embedding.repair()
    assert (repaired.left, [u.id for u in repaired.listed]) == (1, ["bare"])
    assert "gloss" in repaired.listed[0].reason
    with pytest.raises(Incomplete, match=r"without an embedding is 1, required: 0\. The first: bare: "):
        embedding.is_complete()


def test_a_document_that_is_refused_with_its_embedding_keeps_no_other_from_it(embedding, rows):
    odd = [{"id": f"odd-{number}", "gloss": "odd", "later": "unknown"} for number in range(3)]
    embedding.build([*odd, *rows[:12]], properties={"year": {"type": "integer"}})
    client, spec = connect(embedding.settings), embedding.spec
    client.reindex(source={"index": spec.source}, dest={"index": spec.dest}, refresh=True)
    embeds = client.ingest.get_pipeline(id=embedding.name)[embedding.name]["processors"]
    renames = {"rename": {"field": "later", "target_field": "year", "ignore_missing": True}}
    client.ingest.put_pipeline(
        id=embedding.name,
        processors=[*embeds, renames],
        meta=marks(embedding.name, "what the mapping refuses"),
    )
    repaired = embedding.repair(BatchPlan(size=1, slices=1, per_second=50.0, lowered=()))
    assert (repaired.repaired, repaired.left) == (12, 3)
    assert {one.id for one in repaired.listed} == {one["id"] for one in odd}
    assert all("unknown" in one.reason for one in repaired.listed)


def test_a_repair_waits_for_an_index_without_its_shards_and_for_a_deployment_without_allocations(
    embedding, rows, monkeypatch
):
    monkeypatch.setattr("tasks.elastic.reindex.copying._PAUSE_SECONDS", 0.01)
    waited = []
    embedding.build(rows[:4])
    connect(embedding.settings).reindex(
        source={"index": embedding.spec.source}, dest={"index": embedding.spec.dest}, refresh=True
    )
    away = Failure("a", "unavailable_shards_exception", "primary shard is not active", 503)
    follows, tries = passes.follow, []

    def follow(*asked):
        tries.append(asked)
        ended = follows(*asked) if len(tries) == 5 else ended_with(away)
        if len(tries) == 4:
            monkeypatch.setattr("tasks.elastic.reindex.repair._start", start)
        return ended

    start, repairs = repair._start, "tasks.elastic.reindex.repair."
    monkeypatch.setattr(f"{repairs}_start", lambda *_, **__: "t")
    monkeypatch.setattr("tasks.elastic.reindex.passes.follow", follow)
    there = read_deployment.fn(embedding.settings, embedding.name)
    asleep = SimpleNamespace(fn=lambda *_: replace(there, allocated=0))
    monkeypatch.setattr(f"{repairs}read_deployment", asleep)
    monkeypatch.setattr(
        f"{repairs}wait_for_allocation", SimpleNamespace(fn=lambda *asked: waited.append(asked[1]))
    )
    repaired = embedding.repair()
    assert (repaired.rounds, repaired.repaired, repaired.left) == (5, 4, 0)
    assert waited == [embedding.name] * 5


def test_documents_that_the_new_index_refuses_are_left_out_and_named(embedding, rows):
    embedding.build(
        [*rows[:150], {"id": "odd", "gloss": "odd", "year": "unknown"}],
        properties={"year": {"type": "integer"}},
    )
    reindexed = embedding.reindex()
    assert reindexed.documents == 150
    assert [failure.id for failure in reindexed.refused] == ["odd"]
    assert embedding.repair().left == 0


def test_documents_that_were_turned_away_for_now_are_sent_again_and_only_the_impossible_one_is_left_out(
    embedding, rows, monkeypatch
):
    monkeypatch.setattr("tasks.elastic.reindex.copying._PAUSE_SECONDS", 0.1)
    odd = {"id": "odd", "gloss": "odd", "year": "unknown"}
    embedding.build([odd, *rows[:60]], queue=8, allocations=1, properties={"year": {"type": "integer"}})
    # Without our on_failure, what finds the queue full fails in the bulk, with 429.
    pair = {"input_field": GLOSS.input, "output_field": GLOSS.output}
    connect(embedding.settings).ingest.put_pipeline(
        id=embedding.name,
        processors=[{"inference": {"model_id": embedding.name, "input_output": [pair]}}],
        meta=marks(embedding.name, "without on_failure"),
    )
    reindexed = embedding.reindex()
    assert (reindexed.documents, len(reindexed.started)) == (60, 2)
    assert [(failure.id, failure.status) for failure in reindexed.refused] == [("odd", 400)]


def test_documents_that_are_turned_away_until_the_time_is_up_are_named(embedding, rows, monkeypatch):
    embedding.build(rows[:4])
    away = Failure("a", "unavailable_shards_exception", "primary shard is not active", 503)
    monkeypatch.setattr("tasks.elastic.reindex.reindex.start", lambda *_, **__: "t")
    monkeypatch.setattr("tasks.elastic.reindex.passes.follow", lambda *_: ended_with(away))
    with pytest.raises(DeadlinePassed, match="a: unavailable_shards_exception: primary shard is not active"):
        apply_reindex.fn(embedding.settings, embedding.spec, FAST, Deadline.after(seconds=0.3))


def test_a_task_whose_search_fails_is_told_with_the_reason(embedding, rows, monkeypatch):
    embedding.build(rows[:4])
    failed = Failure("", "illegal_argument_exception", "Batch size is too large", 400)
    monkeypatch.setattr("tasks.elastic.reindex.reindex.start", lambda *_, **__: "t")
    monkeypatch.setattr("tasks.elastic.reindex.passes.follow", lambda *_: ended_with(failed))
    with pytest.raises(
        ReindexFailed, match=r"Only 0 of 4 .*Its task stopped: illegal_argument_exception: Batch size is too"
    ):
        embedding.reindex()


def test_an_index_that_refused_documents_is_told_with_them_whatever_lacks_its_embedding(embedding, rows):
    odd = {"id": "odd", "gloss": "odd", "year": "unknown"}
    embedding.build([odd, *rows[:20], {"id": "bare"}], properties={"year": {"type": "integer"}})
    refused = embedding.reindex().refused
    assert embedding.repair().left == 1

    def error(**given):
        with pytest.raises(Incomplete) as raised:
            verify_completeness.fn(
                embedding.settings, embedding.spec.dest, FIELDS, wanted=22, **{"refused": refused, **given}
            )
        return str(raised.value)

    for accepted in (0, 1):
        assert f"The number of documents of {embedding.spec.dest} is 21, required: 22." in error(
            accepted=accepted
        )
        assert "It refused 1, the first: odd: " in error(accepted=accepted)
        assert "'unknown'" in error(accepted=accepted)
    assert "1 document had no embedding. The first: bare: " in error(accepted=0)
    assert "bare" not in error(accepted=1)
    with pytest.raises(Incomplete, match="without an embedding is 2, required: at most 1"):
        raise Incomplete("films", Completeness(22, 22, 2, accepted=1), ())
