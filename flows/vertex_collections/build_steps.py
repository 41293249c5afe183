"""The steps of a build, from a file of vectors to an indexed collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flows.confirmation import Question, agree, billed
from flows.vertex_collections.options import CollectionsRun
from flows.vertex_collections.plans import build_plan
from tasks.plurals import counted
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.import_data import (
    DataSource,
    ensure_local_import_files,
    forget_local_import_files,
    local_folder,
)
from tasks.vertex.imports.storage import apply_import_files, remove_import_files
from tasks.vertex_collections.collections import (
    CollectionState,
    apply_content_mark,
    ensure_collection,
    read_collection_to_change,
    wait_for_collection,
)
from tasks.vertex_collections.imports import apply_import, files_of, remove_import_errors, wait_for_imports
from tasks.vertex_collections.indexes import (
    CollectionIndexState,
    ensure_collection_index,
    read_collection_index_to_change,
    wait_for_collection_index,
)
from tasks.vertex_collections.loading import apply_data_objects, apply_removal_of_strays
from tasks.vertex_collections.searches import read_count
from tasks.vertex_collections.specs import CollectionIndexSpec, CollectionSpec
from tasks.vertex_collections.verification import CollectionRecall, verify_count, verify_recall

Load = Literal["auto", "import", "batches"]
MOST_IN_BATCHES = 10_000
"""Rows that are sent in batches by default: ten calls, which end before an import has begun."""
MOST_QUERIES = 1000
"""Searches that a build measures recall with."""


@dataclass(frozen=True, kw_only=True)
class CollectionPlan:
    """The result that a build is to reach."""

    source: DataSource
    collection: CollectionSpec
    index: CollectionIndexSpec | None
    """None for no index."""
    load: Load = "auto"
    """How data objects are brought, if they are; the result is the same."""
    min_recall: float = 0.9

    @property
    def name(self) -> str:
        """The name of everything that is built."""
        return self.collection.name

    def imports(self, rows: int) -> bool:
        """Whether this many rows go through the bucket."""
        return self.load == "import" or (self.load == "auto" and rows > MOST_IN_BATCHES)


@dataclass
class BuiltCollection:
    """What a build did."""

    collection: CollectionState
    index: CollectionIndexState | None = None
    count: int = 0
    """Data objects in the collection."""
    recall: CollectionRecall | None = None
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty if everything was already there."""


def build(
    run: CollectionsRun, plan: CollectionPlan, validated: ValidatedVectors, *, yes: bool
) -> BuiltCollection:
    """Chain the steps of a build.

    Args:
        run: the run that this is part of.
        plan: the result to reach.
        validated: the data, as validation found them.
        yes: agree to costs and to the replacement of content.
    """
    settings, report, deadline, name = run.settings, run.report, run.deadline, plan.name
    # Resources of others and differences that cannot be changed in place are found before anything is changed or billed.
    there = read_collection_to_change(settings, plan.collection, deadline)
    index = None
    if plan.index is not None and there is not None:
        index = read_collection_index_to_change(settings, plan.index, deadline)
    count = 0 if there is None or there.making else read_count(settings, name)
    cost = _cost(plan, index)
    agree(
        [*_cost_questions(run, index, cost), *_replacement(there, validated, count)],
        yes=yes,
        plan=lambda: build_plan(
            run, plan.collection, plan.index, validated,
            there=there, count=count, index_there=index, imports=plan.imports(validated.rows), cost=cost,
        ),
    )  # fmt: skip

    changes = list[str]()
    with report.step(f"collection {name}", changes) as step:
        state = ensure_collection(
            settings, plan.collection, content=validated.content, deadline=deadline
        ).there
        # Asked of the first look, not of the step: after a lost reply its retry finds what this run created.
        if there is None:
            changes.append("created the collection")
        state = wait_for_collection(settings, plan.collection, state, deadline, run.when_interrupted)
        step.saw(f"field {state.vector_field}, {state.dimensions} dimensions, {state.metric}")
    built = BuiltCollection(state, changes=changes)

    if state.content != validated.content:
        with report.step(f"load data objects into {name}") as step:
            step.saw(_load(run, plan, validated, there, state, changes))
    with report.step(f"count the data objects of {name}") as step:
        built.count = read_count(settings, name)
        step.saw(f"{built.count:,}")
        if built.count != validated.rows:
            step.saw(f"the file has {counted(validated.rows, 'row')}: others were added or removed since")
    if plan.index is not None:
        with report.step(f"index of {name}", changes) as step:
            built.index = _index(run, plan.index, index, changes)
            least, most = built.index.replicas
            step.saw(f"{built.index.metric} with {least} to {most} replicas")
    with report.step("recall@10") as step:
        if validated.queries:
            # What others added is nearer than some rows of the file, which is no fault of the collection.
            gate = plan.min_recall if built.count == validated.rows else None
            built.recall = verify_recall(
                settings,
                state,
                built.index,
                plan.source,
                deadline,
                queries=MOST_QUERIES,
                min_recall=gate,
            )
            step.saw(str(built.recall))
        else:
            step.saw("not measured: the file has no queries")
    return built


