"""`elastic embed`: the documents of an index, embedded into a new one that is verified before the alias moves to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, listed, reporting
from flows.slots import holding
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.deployments import (
    DeploymentState,
    ensure_deployment,
    read_deployment,
    wait_for_deployment,
)
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.indices.aliases import ensure_alias, verify_alias
from tasks.elastic.indices.embeddings import embedded_field, made_from
from tasks.elastic.indices.indices import (
    SourceState,
    ensure_content_mark,
    ensure_index,
    ensure_index_settings,
    read_index,
    read_sample,
    read_source,
)
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    verify_pipeline,
)
from tasks.elastic.reindex.batch_plans import ReindexSpec, read_batch_plan
from tasks.elastic.reindex.reindex import Reindexed, apply_reindex
from tasks.elastic.reindex.repair import apply_mending
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings
from tasks.elastic.specs import EmbeddedField, IndexSpec, Name, PipelineSpec, embedded_properties
from tasks.elastic.verification.truncation import read_truncated
from tasks.elastic.verification.verification import (
    sample_queries,
    verify_completeness,
    verify_queries,
    verify_scores,
)
from tasks.errors import InvalidInput
from tasks.interruption import WhenInterrupted
from tasks.program import PROGRAM
from tasks.progress import say
from tasks.waiting import Deadline

_SHOWN = 5
"""Documents without an embedding, or that the new index refuses, in the report."""


@dataclass(frozen=True)
class EmbedPlan:
    """What an embedding is to end with."""

    alias: str
    source: str
    fields: tuple[EmbeddedField, ...]
    deployment: str
    search_deployment: str
    size: int | None = None
    slices: int = 1
    load_allocations: int | None = None
    final_allocations: int | None = None
    may_grow: bool = False
    replicas: int = 1
    accept_unembedded: int = 0
    queries: Path | None = None
    when_interrupted: WhenInterrupted = "leave-running"


@flow(name="elastic embed", flow_run_name="embed {name} on {target}")
def embed_documents(
    *,
    name: Name,
    source: str,
    fields: Annotated[tuple[str, ...], Field(min_length=1)],
    deployment: str,
    target: ElasticTarget,
    search_deployment: str | None = None,
    batch_size: Annotated[int, Field(ge=1)] | None = None,
    slices: Annotated[int, Field(ge=1)] = 1,
    load_allocations: Annotated[int, Field(ge=1)] | None = None,
    final_allocations: Annotated[int, Field(ge=1)] | None = None,
    may_grow: bool = False,
    replicas: Annotated[int, Field(ge=0)] = 1,
    accept_unembedded: Annotated[int, Field(ge=0)] = 0,
    queries: str | None = None,
    timeout_minutes: Annotated[float, Field(gt=0)] = 1440,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Report:
    """Embed the documents of an index into a new one, verify it, and let the alias point at it.

    Nothing changed since last time, nothing done. Changed documents, fields or deployment make a new index; the one
    before stays for a rollback. Killed and run again it goes on: what is embedded is not embedded again.

    Args:
        name: The alias that searches use; its indices are named NAME-HASH.
        source: The index with the documents.
        fields: Text fields to embed, each FIELD or FIELD:EMBEDDING_FIELD; the default for the latter is FIELD_embedding.
        deployment: The deployment that embeds documents, such as movies-ingest.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        search_deployment: The deployment that embeds queries. Default: the same.
        batch_size: Documents in a batch; lowered to what the queue and a minute of work allow. Default: that.
        slices: Slices that read and write at a time; the model stays the limit.
        load_allocations: Allocations of the deployment while documents are embedded. Default: as many as it has.
        final_allocations: Its allocations afterwards; needed with load_allocations.
        may_grow: The cluster adds machine-learning nodes by itself: scale also beyond what fits those of now, and wait.
        replicas: Copies of each shard, once the load is over.
        accept_unembedded: So many documents may end without an embedding; they are listed with their reasons.
        queries: JSON lines of query, expected ids and within; the alias moves only if all find what they must.
        timeout_minutes: Give up after so many minutes; the task in the cluster goes on.
        when_interrupted: On Ctrl-C or cancel, leave the task running in the cluster or cancel it.

    Example:
        vector-search elastic embed --name films --source movies --fields plot --deployment movies-ingest --target sandbox
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=timeout_minutes)
    plan = EmbedPlan(
        alias=name,
        source=source,
        fields=tuple(embedded_field(text) for text in fields),
        deployment=deployment,
        search_deployment=search_deployment or deployment,
        size=batch_size,
        slices=slices,
        load_allocations=load_allocations,
        final_allocations=final_allocations,
        may_grow=may_grow,
        replicas=replicas,
        accept_unembedded=accept_unembedded,
        queries=Path(queries) if queries else None,
        when_interrupted=when_interrupted,
    )
    with reporting("elastic embed", name, target) as report, holding("elastic", name, deadline):
        changes = embed(settings, plan, report, deadline)
        report.facts["changes"] = changes
        say(f"Did: {listed(changes)}." if changes else "Nothing to do: all of it is there already.")
    return report


