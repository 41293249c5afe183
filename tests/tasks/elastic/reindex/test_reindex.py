import time
from dataclasses import replace

import pytest
from elasticsearch.helpers import bulk

from sandbox import faults
from sandbox.elastic.ml import inference_ledger
from tasks import progress
from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.deployments import wait_for_deployment
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.cluster.reindex_tasks import (
    TaskCancelled,
    cancel,
    find_task,
    read_task,
)
from tasks.elastic.cluster.throttle import UNLIMITED
from tasks.elastic.connection import clients
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.full_disks import DiskFull
from tasks.elastic.indices.indices import read_index, remove_index, set_marks
from tasks.elastic.indices.sources import read_source
from tasks.elastic.reindex import reindex
from tasks.elastic.reindex.batch_plans import BatchPlan, read_batch_plan
from tasks.elastic.reindex.reindex import apply_reindex, start
from tasks.elastic.specs import DeploymentSpec
from tasks.elastic.verification.verification import verify_completeness
from tasks.errors import DeadlinePassed
from tasks.measures.pace import Pace
from tasks.waiting import Deadline
from tests.polling import until
from tests.tasks.elastic.reindex.embedding import FAST, FIELDS, Embedding

pytestmark = pytest.mark.slow  # servers of their own, and operations that take time


def test_every_document_is_embedded_once_and_marked_content_changes_nothing_more(embedding, rows, changes):
    embedding.build(rows[:200])
    reindexed = embedding.reindex()
    assert (reindexed.documents, len(reindexed.started), reindexed.refused) == (200, 1, ())
    assert embedding.repair().rounds == 0
    assert embedding.is_complete().documents == 200
    assert embedding.inferences == 200
    set_marks(embedding.settings, embedding.spec.dest, content="content")
    made = changes()
    assert embedding.reindex().unchanged
    embedding.repair()
    assert changes() == made


