"""Reindex through the inference pipeline, also after a crashed run.

First attempt: everything through the pipeline. Found half done, with no task of ours running: missing documents are copied
**without** the pipeline (`op_type: create`), since inference is paid for before a conflict is found; `repair` embeds
them then. Embeddings in the source are not copied: they would count as ours, and may come from another model.
"""

from __future__ import annotations

from typing import Any, Literal

from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.indices.indices import count, index_of_ours
from tasks.elastic.indices.pipelines import FAILURE_FIELD
from tasks.elastic.indices.sources import narrowed
from tasks.elastic.reindex.batch_plans import MOST_DOCUMENTS, BatchPlan, ReindexSpec
from tasks.elastic.reindex.copying import Copying, Reindexed, send
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted
from tasks.measures.pace import Pace
from tasks.steps import step
from tasks.waiting import Deadline

Kind = Literal["embed", "fill"]


@step("embed {spec.source} into {spec.dest}")
def apply_reindex(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
    remote: ElasticSettings | None = None,
    pace: Pace | None = None,
) -> Reindexed:
    """Copy every document of the source into the new index, embedded as far as one pass gets.

    A task that an earlier run started is followed, not started again. An index that carries the mark of its content is left alone.
    `pace` takes note of how fast documents go.

    Returns:
        What was done. Documents may still lack their embedding: `apply_repair` comes next.

    Raises:
        ReindexFailed, TaskCancelled, TaskFailed, DiskFull, DeadlinePassed: as `Copying.run`.
    """
    if index_of_ours(settings, spec.dest).content:
        return Reindexed.found(count(settings, spec.dest))
    passes = Passes(
        settings=settings,
        spec=spec,
        plan=plan,
        deadline=deadline,
        when_interrupted=when_interrupted,
        remote=remote,
        pace=pace,
    )
    return _Reindex(passes).run()


class _Reindex(Copying):
    kinds = ("embed", "fill")

    def start(self, *, is_first: bool) -> str | None:
        kind: Kind = "embed" if is_first else "fill"
        passes = self.passes
        return start(
            self.settings, self.spec, passes.plan, kind, leave_out=self.refused, remote=passes.remote
        )

    def passes_later(self, failure: Failure) -> bool:
        return failure.passes


def start(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    kind: Kind,
    *,
    leave_out: dict[str, Failure],
    remote: ElasticSettings | None = None,
) -> str:
    """Start a reindex of everything but the documents that were refused, and return its task."""
    excluded = [FAILURE_FIELD, *(field.made for field in spec.fields), *(spec.leave_out or ())]
    source: dict[str, Any] = {"_source": {"excludes": excluded}}
    without = [{"ids": {"values": sorted(leave_out)}}] if leave_out else []
    if (query := narrowed(spec.query, without=without)) is not None:
        source["query"] = query
    if kind == "embed":
        source["size"] = plan.size
        return send(
            settings,
            spec,
            kind,
            source=source,
            dest={"pipeline": spec.pipeline},
            slices=plan.slices,
            remote=remote,
        )
    return send(
        settings, spec, kind, source={**source, "size": MOST_DOCUMENTS}, dest={}, slices=1, remote=remote
    )
