"""The steps of a build, from a file of vectors to an index that answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.confirmation import Question, agree
from flows.databricks.options import DatabricksRun
from flows.databricks.plans import build_plan
from tasks.databricks.costs import hourly_cost
from tasks.databricks.data import RowSource
from tasks.databricks.endpoints import (
    EndpointState,
    apply_content_mark,
    ensure_endpoint,
    wait_for_endpoint,
)
from tasks.databricks.indexes import IndexState, ensure_index, read_index_to_change, wait_for_index
from tasks.databricks.loading import apply_removal_of_strays, apply_rows
from tasks.databricks.searches import read_count
from tasks.databricks.source_tables import apply_table_rows, ensure_table, read_row_count
from tasks.databricks.specs import IndexSpec
from tasks.databricks.syncs import apply_sync, wait_for_sync
from tasks.databricks.verification import verify_count, verify_recall
from tasks.measures.verification import SearchRecall
from tasks.plurals import counted
from tasks.progress import say
from tasks.vertex.data.validation import ValidatedVectors

MOST_QUERIES = 1000
"""Queries that a build measures recall with."""


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """The result that a build is to reach."""

    source: RowSource
    index: IndexSpec
    min_recall: float = 0.9


@dataclass
class BuiltIndex:
    """What a build did."""

    index: IndexState
    count: int = 0
    """Rows in the index."""
    recall: SearchRecall | None = None
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty if everything was already there."""


def build(run: DatabricksRun, plan: IndexPlan, validated: ValidatedVectors, *, yes: bool) -> BuiltIndex:
    """Chain the steps of a build.

    Args:
        run: the run that this is part of.
        plan: the result to reach.
        validated: the data, as validation found them.
        yes: agree to costs and to the replacement of content.
    """
    settings, report, deadline, spec = run.settings, run.report, run.deadline, plan.index
    # What belongs to others and differences that cannot be changed in place are found before anything is changed or billed.
    endpoint, there = read_index_to_change(settings, spec)
    agree(
        [*_cost(run, validated, there), *_replacement(validated, endpoint, there)],
        yes=yes,
        plan=lambda: build_plan(run, spec, validated, endpoint, there),
    )

    changes = list[str]()
    if spec.index_type == "DELTA_SYNC":
        _fill_table(run, plan, validated, changes)
    with report.step(f"create endpoint {spec.name}") as step:
        marked = ensure_endpoint(
            settings, spec.name, spec=spec.spec, content=validated.content, has_index=there is not None, deadline=deadline
        ).there  # fmt: skip
        # Asked of the first look, not of the step: after a lost reply its retry finds what this run created.
        if endpoint is None:
            changes.append("created the endpoint")
        step.saw(wait_for_endpoint(settings, spec.name, deadline).state)
    with report.step(f"create index {spec.name}") as step:
        index = ensure_index(settings, spec, deadline).there
        if there is None:
            changes.append("created the index")
        index = wait_for_index(settings, spec.name, deadline)
        step.saw(f"{index.full_name}, {counted(index.dimensions, 'dimension')}, {index.state}")
    built = BuiltIndex(index, changes=changes)

    if marked.content != validated.content:
        with report.step(f"load rows into {spec.name}") as step:
            step.saw(
                _load(run, plan, validated, marked, there, index, changes)
                if index.is_direct
                else _sync(run, plan, marked, there, validated.content)
            )
    with report.step(f"count the rows of {spec.name}") as step:
        built.count = read_count(settings, index)
        step.saw(f"{built.count:,}")
        if built.count != validated.rows:
            step.saw(f"the file has {counted(validated.rows, 'row')}: others were added or removed since")
    with report.step("recall@10") as step:
        if validated.queries:
            # What others added is nearer than some rows of the file, which is no fault of the index.
            gate = plan.min_recall if built.count == validated.rows else None
            built.recall = verify_recall(
                settings, index, plan.source, deadline, queries=MOST_QUERIES, min_recall=gate
            )
            step.saw(str(built.recall))
        else:
            step.saw("not measured: the file has no queries")
    return built


def _fill_table(run: DatabricksRun, plan: IndexPlan, validated: ValidatedVectors, changes: list[str]) -> None:
    """Make the source table and bring its rows; an index is made of what is there."""
    settings, name, content = run.settings, plan.index.name, validated.content
    with run.report.step(f"fill the source table of {name}") as step:
        ensured = ensure_table(settings, plan.index, run.deadline)
        if ensured.changed:
            changes.append("created the source table")
        if ensured.there.content != content:
            apply_table_rows(settings, plan.index, plan.source, content, run.deadline)
            changes.append(f"loaded {counted(validated.rows, 'row')} into it")
        step.saw(f"{ensured.there.full_name}, content {content}")


def _sync(
    run: DatabricksRun, plan: IndexPlan, marked: EndpointState, there: IndexState | None, content: str
) -> str:
    """Let an index follow its table. A new one does so by itself; what an earlier run began is followed."""
    settings, name, deadline = run.settings, plan.index.name, run.deadline
    if there is not None:
        if marked.coming != content:
            apply_content_mark(settings, name, coming=content, replaces=True)
        apply_sync(settings, name, deadline)
    rows = read_row_count(settings, name, deadline)
    index = wait_for_sync(settings, name, rows, deadline)
    apply_content_mark(settings, name, content=content)
    return f"{index.state}, {index.rows:,} rows"


def _cost(run: DatabricksRun, validated: ValidatedVectors, there: IndexState | None) -> list[Question]:
    """Ask before an index is made. A sandbox costs nothing, so nothing is asked."""
    if there is not None:
        return []
    cost = hourly_cost(validated.rows, validated.dimensions)
    if run.settings.is_sandbox:
        say(f"{cost} The sandbox costs nothing.")
        return []
    say(cost)
    return [Question("create the index", cost)]


def _replacement(
    validated: ValidatedVectors, endpoint: EndpointState | None, there: IndexState | None
) -> list[Question]:
    """Ask before other content replaces what is searched, also in a sandbox; a load that began was agreed to then."""
    if endpoint is None or there is None or not there.rows:
        return []
    if validated.content in (endpoint.content, endpoint.coming):
        return []
    consequence = (
        f"It would hold {counted(validated.rows, 'row')} in place of {there.rows:,}; those that were added since the last build are "
        "lost, and until it is done queries find some of both."
    )
    return [Question("replace all rows of the index", consequence)]


def _load(
    run: DatabricksRun,
    plan: IndexPlan,
    validated: ValidatedVectors,
    marked: EndpointState,
    there: IndexState | None,
    index: IndexState,
    changes: list[str],
) -> str:
    """Bring the rows of a content, continuing what an earlier run began, and mark them as there."""
    settings, name, deadline = run.settings, plan.index.name, run.deadline
    content, rows = validated.content, validated.rows
    replaces = marked.replaces or marked.coming != content
    if marked.coming != content:
        apply_content_mark(settings, name, coming=content, replaces=True)
    # Into an index that was empty nothing but this content was loaded: when all are there, they are these.
    if there is not None and not replaces and read_count(settings, index) == rows:
        said = f"all {rows:,} were there"
    else:
        sent = apply_rows(settings, index, plan.source, rows, deadline)
        changes.append(f"loaded {counted(sent, 'row')}")
        said = f"{sent:,} sent"
        if replaces and (gone := apply_removal_of_strays(settings, index, plan.source, deadline)):
            changes.append(f"removed {counted(gone, 'other row')}")
    verify_count(settings, index, rows, deadline)
    apply_content_mark(settings, name, content=content)
    return said
