import json
import time

import pytest

from sandbox import faults
from sandbox.elastic.ml import inference_ledger
from tasks import progress
from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.deployments import (
    ensure_deployment,
    read_deployment,
    remove_deployment,
    wait_for_deployment,
)
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.cluster.reindex_tasks import (
    Failure,
    TaskCancelled,
    TaskState,
    cancel,
    find_task,
    read_task,
)
from tasks.elastic.cluster.throttle import UNLIMITED
from tasks.elastic.connection.clients import connect
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices.indices import (
    ensure_content_mark,
    ensure_index,
    ensure_index_settings,
    read_index,
    read_source,
    remove_index,
)
from tasks.elastic.indices.loading import apply_documents
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    remove_pipeline,
)
from tasks.elastic.reindex import reindex
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.reindex import apply_reindex, start
from tasks.elastic.reindex.repair import apply_mending
from tasks.elastic.specs import DeploymentSpec, EmbeddedField, IndexSpec, embedded_properties
from tasks.elastic.verification.verification import Completeness, Incomplete, verify_completeness
from tasks.errors import DeadlinePassed
from tasks.marks import marks
from tasks.waiting import Deadline

pytestmark = pytest.mark.slow  # servers of their own, and operations that take time


GLOSS = EmbeddedField(input="gloss", output="gloss_embedding")
FIELDS = (GLOSS,)
FAST = BatchPlan(size=50, slices=1, per_second=100.0, lowered=())


class Road:
    """A source, a deployment without a cache, a pipeline and a new index, all of one test."""

    def __init__(self, settings, name, folder):
        self.settings, self.name, self.folder = settings, name, folder
        self.deadline = Deadline.after(seconds=120)
        self.spec = ReindexSpec(
            source=f"{name}-source", dest=f"{name}-dest", pipeline=name, deployment_id=name, fields=FIELDS
        )

    def build(self, rows, *, queue=1024, allocations=2, properties=None):
        deployment = DeploymentSpec(
            id=self.name, allocations=allocations, queue_capacity=queue, cache_size="0b"
        )
        ensure_deployment.fn(self.settings, deployment, self.deadline)
        wait_for_deployment.fn(self.settings, deployment, self.deadline)
        ensure_pipeline.fn(self.settings, inference_pipeline(self.name, self.name, FIELDS))
        path = self.folder / "documents.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        documents = read_checked_documents.fn(DocumentSource(path=path, id_field="id"))
        source = IndexSpec(name=self.spec.source, replicas=0)
        ensure_index.fn(self.settings, source)
        apply_documents.fn(
            self.settings, source.name, documents, self.deadline, refused_file=self.folder / "refused"
        )
        ensure_index_settings.fn(self.settings, source)
        mapping = {**embedded_properties(FIELDS, failure=FAILURE_FIELD), **(properties or {})}
        ensure_index.fn(
            self.settings,
            IndexSpec(
                name=self.spec.dest,
                properties=mapping,
                replicas=0,
                made_from={"source": source.name, "pipeline": self.name},
            ),
        )
        return self

    def reindex(self, plan=FAST):
        return apply_reindex.fn(self.settings, self.spec, plan, self.deadline)

    def mend(self, plan=FAST):
        return apply_mending.fn(self.settings, self.spec, plan, self.deadline)

    def is_complete(self):
        wanted = read_source.fn(self.settings, self.spec.source).documents
        return verify_completeness.fn(self.settings, self.spec.dest, FIELDS, wanted=wanted)

    @property
    def inferences(self):
        return read_deployment.fn(self.settings, self.name).inferences

    def remove(self):
        remove_index.fn(self.settings, self.spec.dest)
        remove_index.fn(self.settings, self.spec.source)
        remove_pipeline.fn(self.settings, self.name)
        remove_deployment.fn(self.settings, self.name, self.deadline)


@pytest.fixture
def rows(glosses):
    return [json.loads(line) for line in glosses.read_text().splitlines()]


@pytest.fixture
def road(settings, deployed, name, tmp_path):  # noqa: ARG001 -- the model is there
    road = Road(settings, name, tmp_path)
    yield road
    road.remove()


