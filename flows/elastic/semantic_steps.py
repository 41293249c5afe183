"""The steps of an embedding by the index itself: a new index with semantic_text fields, filled, verified, and the alias moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.confirmation import agree
from flows.elastic.embed_sources import read_from, read_remote, refuse_itself, refuse_own
from flows.elastic.embed_steps import saw_refused
from flows.elastic.options import ElasticRun
from flows.elastic.plans import embed_plan
from tasks.elastic.cluster.cluster import read_cluster
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.endpoints import EndpointState, read_endpoint, verify_endpoint
from tasks.elastic.indices.aliases import ensure_alias, read_alias_to_change
from tasks.elastic.indices.embeddings import Embedded, made_from_semantic
from tasks.elastic.indices.indices import ensure_content_mark, ensure_index, ensure_index_settings, read_index
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import SourceState, read_sample, read_source, verify_different_ids
from tasks.elastic.reindex.batch_plans import MOST_DOCUMENTS, BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.copying import Reindexed
from tasks.elastic.reindex.semantic import apply_semantic_reindex
from tasks.elastic.search.ways import How, ways_of
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField, IndexSpec, semantic_properties
from tasks.elastic.verification.semantic import verify_own_texts
from tasks.elastic.verification.verification import sample_queries, verify_completeness, verify_queries
from tasks.errors import InvalidInput
from tasks.measures.pace import Pace
from tasks.plurals import counted, listed

SEMANTIC_SINCE = (8, 18)
"""The first release whose documents keep the plain text in a semantic_text field, and whose other queries work on it."""
_DOCUMENTS_AT_ONCE = 100
"""In a batch for a service outside the cluster, whose queue nobody can see."""


@dataclass(frozen=True, kw_only=True)
class SemanticPlan:
    """The result that an embedding is to reach."""

    alias: str
    source: str
    query: dict[str, Any] | None = None
    remote: ElasticSettings | None = None
    """The cluster that the source is in; None for the same one."""
    fields: tuple[EmbeddedField, ...]
    endpoint: str
    chunk_words: int | None = None
    size: int | None = None
    slices: int = 1
    replicas: int = 1
    accept_unembedded: int = 0
    queries: Path | None = None


def embed_semantic(run: ElasticRun, plan: SemanticPlan) -> list[str]:
    """Chain the steps. Returns every change that was made."""
    settings, report, changes = run.settings, run.report, list[str]()
    if plan.remote is None:
        refuse_itself(plan.source, plan.alias)
    _refuse_old(settings)
    read_alias_to_change(settings, plan.alias)  # the alias moves last, when all inference is paid for
    if plan.queries:
        list(sample_queries(plan.queries))
    # Before anything is made: a mapping takes any id, and the first document would be the one to fail.
    with report.step(f"ask inference endpoint {plan.endpoint}") as step:
        step.saw(str(verify_endpoint(settings, plan.endpoint)))
        endpoint = endpoint_of(settings, plan.endpoint)
    with report.step(f"read the documents of {plan.source}") as step:
        source = plan.remote or settings
        documents = read_source(source, plan.source, plan.query)
        if plan.remote is None:
            refuse_own(documents, plan.alias)
        read_sample(source, plan.source, [field.input for field in plan.fields], within=plan.query)
        step.saw(read_from(documents))
    index = _index(plan, documents, endpoint)
    there = read_index(settings, index.name)
    agree([], yes=True, plan=lambda: embed_plan(run, plan.alias, index, there, documents.documents))
    wanted, refused = documents.documents, ()
    if there is None or not there.content:
        read_remote(run, plan.remote, plan.source, index.name)
        verify_different_ids(source, documents)
        with report.step(f"index {index.name}", changes) as step:
            changes += ["created the index"] if ensure_index(settings, index).changed else []
            step.saw(f"semantic_text by {endpoint.id}")
        filled = _fill(run, plan, index, endpoint)
        wanted, refused = filled.wanted, filled.refused
        changes.append("embedded the documents")
    with report.step(f"verify {index.name}") as step:
        complete = verify_completeness(
            settings, index.name, plan.fields, wanted=wanted, accepted=plan.accept_unembedded, refused=refused
        )
        step.saw(f"{counted(complete.documents, 'document')}, {complete.unembedded:,} without an embedding")
        for field in plan.fields:
            own = verify_own_texts(settings, index.name, field, endpoint)
            step.saw(f"{counted(own.asked, 'document')} found by the text of {field.input}")
        if plan.queries:
            found = verify_queries(
                settings, index.name, plan.fields[0], plan.endpoint, plan.queries, kind="semantic"
            )
            step.saw(f"{found.found} of {found.queries} sample queries find the expected documents")
    if ensure_index_settings(settings, index).changed:
        changes.append("set the final settings")
    ensure_content_mark(settings, index.name, documents.content)
    with report.step(f"alias {plan.alias}", changes) as step:
        move = ensure_alias(settings, plan.alias, index.name)
        changes += ["moved the alias"] if move.changed else []
        step.saw(f"points at {index.name}, before at {move.there.previous or 'nothing'}")
    return changes


def _index(plan: SemanticPlan, documents: SourceState, endpoint: EndpointState) -> IndexSpec:
    """The new index, named after what it is made from, so that different content never gets the same name."""
    index = IndexSpec(
        name="unnamed",
        properties=semantic_properties(
            plan.fields, plan.endpoint, chunk_words=plan.chunk_words, source=documents.properties
        ),
        mapping=documents.mapping,
        settings=documents.settings,
        shards=documents.shards,
        replicas=plan.replicas,
        made_from=made_from_semantic(
            source=documents,
            endpoint=plan.endpoint,
            deployment=endpoint.deployment_id,
            model=endpoint.model_id,
            fields=plan.fields,
            remote=address_of(plan.remote) if plan.remote else None,
        ),
    )
    return index.model_copy(update={"name": f"{plan.alias}-{index.spec}"})


def _fill(run: ElasticRun, plan: SemanticPlan, index: IndexSpec, endpoint: EndpointState) -> Reindexed:
    settings = run.settings
    spec = ReindexSpec(
        source=plan.source,
        query=plan.query,
        dest=index.name,
        pipeline="",
        deployment_id=endpoint.deployment_id,
        fields=plan.fields,
        remote=address_of(plan.remote) if plan.remote else None,
    )
    with run.report.step(f"embed {plan.source} into {index.name}") as step:
        batches = _batches(settings, plan, spec)
        step.saw(f"batches of {batches.size:,}, slices: {batches.slices}")
        pace = run.report.facts["pace"] = Pace(into=index.name)
        done = apply_semantic_reindex(
            settings, spec, batches, run.deadline, run.when_interrupted, remote=plan.remote, pace=pace
        )
        pace.ended = True
        saw_refused(step, done)
    return done


def _batches(settings: ElasticSettings, plan: SemanticPlan, spec: ReindexSpec) -> BatchPlan:
    """By the deployment's queue and speed; of a service outside the cluster neither is known."""
    if read_deployment(settings, spec.deployment_id) is None:
        size = min(plan.size or _DOCUMENTS_AT_ONCE, MOST_DOCUMENTS)
        return BatchPlan(size, plan.slices, float(_DOCUMENTS_AT_ONCE), ())
    return read_batch_plan(settings, spec, size=plan.size, slices=plan.slices, remote=plan.remote)


