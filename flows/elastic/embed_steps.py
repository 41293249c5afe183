"""The steps of an embedding: from the documents of an index to a verified one that the alias points at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.confirmation import agree
from flows.elastic.deployment_steps import existing_deployment, wait_for_deployments
from flows.elastic.embed_sources import read_from, read_remote, refuse_itself, refuse_own, refuse_taken
from flows.elastic.options import ElasticRun
from flows.elastic.plans import adopted, embed_plan, scaled
from flows.plan import Plan
from flows.report import StepReport
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.deployment_states import DeploymentState
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.models import verify_sparse_model
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.indices.adoption import ensure_adopted, read_adoptable
from tasks.elastic.indices.aliases import ensure_alias, read_alias, read_alias_to_change
from tasks.elastic.indices.embeddings import made_from
from tasks.elastic.indices.indices import (
    IndexState,
    ensure_content_mark,
    ensure_index,
    ensure_index_settings,
    read_index,
)
from tasks.elastic.indices.passages import passage_pipeline, with_passages
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    verify_pipeline,
)
from tasks.elastic.indices.previous import without
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import SourceState, read_sample, read_source, verify_different_ids
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec, read_batch_plan
from tasks.elastic.reindex.copying import Reindexed
from tasks.elastic.reindex.passages import apply_passages_copy
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.reindex.repair import apply_repair
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField, IndexSpec, PipelineSpec, embedded_properties
from tasks.elastic.verification.agreement import Previous, verify_agreement
from tasks.elastic.verification.truncation import read_truncated
from tasks.elastic.verification.verification import (
    sample_queries,
    verify_completeness,
    verify_queries,
    verify_scores,
)
from tasks.errors import InvalidInput
from tasks.measures.pace import Pace
from tasks.plurals import counted, listed
from tasks.progress import say

CHUNK_WORDS = 250
"""Words in a passage that are advised: what Elasticsearch's own chunking has by default, well within 512 tokens."""
_SHOWN = 5
"""Number of documents without an embedding, or rejected by the new index, that the report lists."""


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """Embeddings that the new ones replace, and are compared with."""

    previous: tuple[Previous, ...]
    leave_out: tuple[str, ...]
    """Fields of the source with embeddings, which are not copied."""
    least_shared: float


@dataclass(frozen=True, kw_only=True)
class EmbedPlan:
    """The result that an embedding is to reach."""

    alias: str
    source: str
    query: dict[str, Any] | None = None
    remote: ElasticSettings | None = None
    """The cluster that the source is in; None for the same one."""
    fields: tuple[EmbeddedField, ...]
    deployment: str
    search_deployment: str
    chunk_words: int | None = None
    """Words in a passage; None embeds texts as a whole."""
    size: int | None = None
    slices: int = 1
    load_allocations: int | None = None
    final_allocations: int | None = None
    may_grow: bool = False
    replicas: int = 1
    accept_unembedded: int = 0
    queries: Path | None = None
    replaced: Replaced | None = None
    adopts: bool = False
    """Whether the source, which somebody else made, is marked as ours: then the alias may leave it."""

    @property
    def deployments(self) -> tuple[str, ...]:
        """Those that are asked, each once."""
        compared = (each.model_id for each in (self.replaced.previous if self.replaced else ()))
        return tuple(dict.fromkeys((self.deployment, self.search_deployment, *compared)))

    @property
    def leave_out(self) -> tuple[str, ...]:
        """Fields of the source that are not copied: embeddings of another model, and what was written beside them."""
        return self.replaced.leave_out if self.replaced else ()


