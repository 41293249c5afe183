"""Dense vectors: an ingest pipeline and a text embedding model fill `dense_vector` fields, which kNN searches.

The model is a deployment in the cluster, or whatever answers behind an inference endpoint. It is asked once before anything is made:
its vectors say how many dimensions the mapping needs, and what the field can hold and compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.elastic.deployment_steps import existing_deployment, wait_for_deployments
from flows.elastic.embedding.pipelined import Pipelined
from flows.elastic.embedding.plan import Embedder
from flows.elastic.embedding.scaling import Scaling
from flows.elastic.endpoints import first_use
from flows.elastic.options import ElasticRun
from flows.plan import Resource, is_planning
from flows.report import StepReport
from tasks.elastic.cluster.cluster import read_cluster
from tasks.elastic.cluster.endpoints import read_embedding_endpoint, verify_endpoint
from tasks.elastic.cluster.models import DENSE_DIMENSIONS, DENSE_PACKAGED, read_model
from tasks.elastic.cluster.vectors import VectorModel, read_vector_model, read_vectors
from tasks.elastic.indices.dense_vectors import VectorIndex, verify_vectors_fit
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.verification.vectors import verify_vectors
from tasks.elastic.verification.verification import verify_queries
from tasks.errors import InvalidInput
from tasks.plurals import counted

_QUESTION = "a question"


@dataclass(frozen=True, kw_only=True)
class DenseVectors(Pipelined):
    """Vectors, by an inference endpoint or by a deployment in the cluster; one of the two is given."""

    kind = "dense-vector"
    endpoint: str | None = None
    deployment: str | None = None
    search_deployment: str | None = None
    """The deployment that embeds queries; None for the same."""
    scaling: Scaling = field(default_factory=Scaling)
    vectors: VectorIndex = field(default_factory=VectorIndex)
    prefixes_given: bool = False
    """Whether somebody has said what belongs in front of texts, and be it nothing."""

    @property
    def searches_by(self) -> str:
        """The endpoint, or the deployment that embeds queries."""
        return self.endpoint or self.search_deployment or self.deployment or ""

    def ask(self, run: ElasticRun) -> Embedder:
        """As `Way.ask`."""
        settings = run.settings
        if is_planning() and (unused := self._unused(settings)):
            return unused
        if self.endpoint:
            with run.report.step(f"ask inference endpoint {self.endpoint}") as step:
                step.saw(str(verify_endpoint(settings, self.endpoint, deadline=run.deadline)))
        else:
            self.scaling.refuse(existing_deployment(settings, self.deployment or "", "deployment"))
            existing_deployment(settings, self.searches_by, "search-deployment")
            wait_for_deployments(run, *self._deployments, may_grow=self.scaling.may_grow)
        model = read_vector_model(settings, self.endpoint or self.deployment or "", deadline=run.deadline)
        self._verify_prefixes(model)
        (vector,) = read_vectors(settings, model, [self.document_prefix + _QUESTION], "ingest")
        release = read_cluster(settings).release
        verify_vectors_fit(self.vectors, vector, release, model=model.model_id)
        return Embedder(
            id=model.id, model_id=model.model_id, deployment_id=model.deployment_id, dims=len(vector)
        )

    def mapping(self, embedder: Embedder) -> dict[str, Any]:
        """As `Pipelined.mapping`: as many dimensions as the model answers."""
        return self.vectors.mapping(embedder.dims)

    def told(self, embedder: Embedder) -> str:
        """As `Way.told`."""
        return f"dense_vector by {embedder.id}, {counted(embedder.dims, 'dimension')}, {self.vectors.told}"

    def also(self, run: ElasticRun) -> list[Resource]:
        """The allocations of its end, or the model of a default endpoint."""
        return (
            self.scaling.plan(run, self.deployment)
            if self.deployment
            else first_use(run.settings, self.searches_by)
        )

    def prepare(self, run: ElasticRun, sample: Sequence[dict[str, Any]], embedder: Embedder) -> list[str]:
        """Scale the deployment, if there is one to scale, and store the pipeline."""
        return [*self._scale(run, self.scaling.during), *super().prepare(run, sample, embedder)]

    def finish(self, run: ElasticRun) -> list[str]:
        """Scale the deployment back."""
        return self._scale(run, self.scaling.afterwards)

    def verify(self, run: ElasticRun, step: StepReport, index: str, embedder: Embedder) -> None:
        """Embed texts again and compare, ask for documents by their own texts, and ask the sample queries."""
        del embedder
        embedded = read_embedded(run.settings, index)
        for each in embedded.fields:
            step.saw(str(verify_vectors(run.settings, index, embedded, each)))
        if queries := self.plan.queries:
            first, model = embedded.fields[0], embedded.search_deployment
            found = verify_queries(
                run.settings, index, first, model, queries, kind="knn", prefix=embedded.query_prefix
            )
            step.saw(f"{found.found} of {found.queries} sample queries find the expected documents")

    def _unused(self, settings: ElasticSettings) -> Embedder | None:
        """What a default endpoint embeds with whose model is not in the cluster; its first use, which a plan leaves out, brings it."""
        found = read_embedding_endpoint(settings, self.endpoint) if self.endpoint else None
        if found is None or found.model_id not in DENSE_PACKAGED or read_model(settings, found.model_id):
            return None
        return Embedder(
            id=found.id, model_id=found.model_id, deployment_id=found.deployment_id, dims=DENSE_DIMENSIONS
        )

    @property
    def _deployments(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.deployment, self.search_deployment)))

    def _scale(self, run: ElasticRun, allocations: int | None) -> list[str]:
        return self.scaling.scale(run, self.deployment, allocations) if self.deployment else []

    def _verify_prefixes(self, model: VectorModel) -> None:
        """Refuse what would be found badly: a model's prefix left out, or put in front of texts twice.

        Raises:
            InvalidInput: with what to give.
        """
        if model.prefixes and (self.document_prefix or self.query_prefix):
            raise InvalidInput(
                f"The cluster puts {model.prefixes.get('ingest', '')!r} and {model.prefixes.get('search', '')!r} in front of texts for {model.model_id} itself",
                value=self.document_prefix or self.query_prefix,
                source="--document-prefix, --query-prefix",
                remedy="Leave them out.",
            )
        if model.wants_prefixes and not self.prefixes_given:
            raise InvalidInput(
                "This model was trained with a word in front of every text, finds worse without it, and nobody puts it there",
                value=model.model_id,
                source=f"--{'endpoint' if self.endpoint else 'deployment'}",
                remedy="Add --document-prefix 'passage: ' --query-prefix 'query: ', or none for both if what answers adds them.",
            )