def test_every_document_is_embedded_once_and_marked_content_changes_nothing_more(road, rows, changes):
    road.build(rows[:200])
    reindexed = road.reindex()
    assert (reindexed.documents, len(reindexed.started), reindexed.refused) == (200, 1, ())
    assert road.mend().rounds == 0
    assert road.is_complete().documents == 200
    assert road.inferences == 200
    ensure_content_mark.fn(road.settings, road.spec.dest, "content")
    made = changes()
    assert road.reindex().unchanged
    road.mend()
    assert changes() == made


def test_a_task_that_an_earlier_run_began_is_followed_not_begun_again(road, rows, changes):
    road.build(rows[:200])
    started = start(road.settings, road.spec, FAST, "embed", leave_out={})
    connect(road.settings).reindex_rethrottle(task_id=started, requests_per_second=25)
    reindexed = road.reindex()
    assert (reindexed.adopted, reindexed.started) == ((started,), ())
    assert changes().count("reindex") == 1
    assert road.is_complete()
    assert road.inferences == 200


def test_a_task_in_slices_is_not_taken_for_throttled_and_never_did_more_than_there_is(road, rows):
    road.build(rows[:90])
    sliced = BatchPlan(size=1, slices=3, per_second=100.0, lowered=())
    task = start(road.settings, road.spec, sliced, "embed", leave_out={})
    seen = [read_task(road.settings, task)]
    connect(road.settings).reindex_rethrottle(task_id=task, requests_per_second=60)
    while not seen[-1].completed:
        seen.append(read_task(road.settings, task))
    assert seen[0].requests_per_second == UNLIMITED
    assert 60 in {state.requests_per_second for state in seen}
    assert all(state.done <= state.total <= 90 for state in seen)
    assert (seen[-1].done, seen[-1].total) == (90, 90)


def test_a_document_written_while_the_source_is_read_is_wanted_too(road, rows, monkeypatch):
    road.build(rows[:50])
    read = read_source.fn(road.settings, road.spec.source).documents
    client = connect(road.settings)
    client.index(index=road.spec.source, id="before the count", document={"gloss": "early"})

    def begin(*given, **named):
        client.index(index=road.spec.source, id="after the count", document={"gloss": "late"}, refresh=True)
        return start(*given, **named)

    monkeypatch.setattr(reindex, "start", begin)
    reindexed = road.reindex()
    assert (read, reindexed.wanted, reindexed.documents) == (50, 52, 52)
    assert road.mend().left == 0
    verify_completeness.fn(road.settings, road.spec.dest, FIELDS, wanted=reindexed.wanted)