def _cost(plan: CollectionPlan, there: CollectionIndexState | None) -> str:
    """What a new index, or its new replicas, cost by the hour, in words; empty if nothing is new."""
    if plan.index is None:
        return ""
    replicas = plan.index.replicas(there.replicas if there else None)
    if there is not None and replicas[0] <= there.replicas[0] and replicas[1] <= there.replicas[1]:
        return ""
    return (
        f"An index costs the hours of {replicas[0]} to {replicas[1]} replicas until it is deleted, searched or not; the price "
        "list says how much: https://cloud.google.com/vertex-ai/pricing."
    )


def _cost_questions(run: CollectionsRun, there: CollectionIndexState | None, cost: str) -> list[Question]:
    """Ask before an index is made, or gets more replicas. A sandbox costs nothing, so nothing is asked."""
    if not cost:
        return []
    step = "create the index" if there is None else "raise the replicas"
    return billed(step, cost, is_sandbox=run.settings.is_sandbox)


def _replacement(there: CollectionState | None, validated: ValidatedVectors, count: int) -> list[Question]:
    """Ask before other content replaces what is searched, also in a sandbox; a load that began was agreed to then."""
    if there is None or not count or validated.content in (there.content, there.coming):
        return []
    consequence = (
        f"It would hold {validated.rows:,} data objects in place of {count:,}; those that were added since the last build are "
        "lost, and until it is done searches find some of both."
    )
    return [Question("replace all data objects of the collection", consequence)]


def _load(
    run: CollectionsRun,
    plan: CollectionPlan,
    validated: ValidatedVectors,
    there: CollectionState | None,
    state: CollectionState,
    changes: list[str],
) -> str:
    """Bring the data objects of a content, continuing what an earlier run began, and mark them as there."""
    settings, name, deadline = run.settings, plan.name, run.deadline
    content, rows = validated.content, validated.rows
    if there is not None and not state.content:
        wait_for_imports(settings, name, deadline)
    replaces = state.replaces or state.coming != content
    if state.coming != content:
        apply_content_mark(settings, name, deadline, coming=content, replaces=True)
    # Into a collection that was empty nothing but this content was loaded: when all are there, they are these.
    if there is not None and not replaces and read_count(settings, name) == rows:
        said = f"all {rows:,} were there"
    else:
        said = (_import if plan.imports(rows) else _send)(run, plan, validated, changes)
        if replaces and (gone := apply_removal_of_strays(settings, name, plan.source, rows, deadline)):
            changes.append(f"removed {gone:,} others")
    verify_count(settings, name, rows, deadline)
    if plan.imports(rows):
        remove_import_files(settings, files_of(name))
        remove_import_errors(settings, name)
    apply_content_mark(settings, name, deadline, content=content)
    return said


def _send(run: CollectionsRun, plan: CollectionPlan, validated: ValidatedVectors, changes: list[str]) -> str:
    sent = apply_data_objects(run.settings, plan.name, plan.source, validated.rows, run.deadline)
    changes.append(f"loaded {sent:,} data objects")
    return f"{sent:,} sent in batches"


def _import(
    run: CollectionsRun, plan: CollectionPlan, validated: ValidatedVectors, changes: list[str]
) -> str:
    settings, content, files = run.settings, validated.content, files_of(plan.name)
    ensure_bucket(settings)
    written = ensure_local_import_files(settings, files, plan.source, content).there
    # Writing the files takes time: meanwhile the teardown of another name may have deleted the bucket, while it was empty.
    ensure_bucket(settings)
    upload = apply_import_files(settings, files, content, written, local_folder(settings, files, content))
    forget_local_import_files(settings, files)
    imported = apply_import(settings, plan.name, content, validated.rows, run.deadline, run.when_interrupted)
    changes.append(f"imported {imported.data_objects:,} data objects")
    return (
        f"{upload.uploaded} uploaded, {upload.unchanged} unchanged, {upload.bytes_sent:,} bytes; "
        f"{imported.data_objects:,} imported"
    )


def _index(
    run: CollectionsRun, spec: CollectionIndexSpec, there: CollectionIndexState | None, changes: list[str]
) -> CollectionIndexState:
    while True:
        begun = ensure_collection_index(run.settings, spec, run.deadline)
        if there is None and "created the index" not in changes:
            changes.append("created the index")
        elif begun.did == "changed":
            changes.append("changed the replicas")
        state = wait_for_collection_index(run.settings, spec, begun.there, run.deadline, run.when_interrupted)
        # What an earlier run started can be compared with the request only once it has ended.
        if begun.did != "adopted":
            return state