def embed(settings: ElasticSettings, plan: EmbedPlan, report: Report, deadline: Deadline) -> list[str]:
    """Chain the steps of an embedding; the tour calls this too. Returns every change that was made."""
    changes: list[str] = []
    _refuse_itself(plan)
    verify_alias(settings, plan.alias)  # the alias comes last, when all inference is paid for
    ingest = _deployment(settings, plan.deployment, "deployment")
    _refuse_scaling(plan, ingest)
    _deployment(settings, plan.search_deployment, "search-deployment")
    if plan.queries:
        list(sample_queries(plan.queries))
    with report.step(f"read the documents of {plan.source}") as step:
        documents = read_source(settings, plan.source)
        sample = read_sample(settings, plan.source, [field.input for field in plan.fields])
        step.saw(f"{documents.documents:,} documents")
    pipeline, index = _specs(plan, documents, ingest.model_id)
    there = read_index(settings, index.name)
    wanted, refused = documents.documents, tuple[Failure, ...]()
    if there is None or not there.content:
        with report.step("texts that the model cuts") as step:
            step.saw(str(read_truncated(settings, plan.source, plan.fields, plan.deployment)))
        changes += _scale(settings, plan, plan.load_allocations, report, deadline)
        with report.step(f"pipeline {pipeline.id}") as step:
            verify_pipeline(settings, pipeline, sample)
            if ensure_pipeline(settings, pipeline):
                changes.append("stored the pipeline")
            step.saw(
                f"embeds {listed(field.input for field in plan.fields)} with {plan.deployment}, seen on a sample"
            )
        with report.step(f"create index {index.name}") as step:
            created = ensure_index(settings, index)
            changes += ["created the index"] if created else []
            step.saw("created" if created else "was there")
        filled = _fill(settings, plan, pipeline.id, index, report, deadline)
        wanted, refused = filled.wanted, filled.refused
        changes.append("embedded the documents")
    changes += _scale(settings, plan, plan.final_allocations, report, deadline)
    _verify(settings, plan, index, wanted, refused, report)
    if ensure_index_settings(settings, index):
        changes.append("set the final settings")
    ensure_content_mark(settings, index.name, documents.content)
    with report.step(f"alias {plan.alias}") as step:
        move = ensure_alias(settings, plan.alias, index.name)
        changes += ["moved the alias"] if move.changed else []
        step.saw(
            f"{'now' if move.changed else 'already'} points at {index.name}, before at {move.previous or 'nothing'}"
        )
    return changes


def _specs(plan: EmbedPlan, documents: SourceState, model: str) -> tuple[PipelineSpec, IndexSpec]:
    """Pipeline and index, named after what they are made from: something else never gets their names."""
    unnamed = inference_pipeline("unnamed", plan.deployment, plan.fields)
    pipeline = inference_pipeline(f"{plan.alias}-{unnamed.spec}", plan.deployment, plan.fields)
    marks = made_from(
        source=plan.source,
        content=documents.content,
        pipeline=pipeline.id,
        deployment=plan.deployment,
        search=plan.search_deployment,
        model=model,
        fields=plan.fields,
    )
    index = IndexSpec(
        name="unnamed",
        properties=embedded_properties(plan.fields, failure=FAILURE_FIELD, source=documents.properties),
        mapping=documents.mapping,
        settings=documents.settings,
        shards=documents.shards,
        replicas=plan.replicas,
        made_from=marks,
    )
    return pipeline, index.model_copy(update={"name": f"{plan.alias}-{index.spec}"})