def embed(run: ElasticRun, plan: EmbedPlan) -> list[str]:
    """Chain the steps of an embedding; the tour calls this too. Returns every change that was made."""
    settings, report, changes = run.settings, run.report, list[str]()
    if plan.remote is None:
        refuse_itself(plan.source, plan.alias)
    _look_at_alias(settings, plan)  # the alias moves last, when all inference is paid for
    ingest = existing_deployment(settings, plan.deployment, "deployment")
    _refuse_scaling(plan, ingest)
    verify_sparse_model(settings, ingest.model_id, ingest.id)
    existing_deployment(settings, plan.search_deployment, "search-deployment")
    if plan.queries:
        list(sample_queries(plan.queries))
    with report.step(f"read the documents of {plan.source}") as step:
        source = plan.remote or settings
        documents = read_source(source, plan.source, plan.query)
        if plan.remote is None:
            refuse_own(documents, plan.alias)
        refuse_taken(plan.fields, documents)
        sample = read_sample(source, plan.source, [field.input for field in plan.fields], within=plan.query)
        step.saw(read_from(documents))
    pipeline, index = _specs(plan, documents, ingest.model_id)
    there = read_index(settings, index.name)
    agree([], yes=True, plan=lambda: _plan(run, plan, ingest, pipeline, index, there, documents))
    wait_for_deployments(run, *plan.deployments, may_grow=plan.may_grow)
    if plan.adopts:
        _adopt(run, plan.source)
    wanted, refused = documents.documents, tuple[Failure, ...]()
    if there is None or not there.content:
        if plan.chunk_words is None:  # otherwise this side reads the other cluster
            read_remote(run, plan.remote, plan.source, index.name)
        verify_different_ids(source, documents)
        if plan.chunk_words is None:
            _see_truncated(run, plan)
        changes += _scale(run, plan, plan.load_allocations)
        with report.step(f"pipeline {pipeline.id}", changes) as step:
            verify_pipeline(settings, pipeline, _as_embedded(plan, sample))
            if ensure_pipeline(settings, pipeline).changed:
                changes.append("stored the pipeline")
            step.saw(
                f"embeds {listed(field.input for field in plan.fields)} with {plan.deployment}, seen on a sample"
            )
        with report.step(f"index {index.name}", changes):
            changes += ["created the index"] if ensure_index(settings, index).changed else []
        filled = _fill(run, plan, pipeline.id, index)
        wanted, refused = filled.wanted, filled.refused
        changes.append("embedded the documents")
    changes += _scale(run, plan, plan.final_allocations)
    _verify(run, plan, index, wanted, refused)
    _compare(run, plan, index.name)
    if ensure_index_settings(settings, index).changed:
        changes.append("set the final settings")
    ensure_content_mark(settings, index.name, documents.content)
    with report.step(f"alias {plan.alias}", changes) as step:
        move = ensure_alias(settings, plan.alias, index.name)
        changes += ["moved the alias"] if move.changed else []
        step.saw(
            f"{'now' if move.changed else 'already'} points at {index.name}, before at {move.there.previous or 'nothing'}"
        )
    return changes


def _look_at_alias(settings: ElasticSettings, plan: EmbedPlan) -> None:
    if plan.adopts:
        there = read_adoptable(settings, plan.source)
        if read_alias(settings, plan.alias).index == there.name:
            return
    read_alias_to_change(settings, plan.alias)


def _adopt(run: ElasticRun, index: str) -> None:
    with run.report.step(f"adopt index {index}") as step:
        step.saw("marked as ours" if ensure_adopted(run.settings, index).changed else "was ours")


def _see_truncated(run: ElasticRun, plan: EmbedPlan) -> None:
    """Say before anything is paid for which texts lose their end, and how they would not."""
    with run.report.step("texts that the model truncates") as step:
        found = read_truncated(
            run.settings, plan.source, plan.fields, plan.deployment, within=plan.query, remote=plan.remote
        )
        step.saw(str(found))
    if found.truncated:
        say(
            f"{found}. What is beyond is not found by meaning. To embed whole texts, in passages: --chunk-words {CHUNK_WORDS}."
        )