def endpoint_of(settings: ElasticSettings, endpoint_id: str) -> EndpointState:
    """An endpoint that embeds texts.

    Raises:
        InvalidInput: there is none, or it answers something else.
    """
    found = read_endpoint(settings, endpoint_id)
    if found is None:
        raise InvalidInput("There is no such inference endpoint", value=endpoint_id, source="--endpoint")
    if found.task_type not in ("sparse_embedding", "text_embedding"):
        raise InvalidInput(
            f"This inference endpoint answers {found.task_type}, which is no embedding of a text",
            value=endpoint_id,
            source="--endpoint",
            accepted=f"an endpoint of {listed(('sparse_embedding', 'text_embedding'))}",
        )
    return found


def ways_here(settings: ElasticSettings, embedded: Embedded) -> tuple[How, ...]:
    """The ways to search an index; a semantic_text field has embeddings of one kind only."""
    ways = ways_of(embedded)
    if embedded.kind != "semantic-text":
        return ways
    dense = endpoint_of(settings, embedded.search_deployment).is_dense
    return tuple(how for how in ways if how != ("sparse" if dense else "dense"))


def _refuse_old(settings: ElasticSettings) -> None:
    cluster = read_cluster(settings)
    if cluster.release < SEMANTIC_SINCE:
        raise InvalidInput(
            f"The cluster has version {cluster.version}, where a semantic_text field replaces the text in the document",
            value="semantic-text",
            source="--as",
            accepted=f"{SEMANTIC_SINCE[0]}.{SEMANTIC_SINCE[1]} or later; or sparse-vector",
        )
