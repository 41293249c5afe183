"""The chain of an embedding, whichever way: from the documents of an index to a verified one that the alias points at."""

from __future__ import annotations

from typing import Any

from flows.confirmation import agree
from flows.elastic.embedding.plan import Embedder, EmbedPlan
from flows.elastic.embedding.sources import read_from, read_remote, refuse_itself, refuse_own, refuse_taken
from flows.elastic.embedding.way import Way
from flows.elastic.options import ElasticRun
from flows.elastic.plans import adopted, embed_plan
from tasks.elastic.cluster.cluster import verify_release
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.indices.adoption import ensure_adopted, read_adoptable
from tasks.elastic.indices.aliases import ensure_alias, read_alias, read_alias_to_change
from tasks.elastic.indices.indices import (
    ensure_index,
    ensure_index_settings,
    read_index,
)
from tasks.elastic.indices.legacy_texts import refuse_objects
from tasks.elastic.indices.sources import SourceState, read_sample, read_source, verify_different_ids
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.verification.verification import sample_queries, verify_completeness
from tasks.plurals import counted


def embed(run: ElasticRun, way: Way) -> list[str]:
    """Chain the steps of an embedding; the tour and the upgrade call this too. Returns every change that was made."""
    settings, report, plan, changes = run.settings, run.report, way.plan, list[str]()
    if plan.remote is None:
        refuse_itself(plan.source, plan.alias)
    verify_release(settings)  # an old one embeds everything, and refuses the first question after that
    _look_at_alias(settings, plan)  # the alias moves last, when all inference is paid for
    if plan.queries:
        list(sample_queries(plan.queries))
    embedder = way.ask(run)
    documents, sample = _read(run, plan)
    index = way.index(documents, embedder)
    there = read_index(settings, index.name)
    also = way.also(run)
    also += [adopted(read_adoptable(settings, plan.source))] if plan.adopts else []
    agree(
        [],
        yes=True,
        plan=lambda: embed_plan(
            run,
            plan.alias,
            index,
            there,
            documents.documents,
            pipeline=way.pipeline(embedder),
            also=also,
            allocations=way.allocations(run),
        ),
    )
    way.wait(run)
    if plan.adopts:
        _adopt(run, plan.source)
    wanted, refused = documents.documents, tuple[Failure, ...]()
    if there is None or not there.content:
        if way.cluster_reads_source:
            read_remote(run, plan.remote, plan.source, index.name)
        verify_different_ids(plan.remote or settings, documents)
        changes += way.prepare(run, sample, embedder)
        with report.step(f"index {index.name}", changes) as step:
            changes += ["created the index"] if ensure_index(settings, index).changed else []
            step.saw(way.told(embedder))
        filled = way.fill(run, index, embedder)
        wanted, refused = filled.wanted, filled.refused
        changes.append("embedded the documents")
    changes += way.finish(run)
    _verify(run, way, index.name, embedder, wanted, refused)
    way.compare(run, index.name)
    if ensure_index_settings(settings, index).changed:
        changes.append("set the final settings")
    with report.step(f"alias {plan.alias}", changes) as step:
        move = ensure_alias(settings, plan.alias, index.name, documents.content)
        changes += ["moved the alias"] if move.changed else []
        step.saw(
            f"{'now' if move.changed else 'already'} points at {index.name}, before at {move.there.previous or 'nothing'}"
        )
    return changes


def _read(run: ElasticRun, plan: EmbedPlan) -> tuple[SourceState, tuple[dict[str, Any], ...]]:
    """The documents of the source, and a few of them to try the way on."""
    with run.report.step(f"read the documents of {plan.source}") as step:
        source = plan.remote or run.settings
        documents = read_source(source, plan.source, plan.query)
        if plan.remote is None:
            refuse_own(documents, plan.alias)
        refuse_taken(plan.fields, documents)
        inputs = [field.input for field in plan.fields]
        sample = read_sample(source, plan.source, inputs, within=plan.query)
        refuse_objects(plan.source, documents.fields, sample)
        step.saw(read_from(documents))
    return documents, sample


def _look_at_alias(settings: ElasticSettings, plan: EmbedPlan) -> None:
    if plan.adopts:
        there = read_adoptable(settings, plan.source)
        if read_alias(settings, plan.alias).index == there.name:
            return
    read_alias_to_change(settings, plan.alias)


def _adopt(run: ElasticRun, index: str) -> None:
    with run.report.step(f"adopt index {index}") as step:
        step.saw("marked as ours" if ensure_adopted(run.settings, index).changed else "was ours")


def _verify(
    run: ElasticRun,
    way: Way,
    index: str,
    embedder: Embedder,
    wanted: int,
    refused: tuple[Failure, ...],
) -> None:
    plan = way.plan
    with run.report.step(f"verify {index}") as step:
        complete = verify_completeness(
            run.settings, index, plan.fields, wanted=wanted, accepted=plan.accept_unembedded, refused=refused
        )
        step.saw(f"{counted(complete.documents, 'document')}, {complete.unembedded:,} without an embedding")
        way.verify(run, step, index, embedder)