def test_a_task_that_an_earlier_run_began_is_followed_not_begun_again(embedding, rows, changes):
    embedding.build(rows[:200])
    started = start(embedding.settings, embedding.spec, FAST, "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=started, requests_per_second=25)
    pace = Pace(into=embedding.spec.dest)
    reindexed = apply_reindex.fn(embedding.settings, embedding.spec, FAST, embedding.deadline, pace=pace)
    assert (reindexed.adopted, reindexed.started) == ((started,), ())
    assert (pace.documents, {one.part for one in pace.samples}) == (200, {started})
    assert pace.samples[0].documents == 0  # where the task began, in the earlier run
    assert changes().count("reindex") == 1
    assert embedding.is_complete()
    assert embedding.inferences == 200


def test_a_task_whose_start_was_given_up_is_followed_not_begun_again(
    embedding, sandbox, rows, changes, monkeypatch
):
    embedding.build(rows[:200])
    monkeypatch.setattr(clients, "CALL_SECONDS", 2.0)
    connect.cache_clear()
    faults.add(sandbox.state, "reindex", "stall", "before", seconds=3.0)
    try:
        reindexed = embedding.reindex(replace(FAST, size=2))
    finally:
        connect.cache_clear()
    assert (reindexed.documents, len(reindexed.started)) == (200, 1)
    assert changes().count("reindex") == 1
    assert embedding.inferences == 200


def test_a_task_in_slices_is_not_taken_for_throttled_and_never_did_more_than_there_is(embedding, rows):
    embedding.build(rows[:90])
    sliced = BatchPlan(size=1, slices=3, per_second=100.0, lowered=())
    task = start(embedding.settings, embedding.spec, sliced, "embed", leave_out={})
    seen = [read_task(embedding.settings, task)]
    connect(embedding.settings).reindex_rethrottle(task_id=task, requests_per_second=60)
    while not seen[-1].completed:
        seen.append(read_task(embedding.settings, task))
    assert seen[0].requests_per_second == UNLIMITED
    assert 60 in {state.requests_per_second for state in seen}
    assert all(state.done <= state.total <= 90 for state in seen)
    assert (seen[-1].done, seen[-1].total) == (90, 90)


def test_a_document_written_while_the_source_is_read_is_wanted_too(embedding, rows, monkeypatch):
    embedding.build(rows[:50])
    read = read_source.fn(embedding.settings, embedding.spec.source).documents
    client = connect(embedding.settings)
    client.index(index=embedding.spec.source, id="before the count", document={"gloss": "early"})

    def begin(*given, **named):
        client.index(
            index=embedding.spec.source, id="after the count", document={"gloss": "late"}, refresh=True
        )
        return start(*given, **named)

    monkeypatch.setattr(reindex, "start", begin)
    reindexed = embedding.reindex()
    assert (read, reindexed.wanted, reindexed.documents) == (50, 52, 52)
    assert embedding.repair().left == 0
    verify_completeness.fn(embedding.settings, embedding.spec.dest, FIELDS, wanted=reindexed.wanted)


def test_a_task_of_another_specification_is_not_ours(embedding, rows):
    embedding.build(rows[:200])
    task = start(embedding.settings, embedding.spec, FAST, "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    other = embedding.spec.model_copy(update={"source": "another"})
    assert find_task(embedding.settings, [other.opaque_id("embed")]) is None
    assert find_task(embedding.settings, [embedding.spec.opaque_id("embed")]) == task
    cancel(embedding.settings, task)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_to_a_reindex_starts_no_second_one(sandbox, embedding, rows, changes, when):
    embedding.build(rows[:60])
    faults.add(sandbox.state, "reindex", "reset", when, 1, 0.0)
    with pytest.raises(ServiceUnwell):
        embedding.reindex()
    embedding.reindex()
    assert changes().count("reindex") == 1
    assert embedding.is_complete()
    assert embedding.inferences == 60


def test_a_queue_of_8_and_a_wish_of_200_still_embed_everything(embedding, rows):
    embedding.build(rows[:300], queue=8)
    plan = read_batch_plan.fn(embedding.settings, embedding.spec, size=200)
    assert (plan.size, plan.slices) == (6, 1)
    assert plan.lowered
    before = embedding.inferences
    embedding.reindex(plan)
    embedding.repair(plan)
    assert embedding.is_complete().documents == 300
    assert embedding.inferences - before == 300
    assert read_deployment.fn(embedding.settings, embedding.name).rejected == 0


def test_a_full_disk_under_the_new_index_is_told_and_the_same_run_goes_on_when_there_is_space(
    embedding, rows
):
    # One document that the pipeline refuses: with a rejection that no retry cures, the task ends with its first batch,
    # and not after the minute that it spends on a full disk otherwise.
    embedding.build([*rows[:20], {"id": "refused", "gloss": 7}])
    client = connect(embedding.settings)

    def disk(full):
        block = {"index.blocks.read_only_allow_delete": full or None}
        client.indices.put_settings(index=embedding.spec.dest, settings=block)

    pipeline = client.ingest.get_pipeline(id=embedding.name)[embedding.name]
    fails = {"processors": [{"lowercase": {"field": "gloss"}}, *pipeline["processors"]]}
    client.ingest.put_pipeline(id=embedding.name, **fails)
    disk(full=True)
    with pytest.raises(DiskFull, match="flood-stage watermark"):
        embedding.reindex()
    client.ingest.put_pipeline(id=embedding.name, **pipeline)
    disk(full=False)
    assert embedding.reindex().documents == 21
    assert embedding.repair().left <= 1


def test_a_task_that_somebody_cancels_is_no_success(embedding, rows, monkeypatch):
    embedding.build(rows[:200])
    task = start(embedding.settings, embedding.spec, FAST, "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    with monkeypatch.context() as patch:
        # Somebody cancels it as soon as the following run has logged what it sees.
        patch.setattr(progress, "say", lambda *_, **__: cancel(embedding.settings, task))
        with pytest.raises(TaskCancelled, match="by user request"):
            embedding.reindex()
    embedding.reindex()
    embedding.repair()
    assert embedding.is_complete()


def test_a_deadline_leaves_the_task_running_and_the_next_run_follows_it(embedding, rows):
    embedding.build(rows[:100])
    task = start(embedding.settings, embedding.spec, FAST, "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    with pytest.raises(DeadlinePassed):
        apply_reindex.fn(embedding.settings, embedding.spec, FAST, Deadline.after(seconds=0.3))
    assert embedding.reindex().adopted == (task,)
    assert embedding.is_complete()


def test_a_task_is_ended_before_its_index_goes_and_cannot_make_it_anew(embedding, rows, deadline):
    embedding.build(rows[:200])
    task = start(embedding.settings, embedding.spec, FAST, "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=task, requests_per_second=20)
    assert remove_index.fn(embedding.settings, embedding.spec.dest, deadline)
    assert read_task(embedding.settings, task).completed
    assert read_index.fn(embedding.settings, embedding.spec.dest) is None


@pytest.mark.slow
def test_a_cluster_that_dies_in_the_middle_loses_its_task_and_no_embedding(
    start_sandbox, rows, tmp_path, deadline
):
    options = {"download_seconds": 0.1, "inference_seconds": 0.02}
    running, settings = start_sandbox(**options)
    ensure_model.fn(settings, ".elser_model_2")
    wait_for_model.fn(settings, ".elser_model_2", deadline)
    embedding = Embedding(settings, "crash", tmp_path).build(rows[:300])
    careful = BatchPlan(size=20, slices=1, per_second=100.0, lowered=())
    start(settings, embedding.spec, careful, "embed", leave_out={})
    while sum(inference_ledger.read(running.state).values()) < 150:
        time.sleep(0.02)
    running.kill()

    embedding.settings = settings = start_sandbox(state=running.state, **options)[1]
    wait_for_deployment.fn(settings, DeploymentSpec(id="crash", allocations=2), deadline)
    reindexed = embedding.reindex(careful)
    assert not reindexed.adopted
    assert embedding.repair(careful).left == 0
    assert embedding.is_complete().documents == 300
    inferred = inference_ledger.read(running.state)
    assert len(inferred) == len({row["gloss"] for row in rows[:300]})
    assert sum(inferred.values()) - 300 <= careful.size  # the one batch that was under way


def test_what_a_query_finds_in_several_indices_is_embedded_once_by_two_runs(embedding, rows, name):
    kinds = [{**row, "kind": "odd" if number % 2 else "even"} for number, row in enumerate(rows[:120])]
    embedding.build(kinds[:80])
    client, other = connect(embedding.settings), f"{name}-other"
    bulk(client, ({"_index": other, "_id": row["id"], **row} for row in kinds[80:]), refresh=True)
    of_a_query = {"source": f"{embedding.spec.source},{other}", "query": {"term": {"kind.keyword": "odd"}}}
    whole = embedding.spec
    embedding.spec = whole.model_copy(update=of_a_query)
    first = start(embedding.settings, embedding.spec, replace(FAST, size=10), "embed", leave_out={})
    connect(embedding.settings).reindex_rethrottle(task_id=first, requests_per_second=20)
    cancel(embedding.settings, first)
    until(lambda: read_task(embedding.settings, first).completed, "the end of the task")

    reindexed = embedding.reindex()
    assert (reindexed.documents, reindexed.wanted) == (60, 60)
    assert embedding.repair().left == 0
    verify_completeness.fn(embedding.settings, embedding.spec.dest, FIELDS, wanted=60)
    assert embedding.inferences == 60
    embedding.spec = whole
    client.indices.delete(index=other)