def test_a_task_of_another_specification_is_not_ours(road, rows):
    road.build(rows[:200])
    task = start(road.settings, road.spec, FAST, "embed", leave_out={})
    connect(road.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    other = road.spec.model_copy(update={"source": "another"})
    assert find_task(road.settings, [other.opaque_id("embed")]) is None
    assert find_task(road.settings, [road.spec.opaque_id("embed")]) == task
    cancel(road.settings, task)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_to_a_reindex_starts_no_second_one(sandbox, road, rows, changes, when):
    road.build(rows[:60])
    faults.add(sandbox.state, "reindex", "reset", when, 1, 0.0)
    with pytest.raises(ServiceUnwell):
        road.reindex()
    road.reindex()
    assert changes().count("reindex") == 1
    assert road.is_complete()
    assert road.inferences == 60


def test_what_is_half_done_is_filled_without_inference_and_then_mended(road, rows):
    road.build(rows[:120])
    first = road.spec
    client = connect(road.settings)
    client.reindex(
        source={"index": first.source, "size": 40},
        dest={"index": first.dest, "pipeline": first.pipeline},
        max_docs=40,
        wait_for_completion=True,
        refresh=True,
    )
    assert road.inferences == 40
    reindexed = road.reindex()
    assert reindexed.documents == 120
    assert road.inferences == 40
    mended = road.mend()
    assert (mended.mended, mended.left) == (80, 0)
    assert road.inferences == 120
    assert road.is_complete()


def test_embeddings_that_the_source_has_already_do_not_count_as_ours(road, rows):
    road.build([{**row, GLOSS.output: {"[unused1]": 1.0}} for row in rows[:60]])
    connect(road.settings).reindex(
        source={"index": road.spec.source, "size": 20},
        dest={"index": road.spec.dest, "pipeline": road.spec.pipeline},
        max_docs=20,
        wait_for_completion=True,
        refresh=True,
    )
    road.reindex()
    assert road.mend().mended == 40
    assert road.inferences == 60
    old = {"sparse_vector": {"field": GLOSS.output, "query_vector": {"[unused1]": 1.0}}}
    assert connect(road.settings).count(index=road.spec.dest, query=old)["count"] == 0


def test_a_queue_of_8_and_a_wish_of_200_still_embed_everything(road, rows):
    road.build(rows[:300], queue=8)
    plan = read_batch_plan.fn(road.settings, road.spec, size=200)
    assert (plan.size, plan.slices) == (6, 1)
    assert plan.lowered
    before = road.inferences
    road.reindex(plan)
    road.mend(plan)
    assert road.is_complete().documents == 300
    assert road.inferences - before == 300
    assert read_deployment.fn(road.settings, road.name).rejected == 0


def test_an_overflowing_queue_is_throttled_and_mended(road, rows, changes):
    road.build(rows[:300], queue=8, allocations=1)
    road.reindex(BatchPlan(size=60, slices=1, per_second=200.0, lowered=()))
    assert read_deployment.fn(road.settings, road.name).rejected > 0
    assert "reindex_rethrottle" in changes()
    with pytest.raises(Incomplete, match="without an embedding"):
        road.is_complete()
    mended = road.mend(BatchPlan(size=6, slices=1, per_second=50.0, lowered=()))
    assert mended.left == 0
    assert mended.mended > 0
    assert road.is_complete()
    assert road.inferences == 300


def test_documents_that_can_never_be_embedded_are_listed_with_their_reason(road, rows):
    road.build([*rows[:20], {"id": "bare", "lemma": "bare"}])
    road.reindex()
    mended = road.mend()
    assert (mended.left, [u.id for u in mended.listed]) == (1, ["bare"])
    assert "gloss" in mended.listed[0].reason
    with pytest.raises(Incomplete, match=r"without an embedding is 1, wanted is 0\. The first: bare: "):
        road.is_complete()


def test_documents_that_the_new_index_refuses_are_left_out_and_named(road, rows):
    road.build(
        [*rows[:150], {"id": "odd", "gloss": "odd", "year": "unknown"}],
        properties={"year": {"type": "integer"}},
    )
    reindexed = road.reindex()
    assert reindexed.documents == 150
    assert [failure.id for failure in reindexed.refused] == ["odd"]
    assert road.mend().left == 0


def test_documents_that_were_turned_away_for_now_are_sent_again_and_only_the_impossible_one_is_left_out(
    road, rows, monkeypatch
):
    monkeypatch.setattr("tasks.elastic.reindex.reindex._PAUSE_SECONDS", 0.1)
    odd = {"id": "odd", "gloss": "odd", "year": "unknown"}
    road.build([odd, *rows[:60]], queue=8, allocations=1, properties={"year": {"type": "integer"}})
    # Without our on_failure, what finds the queue full fails in the bulk, with 429.
    pair = {"input_field": GLOSS.input, "output_field": GLOSS.output}
    connect(road.settings).ingest.put_pipeline(
        id=road.name,
        processors=[{"inference": {"model_id": road.name, "input_output": [pair]}}],
        meta=marks(road.name, "without on_failure"),
    )
    reindexed = road.reindex()
    assert (reindexed.documents, len(reindexed.started)) == (60, 2)
    assert [(failure.id, failure.status) for failure in reindexed.refused] == [("odd", 400)]


def test_documents_that_are_turned_away_until_the_time_is_up_are_named(road, rows, monkeypatch):
    road.build(rows[:4])
    away = Failure("a", "unavailable_shards_exception", "primary shard is not active", 503)
    gone = TaskState("t", True, 4, 0, 1, 0, 0, -1, "", (away,), "")
    monkeypatch.setattr("tasks.elastic.reindex.reindex.start", lambda *_, **__: "t")
    monkeypatch.setattr("tasks.elastic.reindex.reindex.follow", lambda *_: gone)
    with pytest.raises(DeadlinePassed, match="a: unavailable_shards_exception: primary shard is not active"):
        apply_reindex.fn(road.settings, road.spec, FAST, Deadline.after(seconds=0.3))


def test_an_index_that_refused_documents_is_told_with_them_whatever_lacks_its_embedding(road, rows):
    odd = {"id": "odd", "gloss": "odd", "year": "unknown"}
    road.build([odd, *rows[:20], {"id": "bare"}], properties={"year": {"type": "integer"}})
    refused = road.reindex().refused
    assert road.mend().left == 1

    def error(**given):
        with pytest.raises(Incomplete) as raised:
            verify_completeness.fn(
                road.settings, road.spec.dest, FIELDS, wanted=22, **{"refused": refused, **given}
            )
        return str(raised.value)

    for accepted in (0, 1):
        assert f"The number of documents of {road.spec.dest} is 21, wanted is 22." in error(accepted=accepted)
        assert "It refused 1, the first: odd: " in error(accepted=accepted)
        assert "'unknown'" in error(accepted=accepted)
    assert "And 1 are without an embedding. The first: bare: " in error(accepted=0)
    assert "bare" not in error(accepted=1)
    with pytest.raises(Incomplete, match="without an embedding is 2, wanted is at most 1"):
        raise Incomplete("films", Completeness(22, 22, 2, accepted=1), ())


def test_a_task_that_somebody_cancels_is_no_success(road, rows, monkeypatch):
    road.build(rows[:200])
    task = start(road.settings, road.spec, FAST, "embed", leave_out={})
    connect(road.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    with monkeypatch.context() as patch:
        # Somebody does so as soon as the run that follows has told what it sees of it.
        patch.setattr(progress, "say", lambda *_, **__: cancel(road.settings, task))
        with pytest.raises(TaskCancelled, match="by user request"):
            road.reindex()
    road.reindex()
    road.mend()
    assert road.is_complete()


def test_a_deadline_leaves_the_task_running_and_the_next_run_follows_it(road, rows):
    road.build(rows[:100])
    task = start(road.settings, road.spec, FAST, "embed", leave_out={})
    connect(road.settings).reindex_rethrottle(task_id=task, requests_per_second=10)
    with pytest.raises(DeadlinePassed):
        apply_reindex.fn(road.settings, road.spec, FAST, Deadline.after(seconds=0.3))
    assert road.reindex().adopted == (task,)
    assert road.is_complete()


def test_a_task_is_ended_before_its_index_goes_and_cannot_make_it_anew(road, rows, deadline):
    road.build(rows[:200])
    task = start(road.settings, road.spec, FAST, "embed", leave_out={})
    connect(road.settings).reindex_rethrottle(task_id=task, requests_per_second=20)
    assert remove_index.fn(road.settings, road.spec.dest, deadline)
    assert read_task(road.settings, task).completed
    assert read_index.fn(road.settings, road.spec.dest) is None


@pytest.mark.slow
def test_a_cluster_that_dies_in_the_middle_loses_its_task_and_no_embedding(
    start_sandbox, rows, tmp_path, deadline
):
    options = {"download_seconds": 0.1, "inference_seconds": 0.02}
    running, settings = start_sandbox(**options)
    ensure_model.fn(settings, ".elser_model_2")
    wait_for_model.fn(settings, ".elser_model_2", deadline)
    road = Road(settings, "crash", tmp_path).build(rows[:300])
    careful = BatchPlan(size=20, slices=1, per_second=100.0, lowered=())
    start(settings, road.spec, careful, "embed", leave_out={})
    while sum(inference_ledger.read(running.state).values()) < 150:
        time.sleep(0.02)
    running.kill()

    road.settings = settings = start_sandbox(state=running.state, **options)[1]
    wait_for_deployment.fn(settings, DeploymentSpec(id="crash", allocations=2), deadline)
    reindexed = road.reindex(careful)
    assert not reindexed.adopted
    assert road.mend(careful).left == 0
    assert road.is_complete().documents == 300
    inferred = inference_ledger.read(running.state)
    assert len(inferred) == len({row["gloss"] for row in rows[:300]})
    assert sum(inferred.values()) - 300 <= careful.size  # the one batch that was under way
