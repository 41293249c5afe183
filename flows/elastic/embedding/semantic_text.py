"""semantic_text: the index embeds the texts itself, in chunks, through an inference endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from flows.elastic.embedding.plan import Embedder
from flows.elastic.embedding.way import Way, named, saw_refused
from flows.elastic.endpoints import first_use
from flows.elastic.options import ElasticRun
from flows.plan import Resource, is_planning
from flows.report import StepReport
from tasks.elastic.cluster.cluster import read_cluster
from tasks.elastic.cluster.endpoints import read_embedding_endpoint, verify_endpoint
from tasks.elastic.indices.embeddings import made_from_semantic
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import SourceState
from tasks.elastic.reindex.copying import Reindexed
from tasks.elastic.reindex.semantic import apply_semantic_reindex
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import IndexSpec, semantic_properties
from tasks.elastic.verification.semantic import verify_own_texts
from tasks.elastic.verification.verification import verify_queries
from tasks.errors import InvalidInput
from tasks.measures.pace import Pace
from tasks.plurals import counted

SEMANTIC_SINCE = (8, 18)
"""The first release whose documents keep the plain text in a semantic_text field, and whose other queries work on it."""


@dataclass(frozen=True, kw_only=True)
class SemanticText(Way):
    """Embeddings within the text fields, in chunks."""

    endpoint: str

    def ask(self, run: ElasticRun) -> Embedder:
        """As `Way.ask`: a mapping takes any id, and the first document would be the one to fail."""
        _refuse_old(run.settings)
        with run.report.step(f"ask inference endpoint {self.endpoint}") as step:
            found = read_embedding_endpoint(run.settings, self.endpoint)
            if not is_planning():  # its first use downloads and starts a model
                step.saw(str(verify_endpoint(run.settings, self.endpoint, deadline=run.deadline)))
        return Embedder(id=found.id, model_id=found.model_id, deployment_id=found.deployment_id)

    def told(self, embedder: Embedder) -> str:
        """As `Way.told`."""
        return f"semantic_text by {embedder.id}"

    def also(self, run: ElasticRun) -> list[Resource]:
        """The model of a default endpoint."""
        return first_use(run.settings, self.endpoint)

    def index(self, documents: SourceState, embedder: Embedder) -> IndexSpec:
        """As `Way.index`."""
        plan = self.plan
        index = IndexSpec(
            name="unnamed",
            properties=semantic_properties(
                plan.fields, self.endpoint, chunk_words=plan.chunk_words, source=documents.properties
            ),
            mapping=documents.mapping,
            settings=documents.settings,
            shards=documents.shards,
            replicas=plan.replicas,
            made_from=made_from_semantic(
                source=documents,
                endpoint=self.endpoint,
                deployment=embedder.deployment_id,
                model=embedder.model_id,
                fields=plan.fields,
                remote=address_of(plan.remote) if plan.remote else None,
            ),
        )
        return named(plan.alias, index)

    def fill(self, run: ElasticRun, index: IndexSpec, embedder: Embedder) -> Reindexed:
        """As `Way.fill`."""
        plan = self.plan
        spec = self.reindex_spec("", index.name, embedder)
        with run.report.step(f"embed {plan.source} into {index.name}") as step:
            batches = self.batches(run, step, spec)
            pace = run.report.facts["pace"] = Pace(into=index.name)
            done = apply_semantic_reindex(
                run.settings, spec, batches, run.deadline, run.when_interrupted, remote=plan.remote, pace=pace
            )
            pace.ended = True
            saw_refused(step, done)
        return done

    def verify(self, run: ElasticRun, step: StepReport, index: str, embedder: Embedder) -> None:
        """Ask for documents by their own texts, and ask the sample queries."""
        fields, queries = self.plan.fields, self.plan.queries
        endpoint = read_embedding_endpoint(run.settings, embedder.id)
        for field in fields:
            own = verify_own_texts(run.settings, index, field, endpoint)
            step.saw(f"{counted(own.asked, 'document')} found by the text of {field.input}")
        if queries:
            found = verify_queries(run.settings, index, fields[0], self.endpoint, queries, kind="semantic")
            step.saw(f"{found.found} of {found.queries} sample queries find the expected documents")


def _refuse_old(settings: ElasticSettings) -> None:
    cluster = read_cluster(settings)
    if cluster.release < SEMANTIC_SINCE:
        raise InvalidInput(
            f"The cluster has version {cluster.version}, where a semantic_text field puts an object of text and embeddings in the place of the "
            "text, and neither kNN, sparse_vector nor word queries search it",
            value="semantic-text",
            source="--as",
            accepted=f"{SEMANTIC_SINCE[0]}.{SEMANTIC_SINCE[1]} or later; or sparse-vector, with --chunk-words for long texts",
        )
