"""`databricks tour`: an index through its whole life, each step checked.

A file's first half becomes an index, the whole of it the next version. Every change has an answer that must follow from it; the flow
queries, compares and fails if they differ: that makes this a check and not only a demonstration.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pydantic import Field

from flows.confirmation import Question, agree
from flows.databricks.build_steps import BuiltIndex, IndexPlan, build
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, DatabricksRun, DataOptions
from flows.databricks.teardown import teardown
from flows.databricks.tour_queries import query_every_way, upsert_a_row, verify_best
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.versions.changes import serve
from tasks.databricks.costs import hourly_cost
from tasks.databricks.data import Row, RowSource, read_rows, read_validated
from tasks.databricks.endpoints import ensure_served
from tasks.databricks.indexes import read_index
from tasks.databricks.inventory import read_inventory, refuse_foreign_indexes
from tasks.databricks.specs import ColumnName, IndexSpec, Name
from tasks.databricks.verification import verify_recall
from tasks.databricks.versions import ensure_rollback, ensure_swap, read_free_name
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.validation import ValidatedVectors

VECTOR = "embedding"


class TourOptions(DataOptions, Confirmed, Timed, frozen=True):
    """The options of `databricks tour`."""

    name: Name = Field(description="Names what is built; all of it is removed at the end.")
    data: str = Field(description=f"File of vectors and queries: {DATA}")
    text_column: ColumnName = Field(
        default="train_words", description="Dataset or column of texts, which is searched by words."
    )
    limit: int | None = Field(default=None, ge=4, description="Take only the first N rows.")
    min_recall: float = Field(default=0.9, gt=0, le=1, description="The recall@10 to reach.")
    yes: bool = agreement("the cost")
    timeout_minutes: float = timeout(240)


@dataclass(frozen=True)
class _Part:
    """Data of the tour: the first half of the file, or all of it."""

    plan: IndexPlan
    validated: ValidatedVectors
    source: RowSource


@engine_flow(DATABRICKS, "tour", run_name="tour {name} on {target}")
def tour(options: TourOptions) -> Report:
    """Take vectors through the whole life of an index, check each step, and leave nothing behind.

    Build the first half of a file, query it by a vector, by words and by both, upsert a row, build the whole file as a new version, verify
    it, roll back, swap, tear down. Fails if an answer is not the one that must follow from a step.

    Example:
        vector-search databricks tour --name tour --data sandbox/data/glove-100-sample.hdf5 --target sandbox
    """
    source = options.row_source(options.data, options.limit, (options.text_column,))
    with running(DATABRICKS, "tour", options) as run:
        with run.report.step("validate the data") as step:
            whole = _part(options, source)
            half = _part(options, replace(source, limit=whole.validated.rows // 2))
            step.saw(
                f"{counted(half.validated.rows, 'row')}, then {whole.validated.rows:,}, of {counted(whole.validated.dimensions, 'dimension')}"
            )
        # What is under the name goes at the end, so that nothing but an interrupted tour's may be there.
        contents = (half.validated.content, whole.validated.content)
        agree(_cost(run, options.name, half, whole, contents), yes=options.yes)
        with _saying_what_stays(options.name):
            _live(run, options, half, whole)
    return run.report


def _live(run: DatabricksRun, options: TourOptions, half: _Part, whole: _Part) -> None:
    settings, report, name = run.settings, run.report, options.name
    rows = read_rows(whole.source, VECTOR, (0, whole.validated.rows - 1))
    first = _built(run, half)
    if not first.is_served:
        serve(run, name, first.index.version, ensure_served)
    query_every_way(run, first.index, rows[0], options.text_column)
    new = upsert_a_row(run, first.index, rows[0], options.text_column)

    second = _built(run, whole)
    with report.step("the first version answers until the new one is served") as step:
        index = read_index(settings, name)
        step.saw(verify_best(settings, index, new, is_there=True))
    serve(run, name, second.index.version, ensure_served)
    _check_served(run, name, rows[1], is_there=True)
    with report.step("recall@10 of what is served") as step:
        index = read_index(settings, name)
        source, gate = whole.source, options.min_recall
        step.saw(str(verify_recall(settings, index, source, run.deadline, min_recall=gate)))

    with report.step(f"roll back {name}") as step:
        step.saw(f"serves {ensure_rollback(settings, name).there.serves}")
    _check_served(run, name, rows[1], is_there=False)
    with report.step(f"swap {name} to {second.index.version}") as step:
        step.saw(f"serves {ensure_swap(settings, name, second.index.version).there.serves}")
    _check_served(run, name, rows[1], is_there=True)
    there = read_inventory(settings, name)
    refuse_foreign_indexes(name, there)
    teardown(run, name, there)


def _part(options: TourOptions, source: RowSource) -> _Part:
    validated, types = read_validated(source, VECTOR, queries_needed=True)
    spec = IndexSpec(
        name=options.name, dimensions=validated.dimensions, vector_column=VECTOR, data_columns=types
    )
    return _Part(
        IndexPlan(source=source, index=spec, as_version=True, min_recall=options.min_recall),
        validated,
        source,
    )


def _built(run: DatabricksRun, part: _Part) -> BuiltIndex:
    """A version with this data, built unless it is there. Its cost was agreed to."""
    return build(run, part.plan, part.validated, yes=True)


def _check_served(run: DatabricksRun, name: str, row: Row, *, is_there: bool) -> None:
    """See that what is served holds the last row of the file, which only the new version does, or not."""
    holds = "finds" if is_there else "does not find"
    with run.report.step(f"a query {holds} the last row of the file") as step:
        index = read_index(run.settings, name)
        step.saw(f"{index.full_name}: {verify_best(run.settings, index, row, is_there=is_there)}")


def _cost(
    run: DatabricksRun, name: str, half: _Part, whole: _Part, contents: tuple[str, str]
) -> list[Question]:
    """Ask once for both indexes. A sandbox costs nothing, so nothing is asked."""
    there = read_free_name(run.settings, name, contents)
    if there is not None and there.indexes == len(contents):
        return []
    dimensions = whole.validated.dimensions
    cost = hourly_cost(whole.validated.rows, dimensions, [(half.validated.rows, dimensions)])
    if run.settings.is_sandbox:
        return []
    say(cost)
    return [Question("create two indexes, which are removed at the end", cost)]


@contextmanager
def _saying_what_stays(name: str) -> Generator[None]:
    try:
        yield
    except BaseException:
        say(
            "The tour did not finish. What it built stays, and the same command resumes; to remove it: "
            f"`{command('databricks teardown', name=name, yes=True)}`."
        )
        raise
