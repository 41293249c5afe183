"""`elastic embed`: embed the documents of an index into a new one, which is verified before the alias moves to it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

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
        description="sparse-vector: an ingest pipeline embeds into fields of their own. semantic-text (8.18): the index embeds the text fields themselves, in chunks, through an inference endpoint.",
    )
    deployment: str | None = Field(
        default=None,
        description="The deployment that embeds documents, such as movies-ingest; required for sparse-vector.",
    )
    endpoint: str | None = Field(
        default=None,
        description="The inference endpoint that embeds documents and queries; required for semantic-text.",
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
        return self._semantic_text() if self.as_ == "semantic-text" else self._sparse_vectors()

    def _sparse_vectors(self) -> SparseVectors:
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
            plan=self._plan(
                *map(embedded_field if self.chunk_words is None else passages_field, self.fields)
            ),
            deployment=self.deployment,
            search_deployment=self.search_deployment or self.deployment,
            scaling=Scaling(
                during=self.load_allocations, afterwards=self.final_allocations, may_grow=self.may_grow
            ),
        )

    def _semantic_text(self) -> SemanticText:
        for name in ("deployment", "search_deployment", "load_allocations", "final_allocations"):
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

    def _refuse(self, why: str, name: str, remedy: str) -> None:
        """Refuse an option of another way."""
        given = getattr(self, name)
        if given is not None:
            raise InvalidInput(why, value=given, source=f"--{name.replace('_', '-')}", remedy=remedy)


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
        if options.as_ == "sparse-vector":
            verify_not_serverless(
                run.settings,
                "--as sparse-vector",
                needs="the queue and the tasks of a reindex through a deployment",
            )
        ask_privileges(
            run,
            *to_embed(
                options.name,
                options.source,
                semantic=options.as_ == "semantic-text",
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
