"""A way of embedding, as the chain of steps sees it: what differs between sparse vectors, dense vectors and semantic_text.

The chain (steps.py) is the same for all: ask the model, read the documents, make the index, fill it, verify it, move the alias.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.elastic.embedding.plan import Embedder, EmbedPlan
from flows.elastic.options import ElasticRun
from flows.plan import Resource
from flows.report import StepReport
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import SourceState
from tasks.elastic.reindex.batch_plans import MOST_DOCUMENTS, BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.copying import Reindexed
from tasks.elastic.specs import IndexSpec, PipelineSpec

SHOWN = 5
"""Number of documents without an embedding, or rejected by the new index, that the report lists."""
_DOCUMENTS_AT_ONCE = 100
"""In a batch for a model outside the cluster, whose queue nobody can see."""


@dataclass(frozen=True, kw_only=True)
class Way(ABC):
    """One way of embedding what a plan says."""

    plan: EmbedPlan

    @property
    def cluster_reads_source(self) -> bool:
        """Whether the target's cluster reads a remote source; else the machine that runs the flow does."""
        return True

    @abstractmethod
    def ask(self, run: ElasticRun) -> Embedder:
        """What embeds. Asked first, because all that follows is made for it.

        Raises:
            InvalidInput: there is none, or it cannot fill the fields that are wanted.
        """

    @abstractmethod
    def index(self, documents: SourceState, embedder: Embedder) -> IndexSpec:
        """The index, named after what it is made from, so that different content never gets the same name."""

    def pipeline(self, embedder: Embedder) -> PipelineSpec | None:
        """The pipeline, named after what it does; None where the index embeds by itself."""
        del embedder
        return None

    @abstractmethod
    def fill(self, run: ElasticRun, index: IndexSpec, embedder: Embedder) -> Reindexed:
        """Fill the new index with every document, embedded as far as possible."""

    @abstractmethod
    def verify(self, run: ElasticRun, step: StepReport, index: str, embedder: Embedder) -> None:
        """See that the embeddings are those of the model that answers now, and find what they should.

        Raises:
            GateNotMet: they are not, or do not.
        """

    def also(self, run: ElasticRun) -> list[Resource]:
        """What else changes, for the plan that is shown before anything does."""
        del run
        return []

    def allocations(self, run: ElasticRun) -> int | None:
        """Of the ELSER deployment that embeds whole texts; None where something else embeds, whose speed nobody knows."""
        del run
        return None

    def wait(self, run: ElasticRun) -> None:
        """Wait until the models can be asked."""
        del run

    def prepare(self, run: ElasticRun, sample: Sequence[dict[str, Any]], embedder: Embedder) -> list[str]:
        """Make what embeds, seen to work on a sample. Returns what was changed."""
        del run, sample, embedder
        return []

    def finish(self, run: ElasticRun) -> list[str]:
        """Take back what was only for the time of the embedding. Returns what was changed."""
        del run
        return []

    def compare(self, run: ElasticRun, index: str) -> None:
        """Compare the new embeddings with those that they replace, if there are any."""
        del run, index

    @abstractmethod
    def told(self, embedder: Embedder) -> str:
        """What the fields of the index hold, for the report."""

    def reindex_spec(
        self, pipeline: str, index: str, embedder: Embedder, leave_out: Sequence[str] = ()
    ) -> ReindexSpec:
        """The reindex that fills an index."""
        remote = address_of(self.plan.remote) if self.plan.remote else None
        return ReindexSpec(
            source=self.plan.source,
            query=self.plan.query,
            dest=index,
            pipeline=pipeline,
            deployment_id=embedder.deployment_id,
            fields=self.plan.fields,
            leave_out=tuple(leave_out) or None,
            remote=remote,
        )

    def batches(
        self, run: ElasticRun, step: StepReport, spec: ReindexSpec, passages: float | None = None
    ) -> BatchPlan:
        """The batches, by the deployment's queue and speed; of a model outside the cluster neither is known."""
        plan = self.plan
        if read_deployment(run.settings, spec.deployment_id) is None:
            size = min(plan.size or _DOCUMENTS_AT_ONCE, MOST_DOCUMENTS)
            found = BatchPlan(size, plan.slices, float(_DOCUMENTS_AT_ONCE), ())
        else:
            found = read_batch_plan(
                run.settings, spec, size=plan.size, slices=plan.slices, passages=passages, remote=plan.remote
            )
        step.saw(f"batches of {found.size:,}, slices: {found.slices}")
        for why in found.lowered:
            step.saw(f"lowered: {why}")
        return found


def named(alias: str, index: IndexSpec) -> IndexSpec:
    """An index with the name of its specification: NAME-HASH."""
    return index.model_copy(update={"name": f"{alias}-{index.spec}"})


def saw_refused(step: StepReport, done: Reindexed) -> None:
    """Note in the report what arrived, and the first documents that the new index refused."""
    step.saw(f"{done.documents:,} of {done.wanted:,} documents arrived")
    if done.adopted:
        step.saw("followed the task of an earlier run")
    if done.refused:
        step.saw(f"{len(done.refused):,} rejected by the new index")
    for failure in done.refused[:SHOWN]:
        step.saw(str(failure))
