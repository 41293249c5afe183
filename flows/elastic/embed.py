"""`elastic embed`: embed the documents of an index into a new one, which is verified before the alias moves to it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.elastic.embedding.dense_vector import DenseVectors
from flows.elastic.embedding.plan import EmbedPlan
from flows.elastic.embedding.scaling import Scaling
from flows.elastic.embedding.semantic_text import SemanticText
from flows.elastic.embedding.sparse_vector import SparseVectors
from flows.elastic.embedding.steps import embed
from flows.elastic.embedding.way import Way
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.elastic.privileges import ask_privileges, ask_remote_privileges, to_embed
from flows.engine_flow import engine_flow
from flows.options import Interruptible, Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.serverless import verify_not_serverless
from tasks.elastic.indices.dense_vectors import ElementType, Similarity, VectorIndex, index_options
from tasks.elastic.indices.embeddings import embedded_field
from tasks.elastic.indices.passages import passages_field
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import source_query
from tasks.elastic.settings import ElasticSettings, remote_settings
from tasks.elastic.specs import EmbeddedAs, EmbeddedField, Name
from tasks.errors import InvalidInput
from tasks.plurals import listed
from tasks.program import command
from tasks.progress import say

NO_PREFIX = "none"
"""As typed where nothing belongs in front of a text; an empty option is refused everywhere."""
_OF_DEPLOYMENTS = ("deployment", "search_deployment", "load_allocations", "final_allocations")
_OF_VECTORS = ("similarity", "element_type", "index_options", "document_prefix", "query_prefix")
"""Options that one way has and others do not."""


class EmbedOptions(ElasticOptions, Timed, Interruptible, frozen=True):
    """The options of `elastic embed`."""

    name: Name = Field(description="The alias that searches use; its indices are named NAME-HASH.")
    source: str = Field(
        description="The documents: an index, an alias or a data stream, or several of them with commas between."
    )
    source_query: str | None = Field(
        default=None,
        description='Only the documents that a query finds, as JSON of the query DSL: {"term": {"language": "en"}}.',
    )
    source_remote: bool = Field(
        default=False,
        description="The source is in another cluster: ELASTIC_REMOTE_URL, and ELASTIC_REMOTE_API_KEY or ELASTIC_REMOTE_USERNAME and _PASSWORD. The target's cluster reads it, which its reindex.remote.whitelist must allow.",
    )
    fields: tuple[str, ...] = Field(
        min_length=1,
        description="Text fields to embed, each FIELD or FIELD:EMBEDDING_FIELD; EMBEDDING_FIELD defaults to FIELD_embedding, or with chunk_words to FIELD_passages.",
    )
    as_: EmbeddedAs = Field(
        default="sparse-vector",
        description="sparse-vector, dense-vector: an ingest pipeline embeds into fields of their own, by tokens with weights or by vectors. semantic-text (8.18): the index embeds the text fields themselves, in chunks, through an inference endpoint.",
    )
    deployment: str | None = Field(
        default=None,
        description="The deployment that embeds documents, such as movies-ingest; required for sparse-vector, and for dense-vector without an endpoint.",
    )
    endpoint: str | None = Field(
        default=None,
        description="The inference endpoint that embeds documents and queries; required for semantic-text, and for dense-vector without a deployment.",
    )
    similarity: Similarity | None = Field(
        default=None,
        description="Of dense-vector: how vectors are compared. dot_product needs vectors of length 1. Default: cosine.",
    )
    element_type: ElementType | None = Field(
        default=None,
        description="Of dense-vector: byte for a model that answers bytes. Default: float.",
    )
    index_options: str | None = Field(
        default=None,
        description='Of dense-vector: how vectors are indexed, as a type (hnsw, int8_hnsw, int4_hnsw, bbq_hnsw, flat, ...) or as JSON: {"type": "int8_hnsw", "m": 32}. Default: the cluster\'s.',
    )
    document_prefix: str | None = Field(
        default=None,
        description="Of dense-vector: what the model reads in front of every document, such as 'passage: ' for E5, where the cluster does not put it there; none if what answers adds it.",
    )
    query_prefix: str | None = Field(
        default=None,
        description="Of dense-vector: what the model reads in front of every query, such as 'query: ' for E5; or none.",
    )
    chunk_words: int | None = Field(
        default=None,
        ge=20,
        le=10_000,
        description="Words in a passage of whole sentences, for texts beyond the model's 512 tokens: each passage is embedded, and a document scores as its best one. Default: with sparse-vector, whole texts, cut at 512 tokens; with semantic-text, the endpoint's setting, which is 250.",
    )
    search_deployment: str | None = Field(
        default=None, description="The deployment that embeds queries. Default: the same."
    )
    batch_size: int | None = Field(
        default=None,
        ge=1,
        description="Documents per batch; lowered to what the queue and a minute of work allow. Default: that limit.",
    )
    slices: int = Field(
        default=1,
        ge=1,
        description="Slices that read and write in parallel; the model stays the bottleneck.",
    )
    load_allocations: int | None = Field(
        default=None,
        ge=1,
        description="Allocations of the deployment while documents are embedded. Default: the current number.",
    )
    final_allocations: int | None = Field(
        default=None, ge=1, description="Allocations afterwards; required with load_allocations."
    )
    may_grow: bool = Field(
        default=False,
        description="The cluster scales its machine-learning nodes by itself: also scale beyond what fits the current ones, and wait.",
    )
    replicas: int = Field(default=1, ge=0, description="Copies of each shard after the load.")
    accept_unembedded: int = Field(
        default=0,
        ge=0,
        description="Accept up to N documents without an embedding; they are listed with their reasons.",
    )
    queries: str | None = Field(
        default=None,
        description="JSON lines of sample queries: query, expected ids and within; the alias moves only if all find the expected documents.",
    )
    timeout_minutes: float = timeout(1440)

    @property
    def remote(self) -> ElasticSettings | None:
        """The settings of the cluster that the source is in; None for the target's.

        Raises:
            InvalidInput: they are missing or wrong, or slices are requested, which a remote source does not have.
        """
        if not self.source_remote:
            return None
        if self.slices > 1:
            raise InvalidInput(
                "A reindex from a remote cluster has no slices",
                value=self.slices,
                source="--slices",
                accepted="1",
            )
        found = remote_settings(self.target)
        address_of(found)
        return found

    @property
    def way(self) -> Way:
        """How the documents are embedded, and into what.

        Raises:
            InvalidInput: an option is missing that the way needs, or one is given that belongs to another way.
        """
        match self.as_:
            case "sparse-vector":
                return self._sparse_vectors()
            case "dense-vector":
                return self._dense_vectors()
            case "semantic-text":
                return self._semantic_text()

    def _sparse_vectors(self) -> SparseVectors:
        self._refuse_dense_options()
        self._refuse(
            "sparse-vector embeds through a deployment",
            "endpoint",
            "Leave it out, or use --as semantic-text.",
        )
        if self.deployment is None:
            raise InvalidInput(
                "sparse-vector needs the deployment that embeds documents",
                source="--deployment",
                remedy=f"Start one with `{command('elastic deploy', name='NAME')}`, which names it NAME-ingest.",
            )
        return SparseVectors(
            plan=self._plan(*self._fields_of_their_own),
            deployment=self.deployment,
            search_deployment=self.search_deployment or self.deployment,
            scaling=self._scaling,
        )

    def _dense_vectors(self) -> DenseVectors:
        if self.endpoint is not None:
            for name in _OF_DEPLOYMENTS:
                self._refuse(
                    f"dense-vector embeds through the inference endpoint {self.endpoint}",
                    name,
                    "Leave it out, or leave out --endpoint.",
                )
        elif self.deployment is None:
            raise InvalidInput(
                "dense-vector needs what embeds documents: an inference endpoint, or a deployment of a text embedding model",
                source="--endpoint, --deployment",
                remedy=f"Create one with `{command('elastic endpoint-ensure', name='ENDPOINT', model_id='.multilingual-e5-small')}`.",
            )
        return DenseVectors(
            plan=self._plan(*self._fields_of_their_own),
            endpoint=self.endpoint,
            deployment=self.deployment,
            search_deployment=self.search_deployment,
            scaling=self._scaling,
            vectors=VectorIndex(
                similarity=self.similarity or "cosine",
                element_type=self.element_type or "float",
                options=index_options(self.index_options) if self.index_options else {},
            ),
            prefixes_given=self.document_prefix is not None and self.query_prefix is not None,
            document_prefix=_prefix(self.document_prefix),
            query_prefix=_prefix(self.query_prefix),
        )

    def _semantic_text(self) -> SemanticText:
        self._refuse_dense_options()
        for name in _OF_DEPLOYMENTS:
            self._refuse(
                "semantic-text embeds through an inference endpoint, not through a deployment",
                name,
                "Leave it out, and name the endpoint with --endpoint.",
            )
        if self.endpoint is None:
            raise InvalidInput(
                "semantic-text needs the inference endpoint that embeds",
                source="--endpoint",
                remedy=f"Create one with `{command('elastic endpoint-ensure', name='ENDPOINT')}`.",
            )
        if renamed := next((text for text in self.fields if ":" in text), None):
            raise InvalidInput(
                "A semantic_text field holds the embedding of its own text",
                value=renamed,
                source="--fields",
                accepted="FIELD",
            )
        fields = (EmbeddedField(input=text, output=text) for text in self.fields)
        return SemanticText(plan=self._plan(*fields), endpoint=self.endpoint)

    @property
    def _fields_of_their_own(self) -> tuple[EmbeddedField, ...]:
        """The fields, each with the one that a pipeline embeds it into."""
        return tuple(map(embedded_field if self.chunk_words is None else passages_field, self.fields))

    @property
    def _scaling(self) -> Scaling:
        return Scaling(
            during=self.load_allocations, afterwards=self.final_allocations, may_grow=self.may_grow
        )

    def _plan(self, *fields: EmbeddedField) -> EmbedPlan:
        return EmbedPlan(
            alias=self.name,
            source=self.source,
            remote=self.remote,
            query=source_query(self.source_query) if self.source_query else None,
            fields=fields,
            chunk_words=self.chunk_words,
            size=self.batch_size,
            slices=self.slices,
            replicas=self.replicas,
            accept_unembedded=self.accept_unembedded,
            queries=Path(self.queries) if self.queries else None,
        )

    def _refuse_dense_options(self) -> None:
        for name in _OF_VECTORS:
            self._refuse(
                f"{self.as_} has no vectors of a dense_vector field",
                name,
                "Leave it out, or use --as dense-vector.",
            )

    def _refuse(self, why: str, name: str, remedy: str) -> None:
        """Refuse an option of another way."""
        given = getattr(self, name)
        if given is not None:
            raise InvalidInput(why, value=given, source=f"--{name.replace('_', '-')}", remedy=remedy)


def _prefix(given: str | None) -> str:
    return "" if given in (None, NO_PREFIX) else given


@engine_flow(ELASTIC, "embed", run_name="embed {name} on {target}")
def embed_documents(options: EmbedOptions) -> Report:
    """Embed the documents of an index into a new one, verify it, and point the alias at it.

    If nothing has changed since the last run, nothing is done. Changed documents, fields or deployments lead to a new
    index; the previous one stays for a rollback. A run after a crash resumes: embedded documents are not embedded
    again.

    Example:
        vector-search elastic embed --name films --source movies --fields plot --deployment movies-ingest --target sandbox
    """
    way = options.way
    with running(ELASTIC, "embed", options) as run:
        if options.as_ != "semantic-text":
            verify_not_serverless(
                run.settings,
                f"--as {options.as_}",
                needs="the list of tasks, in which a reindex through a pipeline is found again",
            )
        ask_privileges(
            run,
            *to_embed(
                options.name,
                options.source,
                pipeline=options.as_ != "semantic-text",
                endpoint=options.endpoint is not None,
                remote=options.source_remote,
                scaling=options.load_allocations is not None,
                when_interrupted=options.when_interrupted,
            ),
        )
        if way.plan.remote is not None:
            ask_remote_privileges(run, way.plan.remote, options.source)
        changes = embed(run, way)
        run.report.facts["changes"] = changes
        say(f"Done: {listed(changes)}." if changes else "Nothing to do: everything is already there.")
    return run.report
