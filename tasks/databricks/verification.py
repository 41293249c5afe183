"""How well and how fast an index is searched: recall against exact search under the service's score, and latency."""

from __future__ import annotations

import time

from pydantic import BaseModel

from tasks.databricks.data import RowSource, opened
from tasks.databricks.indexes import IndexState
from tasks.databricks.searches import Found, Query, find, read_count
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import GateNotMet, InvalidInput
from tasks.measures.latency import latency_percentiles
from tasks.measures.neighbors import exact_neighbors
from tasks.measures.recall import recall_at_k
from tasks.progress import Progress, say
from tasks.steps import step
from tasks.vertex.data.formats.errors import NoQueries
from tasks.waiting import Deadline, Look, Unchanged, attempt_until

TIES = 2
"""The truth is this many times deeper than k, so that rows at the same distance as the k-th are known."""
SETTLED_SECONDS = 20.0
"""A wrong count that is the same for so long stays wrong."""


class IndexRecall(BaseModel, frozen=True):
    """One measurement of an index."""

    name: str
    k: int
    queries: int
    recall: float
    """Found of the k true neighbors, mean over the queries, 0 to 1."""
    p50: float
    """Milliseconds of single queries, from here: network included."""
    p90: float
    p99: float
    min_recall: float | None
    """The gate; None: measured only."""

    def __str__(self) -> str:
        return (
            f"recall@{self.k} {self.recall:.3f} ({self.queries:,} queries; p50 {self.p50:.1f}, p90 {self.p90:.1f}, "
            f"p99 {self.p99:.1f} ms)"
        )


@step("check the number of rows of index {index.name}")
def verify_count(settings: DatabricksSettings, index: IndexState, rows: int, deadline: Deadline) -> None:
    """See that an index holds as many rows as were loaded. Counts may lag, so it is looked at for a while.

    Raises:
        GateNotMet: it holds another number, and that does not change.
    """
    unchanged = Unchanged()

    def look() -> Look[bool]:
        count = read_count.fn(settings, index)
        if count != rows and unchanged.seconds(count) > SETTLED_SECONDS:
            raise GateNotMet(
                f"The number of rows in index {index.name}", measured=f"{count:,}", wanted=f"{rows:,}",
                remedy="Somebody else may have changed them. Run it again to load them again.",
            )  # fmt: skip
        return Look(seen=f"{count:,} of {rows:,}", value=True, done=count == rows)

    attempt_until(f"count the rows of index {index.name}", look, deadline)


@step("measure recall of index {index.name}")
def verify_recall(
    settings: DatabricksSettings,
    index: IndexState,
    source: RowSource,
    deadline: Deadline,
    *,
    k: int = 10,
    queries: int | None = None,
    min_recall: float | None = None,
) -> IndexRecall:
    """Measure recall@k of an index against exact search in a data file.

    The service's score, 1 / (1 + squared L2 distance), falls with the distance, so the truth is that of squared L2.

    Args:
        settings: the target.
        index: it must hold the rows of the file; a row that was changed since counts against it.
        source: the file that it was built from, with queries.
        deadline: for all queries.
        k: neighbors per query.
        queries: only the first N queries; None for all.
        min_recall: the gate, 0 to 1; None measures only.

    Raises:
        GateNotMet: recall is too low.
        NoQueries, InvalidInput: the data has no queries, or other dimensions.
    """
    with opened(source) as file:
        if not file.has_queries or not file.query_rows:
            raise NoQueries(source.data)
        if file.dimensions != index.dimensions:
            raise InvalidInput(
                f"The data has another number of dimensions than the index {index.name}",
                value=file.dimensions, source=source.data, accepted=str(index.dimensions),
            )  # fmt: skip
        asked = file.queries(queries)
        say(f"Exact search of {len(asked):,} queries in {file.rows:,} rows, by squared L2 distance")
        truth = exact_neighbors(file.blocks(), asked, TIES * k, measure="SQUARED_L2_DISTANCE")
    found, seconds = list[list[str]](), list[float]()
    with Progress(f"query index {index.name}") as progress:
        for number, vector in enumerate(asked.tolist(), 1):
            answers, took = _timed(settings, index, Query(vector=tuple(vector), num_results=k), deadline)
            found.append([each.id for each in answers])
            seconds.append(took)
            progress.count(number, len(asked), "queries")
    latency = latency_percentiles(seconds[1:] or seconds)  # the first one opens the connection
    measured = IndexRecall(
        name=index.name,
        k=k,
        queries=len(asked),
        recall=recall_at_k(found, truth, k),
        p50=latency.p50 * 1000,
        p90=latency.p90 * 1000,
        p99=latency.p99 * 1000,
        min_recall=min_recall,
    )
    say(f"{index.name}: {measured}")
    if min_recall is not None and measured.recall < min_recall:
        raise GateNotMet(
            f"recall@{k} of index {index.name}",
            measured=f"{measured.recall:.3f}",
            wanted=f"{min_recall:g} or more",
            remedy="The service has no setting for recall. Make sure that the index was built from this data.",
        )
    return measured


def _timed(
    settings: DatabricksSettings, index: IndexState, query: Query, deadline: Deadline
) -> tuple[tuple[Found, ...], float]:
    """The answer to a query and its seconds; one that fails for now is tried again."""

    def attempt() -> Look[tuple[tuple[Found, ...], float]]:
        began = time.perf_counter()
        answers = find(settings, index, query)
        return Look(seen="answered", value=(answers, time.perf_counter() - began), done=True)

    return attempt_until(f"query index {index.name}", attempt, deadline)