def _as_embedded(plan: EmbedPlan, sample: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Documents as the pipeline gets them."""
    if plan.chunk_words is None:
        return sample
    return tuple(with_passages(document, plan.fields, plan.chunk_words)[0] for document in sample)


def _plan(
    run: ElasticRun,
    plan: EmbedPlan,
    ingest: DeploymentState,
    pipeline: PipelineSpec,
    index: IndexSpec,
    there: IndexState | None,
    documents: SourceState,
) -> Plan:
    """What an embedding would do; the allocations are those of its end."""
    final = plan.final_allocations
    also = [] if final is None else [scaled(ingest, ingest.scaled(final))]
    also += [adopted(read_adoptable(run.settings, plan.source))] if plan.adopts else []
    return embed_plan(
        run,
        plan.alias,
        index,
        there,
        documents.documents,
        pipeline=pipeline,
        also=also,
        allocations=None if plan.chunk_words else plan.load_allocations or ingest.allocations,
    )


def _specs(plan: EmbedPlan, documents: SourceState, model: str) -> tuple[PipelineSpec, IndexSpec]:
    """Pipeline and index, named after what they are made from, so that different content never gets the same name."""
    written = inference_pipeline if plan.chunk_words is None else passage_pipeline
    unnamed = written("unnamed", plan.deployment, plan.fields)
    pipeline = written(f"{plan.alias}-{unnamed.spec}", plan.deployment, plan.fields)
    marks = made_from(
        source=documents,
        pipeline=pipeline.id,
        deployment=plan.deployment,
        search=plan.search_deployment,
        model=model,
        fields=plan.fields,
        chunk_words=plan.chunk_words,
        remote=address_of(plan.remote) if plan.remote else None,
    )
    index = IndexSpec(
        name="unnamed",
        properties=embedded_properties(
            plan.fields, failure=FAILURE_FIELD, source=without(documents.properties, plan.leave_out)
        ),
        mapping=documents.mapping,
        settings=documents.settings,
        shards=documents.shards,
        replicas=plan.replicas,
        made_from=marks,
    )
    return pipeline, index.model_copy(update={"name": f"{plan.alias}-{index.spec}"})


def _refuse_scaling(plan: EmbedPlan, ingest: DeploymentState) -> None:
    if (plan.load_allocations is None) != (plan.final_allocations is None):
        raise InvalidInput(
            "Only one of load_allocations and final_allocations is given",
            value=plan.load_allocations or plan.final_allocations,
            remedy="Give both: the number while documents are embedded, and the number afterwards.",
        )
    if plan.load_allocations is not None and ingest.adaptive is not None:
        raise InvalidInput(
            "This deployment has adaptive allocations and scales by itself",
            value=ingest.id,
            remedy="Leave out load_allocations and final_allocations.",
        )


def _scale(run: ElasticRun, plan: EmbedPlan, allocations: int | None) -> list[str]:
    """Set the allocations of the ingest deployment, if they are to change now. Returns what was changed."""
    settings, deadline = run.settings, run.deadline
    there = existing_deployment(settings, plan.deployment, "deployment")
    if allocations is None or allocations == there.allocations:
        return []
    spec = there.scaled(allocations)
    if allocations > there.allocations and not plan.may_grow:
        verify_capacity(settings, [spec])
    with run.report.step(f"set the allocations of {there.id} to {allocations}") as step:
        ensure_deployment(settings, spec, deadline, may_grow=plan.may_grow)
        wait_for_deployment(settings, spec, deadline, may_grow=plan.may_grow)
        step.saw(f"it had {there.allocations}")
    return [f"set the allocations of {there.id} to {allocations}"]


def _fill(run: ElasticRun, plan: EmbedPlan, pipeline: str, index: IndexSpec) -> Reindexed:
    """Fill the new index with every document, embedded as far as possible."""
    settings, report, deadline = run.settings, run.report, run.deadline
    pace = report.facts["pace"] = Pace(into=index.name)
    spec = ReindexSpec(
        source=plan.source,
        query=plan.query,
        dest=index.name,
        pipeline=pipeline,
        deployment_id=plan.deployment,
        fields=plan.fields,
        leave_out=plan.leave_out or None,
        remote=address_of(plan.remote) if plan.remote else None,
    )
    if plan.chunk_words is None:
        with report.step(f"embed {plan.source} into {index.name}") as step:
            batches = read_batch_plan(settings, spec, size=plan.size, slices=plan.slices, remote=plan.remote)
            _saw_batches(step, batches)
            done = apply_reindex(
                settings, spec, batches, deadline, run.when_interrupted, remote=plan.remote, pace=pace
            )
            saw_refused(step, done)
    else:
        with report.step(f"cut the texts of {plan.source} into passages") as step:
            cut = apply_passages_copy(settings, spec, plan.chunk_words, deadline, remote=plan.remote)
            done, each = cut.copied, cut.of_a_document
            step.saw(f"{counted(cut.passages, 'passage')}, {each:.1f} of a document on average")
            saw_refused(step, done)
            batches = read_batch_plan(
                settings, spec, size=plan.size, slices=plan.slices, passages=each, remote=plan.remote
            )
            _saw_batches(step, batches)
    repairing = "repair documents without an embedding" if plan.chunk_words is None else "embed the passages"
    with report.step(repairing) as step:
        repaired = apply_repair(settings, spec, batches, deadline, run.when_interrupted, pace)
        what = "repaired" if plan.chunk_words is None else "embedded"
        step.saw(f"{repaired.repaired:,} {what}, {repaired.left:,} cannot be embedded")
        for one in repaired.listed[:_SHOWN]:
            step.saw(f"{one.id}: {one.reason}")
    pace.ended = True
    return done


def _saw_batches(step: StepReport, batches: BatchPlan) -> None:
    step.saw(f"batches of {batches.size:,}, slices: {batches.slices}")
    for why in batches.lowered:
        step.saw(f"lowered: {why}")


def saw_refused(step: StepReport, done: Reindexed) -> None:
    """Note in the report what arrived, and the first documents that the new index refused."""
    step.saw(f"{done.documents:,} of {done.wanted:,} documents arrived")
    if done.adopted:
        step.saw("followed the task of an earlier run")
    if done.refused:
        step.saw(f"{len(done.refused):,} rejected by the new index")
    for failure in done.refused[:_SHOWN]:
        step.saw(str(failure))


def _verify(
    run: ElasticRun, plan: EmbedPlan, index: IndexSpec, wanted: int, refused: tuple[Failure, ...]
) -> None:
    settings = run.settings
    with run.report.step(f"verify {index.name}") as step:
        complete = verify_completeness(
            settings,
            index.name,
            plan.fields,
            wanted=wanted,
            accepted=plan.accept_unembedded,
            refused=refused,
        )
        step.saw(f"{counted(complete.documents, 'document')}, {complete.unembedded:,} without an embedding")
        for field in plan.fields:
            scores = verify_scores(settings, index.name, field, plan.search_deployment)
            step.saw(f"{scores.compared} scores recomputed, off by {scores.largest_difference:.1e} at most")
        if plan.queries:
            first = plan.fields[0]
            found = verify_queries(settings, index.name, first, plan.search_deployment, plan.queries)
            step.saw(f"{found.found} of {found.queries} sample queries find the expected documents")


def _compare(run: ElasticRun, plan: EmbedPlan, index: str) -> None:
    """Compare the new embeddings with those that they replace, if there are any."""
    for previous in plan.replaced.previous if plan.replaced else ():
        field = next(field for field in plan.fields if field.input == previous.text)
        with run.report.step(f"compare with {previous.field} of {previous.index}") as step:
            found = verify_agreement(
                run.settings,
                index,
                field,
                plan.search_deployment,
                previous,
                least=plan.replaced.least_shared if plan.replaced else 0.0,
                queries=plan.queries,
            )
            step.saw(
                f"{found.found} of {found.queries} queries find what they should, before {found.found_before}"
            )
            step.saw(f"{found.shared:.0%} of the first hits are the same")
            run.report.facts.setdefault("agreement", {})[field.output] = asdict(found)
