"""Sparse vectors: an ingest pipeline and a deployment of a model such as ELSER embed into `sparse_vector` fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.elastic.deployment_steps import existing_deployment, wait_for_deployments
from flows.elastic.embedding.pipelined import Pipelined
from flows.elastic.embedding.plan import Embedder
from flows.elastic.embedding.scaling import Scaling
from flows.elastic.options import ElasticRun
from flows.plan import Resource
from flows.report import StepReport
from tasks.elastic.cluster.models import verify_sparse_model
from tasks.elastic.verification.agreement import Previous, verify_agreement
from tasks.elastic.verification.verification import verify_queries, verify_scores


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """Embeddings that the new ones replace, and are compared with."""

    previous: tuple[Previous, ...]
    leave_out: tuple[str, ...]
    """Fields of the source with embeddings, which are not copied."""
    least_shared: float


@dataclass(frozen=True, kw_only=True)
class SparseVectors(Pipelined):
    """Tokens with weights, by a deployment in the cluster."""

    kind = "sparse-vector"
    deployment: str
    search_deployment: str
    scaling: Scaling = field(default_factory=Scaling)
    replaced: Replaced | None = None

    @property
    def searches_by(self) -> str:
        """The deployment that embeds queries."""
        return self.search_deployment

    @property
    def leave_out(self) -> tuple[str, ...]:
        """The embeddings that are replaced."""
        return self.replaced.leave_out if self.replaced else ()

    def ask(self, run: ElasticRun) -> Embedder:
        """As `Way.ask`."""
        ingest = existing_deployment(run.settings, self.deployment, "deployment")
        self.scaling.refuse(ingest)
        verify_sparse_model(run.settings, ingest.model_id, ingest.id)
        existing_deployment(run.settings, self.search_deployment, "search-deployment")
        return Embedder(id=ingest.id, model_id=ingest.model_id, deployment_id=ingest.id)

    def mapping(self, embedder: Embedder) -> dict[str, Any]:
        """As `Pipelined.mapping`."""
        del embedder
        return {"type": "sparse_vector"}

    def told(self, embedder: Embedder) -> str:
        """As `Way.told`."""
        return f"sparse_vector by {embedder.id}"

    def also(self, run: ElasticRun) -> list[Resource]:
        """The allocations of its end."""
        return self.scaling.plan(run, self.deployment)

    def allocations(self, run: ElasticRun) -> int | None:
        """As `Way.allocations`."""
        if self.plan.chunk_words is not None:
            return None
        return (
            self.scaling.during
            or existing_deployment(run.settings, self.deployment, "deployment").allocations
        )

    def wait(self, run: ElasticRun) -> None:
        """For each deployment that is asked."""
        compared = [each.model_id for each in (self.replaced.previous if self.replaced else ())]
        ids = (self.deployment, self.search_deployment, *compared)
        wait_for_deployments(run, *ids, may_grow=self.scaling.may_grow)

    def prepare(self, run: ElasticRun, sample: Sequence[dict[str, Any]], embedder: Embedder) -> list[str]:
        """Scale the deployment, and store the pipeline."""
        scaled = self.scaling.scale(run, self.deployment, self.scaling.during)
        return [*scaled, *super().prepare(run, sample, embedder)]

    def finish(self, run: ElasticRun) -> list[str]:
        """Scale the deployment back."""
        return self.scaling.scale(run, self.deployment, self.scaling.afterwards)

    def verify(self, run: ElasticRun, step: StepReport, index: str, embedder: Embedder) -> None:
        """Recompute scores, and ask the sample queries."""
        del embedder
        fields, queries = self.plan.fields, self.plan.queries
        for each in fields:
            scores = verify_scores(run.settings, index, each, self.search_deployment)
            step.saw(f"{scores.compared} scores recomputed, off by {scores.largest_difference:.1e} at most")
        if queries:
            found = verify_queries(run.settings, index, fields[0], self.search_deployment, queries)
            step.saw(f"{found.found} of {found.queries} sample queries find the expected documents")

    def compare(self, run: ElasticRun, index: str) -> None:
        """Ask the new embeddings and those that they replace the same queries."""
        for previous in self.replaced.previous if self.replaced else ():
            new = next(each for each in self.plan.fields if each.input == previous.text)
            with run.report.step(f"compare with {previous.field} of {previous.index}") as step:
                found = verify_agreement(
                    run.settings,
                    index,
                    new,
                    self.search_deployment,
                    previous,
                    least=self.replaced.least_shared if self.replaced else 0.0,
                    queries=self.plan.queries,
                )
                step.saw(
                    f"{found.found} of {found.queries} queries find what they should, before {found.found_before}"
                )
                step.saw(f"{found.shared:.0%} of the first hits are the same")
                run.report.facts.setdefault("agreement", {})[new.output] = asdict(found)