def _deployment(settings: ElasticSettings, deployment_id: str, option: str) -> DeploymentState:
    there = read_deployment(settings, deployment_id)
    if there is None:
        remedy = f"Start it with `{PROGRAM} elastic deploy`, which names them NAME-ingest and NAME-search."
        raise InvalidInput(
            "There is no such deployment", value=deployment_id, source=f"--{option}", remedy=remedy
        )
    return there


def _refuse_itself(plan: EmbedPlan) -> None:
    if plan.source == plan.alias:
        raise InvalidInput(
            "The embedded documents cannot have the name of their source: every run would embed its own result anew",
            value=plan.alias,
            source="name, source",
            accepted="two names",
        )


def _refuse_scaling(plan: EmbedPlan, ingest: DeploymentState) -> None:
    if (plan.load_allocations is None) != (plan.final_allocations is None):
        raise InvalidInput(
            "Only one of load_allocations and final_allocations is given",
            value=plan.load_allocations or plan.final_allocations,
            remedy="Give both: how many while documents are embedded, and how many afterwards.",
        )
    if plan.load_allocations is not None and ingest.adaptive is not None:
        raise InvalidInput(
            "This deployment has adaptive allocations and grows by itself",
            value=ingest.id,
            remedy="Leave out load_allocations and final_allocations.",
        )


def _scale(
    settings: ElasticSettings, plan: EmbedPlan, allocations: int | None, report: Report, deadline: Deadline
) -> list[str]:
    """As many allocations of the ingest deployment as are wanted now. Returns what was changed."""
    there = _deployment(settings, plan.deployment, "deployment")
    if allocations is None or allocations == there.allocations:
        return []
    spec = there.scaled(allocations)
    if allocations > there.allocations and not plan.may_grow:
        verify_capacity(settings, [spec])
    with report.step(f"set the allocations of {there.id} to {allocations}") as step:
        ensure_deployment(settings, spec, deadline)
        wait_for_deployment(settings, spec, deadline)
        step.saw(f"it had {there.allocations}")
    return [f"set the allocations of {there.id} to {allocations}"]


def _fill(
    settings: ElasticSettings,
    plan: EmbedPlan,
    pipeline: str,
    index: IndexSpec,
    report: Report,
    deadline: Deadline,
) -> Reindexed:
    """Every document in the new index and embedded, as far as that can be."""
    spec = ReindexSpec(
        source=plan.source,
        dest=index.name,
        pipeline=pipeline,
        deployment_id=plan.deployment,
        fields=plan.fields,
    )
    with report.step(f"embed {plan.source} into {index.name}") as step:
        batches = read_batch_plan(settings, spec, size=plan.size, slices=plan.slices)
        step.saw(f"batches of {batches.size:,}, slices: {batches.slices}")
        for why in batches.lowered:
            step.saw(f"lowered: {why}")
        done = apply_reindex(settings, spec, batches, deadline, plan.when_interrupted)
        step.saw(f"{done.documents:,} of {done.wanted:,} documents arrived")
        if done.adopted:
            step.saw("followed the task of an earlier run")
        if done.refused:
            step.saw(f"{len(done.refused):,} are refused by the new index")
        for failure in done.refused[:_SHOWN]:
            step.saw(str(failure))
    with report.step("mend what lacks its embedding") as step:
        mended = apply_mending(settings, spec, batches, deadline, plan.when_interrupted)
        step.saw(f"{mended.mended:,} mended, {mended.left:,} will never have one")
        for one in mended.listed[:_SHOWN]:
            step.saw(f"{one.id}: {one.reason}")
    return done


def _verify(
    settings: ElasticSettings,
    plan: EmbedPlan,
    index: IndexSpec,
    wanted: int,
    refused: tuple[Failure, ...],
    report: Report,
) -> None:
    with report.step(f"verify {index.name}") as step:
        complete = verify_completeness(
            settings,
            index.name,
            plan.fields,
            wanted=wanted,
            accepted=plan.accept_unembedded,
            refused=refused,
        )
        step.saw(f"{complete.documents:,} documents, {complete.unembedded:,} without an embedding")
        for field in plan.fields:
            scores = verify_scores(settings, index.name, field, plan.search_deployment)
            step.saw(f"{scores.compared} scores recomputed, off by {scores.largest_difference:.1e} at most")
        if plan.queries:
            first = plan.fields[0].output
            found = verify_queries(settings, index.name, first, plan.search_deployment, plan.queries)
            step.saw(f"{found.found} of {found.queries} sample queries find what they must")
