"""How tasks end that are cancelled, lost, or that the cluster does not cancel."""

import pytest

from tasks.elastic.cluster import reindex_tasks
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.cluster.reindex_tasks import TaskStuck, cancel, end_tasks, read_task, refusal_of
from tasks.elastic.connection.clients import connect
from tasks.elastic.reindex.reindex import start
from tests.polling import until
from tests.tasks.elastic.reindex.embedding import FAST, Embedding


@pytest.mark.slow
def test_a_cancelled_task_that_does_not_end_is_told_and_the_next_run_still_ends_it(
    start_sandbox, tmp_path, deadline, monkeypatch
):
    _, settings = start_sandbox(download_seconds=0.1, inference_seconds=0.1)
    ensure_model.fn(settings, ".elser_model_2")
    wait_for_model.fn(settings, ".elser_model_2", deadline)
    rows = [{"id": str(number), "gloss": f"a text of its own, number {number}"} for number in range(60)]
    embedding = Embedding(settings, "stuck", tmp_path).build(rows, allocations=1)
    task = start(settings, embedding.spec, FAST, "embed", leave_out={})  # its first batch takes five seconds
    until(lambda: read_task(settings, task).batches, "the first batch")
    with monkeypatch.context() as patch:
        patch.setattr(reindex_tasks, "STUCK_SECONDS", 0.5)
        with pytest.raises(TaskStuck, match=r"still runs and has made no progress .* restart that node"):
            end_tasks(settings, embedding.spec.dest, deadline)
        with pytest.raises(TaskStuck):
            embedding.reindex()
    assert end_tasks(settings, embedding.spec.dest, deadline) == (task,)
    assert read_task(settings, task).canceled == "by user request"


def test_a_task_that_was_lost_with_its_node_counts_as_ended(settings):
    node = next(iter(connect(settings).nodes.info()["nodes"]))
    for task in (f"{node}:1", "a-node-that-left-the-cl:1"):
        cancel(settings, task)
        assert read_task(settings, task).lost


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("resource_not_found_exception", False),
        ("no_such_node_exception", False),
        ("illegal_argument_exception", True),
    ],
)
def test_only_a_task_that_still_runs_is_told_not_to_be_cancelled(kind, refused):
    cause = {"type": kind, "reason": "task [n:1] doesn't support cancellation"}
    failure = {"type": "failed_node_exception", "reason": "Failed node [n]", "caused_by": cause}
    said = refusal_of({"node_failures": [failure], "nodes": {}})
    assert said == (f"{kind}: {cause['reason']}" if refused else "")
    assert refusal_of({"nodes": {"n": {"tasks": {}}}}) == ""
