"""How well and how fast an index serves: recall against exact search, latency, throughput.

The truth is computed from the data itself under the index's own distance measure and norm; the `neighbors` in a data file
hold for another measure. Nothing is changed.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from tasks.errors import GateNotMet, InvalidInput
from tasks.measures.latency import latency_percentiles
from tasks.measures.neighbors import ExactNeighbors, exact_neighbors
from tasks.measures.recall import recall_at_k
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.data.formats.errors import NoQueries
from tasks.vertex.datapoints.vectors import Floats, parsed
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import QUERIES_PER_REQUEST, answer
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings

TIES = 2
"""The truth is this many times deeper than k, so that rows at the same distance as the k-th are known."""
ATTEMPTS = 5
"""Per request: among thousands one may fail without repeating all."""


class Recall(BaseModel, frozen=True):
    """One measurement of a served index."""

    name: str
    k: int
    queries: int
    recall: float
    """Found of the k true neighbors, mean over the queries, 0 to 1."""
    p50: float
    """Milliseconds of single queries, from here: network included."""
    p90: float
    p99: float
    queries_per_second: float
    """With many queries in one request, one request at a time."""
    fraction: float | None
    """Part of the leaves searched; None: the index's own setting."""
    min_recall: float | None
    """The gate; None: measured only."""

    @property
    def is_good_enough(self) -> bool:
        """Whether the gate is met."""
        return self.min_recall is None or self.recall >= self.min_recall

    def __str__(self) -> str:
        searched = "" if self.fraction is None else f" searching {self.fraction:g} of the leaves"
        return (
            f"recall@{self.k} {self.recall:.3f}{searched} ({self.queries:,} queries; p50 {self.p50:.1f}, p90 {self.p90:.1f}, "
            f"p99 {self.p99:.1f} ms; batched {self.queries_per_second:,.0f} queries/s)"
        )


class RecallTooLow(GateNotMet):
    """The index finds too few of the true neighbors."""

    def __init__(self, measured: Recall) -> None:
        self.recall = measured
        super().__init__(
            f"recall@{measured.k} of {measured.name}",
            measured=f"{measured.recall:.3f}",
            wanted=f"at least {measured.min_recall}",
            remedy=_what_to_try(measured),
        )


class Truth:
    """Queries and their true neighbors, for any number of measurements.

    No dataclass: Prefect would walk through every id of it, for every step that it is given to.
    """

    def __init__(self, queries: Floats, neighbors: ExactNeighbors, k: int) -> None:
        self.queries, self.neighbors, self.k = queries, neighbors, k


@step("search {source.data} exactly")
def read_truth(
    settings: VertexSettings,
    served: ServedIndex,
    source: DataSource,
    *,
    k: int = 10,
    queries: int | None = None,
) -> Truth:
    """The true neighbors of the queries (`test`) of a data file among its rows, under an index's measure and norm.

    Args:
        settings: the target.
        served: the index. The truth serves for every index of the same rows, measure and norm.
        source: the data that it was built from.
        k: neighbors per query.
        queries: only the first N queries; None for all.

    Raises:
        InvalidInput: the data has no queries or other dimensions than the index.
    """
    with opened(settings, source) as file:
        if not file.query_rows:
            raise NoQueries(source.data)
        asked: Floats = file.queries(queries)
        if file.dimensions != served.dimensions:
            raise InvalidInput(
                f"The data has another number of dimensions than the index {served.name}",
                value=file.dimensions, source=source.data, accepted=str(served.dimensions),
            )  # fmt: skip
        say(f"Exact search of {len(asked):,} queries in {file.rows:,} rows, {served.distance_measure}")
        neighbors = exact_neighbors(
            file.blocks(), asked, TIES * k, measure=served.distance_measure, feature_norm=served.feature_norm
        )
    return Truth(asked, neighbors, k)


@step("measure recall of {served.name}")
def verify_recall(
    settings: VertexSettings,
    served: ServedIndex,
    truth: Truth,
    *,
    min_recall: float | None = None,
    fraction: float | None = None,
    approximate_neighbor_count: int | None = None,
) -> Recall:
    """Measure recall@k of a served index, k being the truth's.

    Args:
        settings: the target.
        served: the index. It must hold the rows of the truth; a row that was changed since counts against it.
        truth: from `read_truth`.
        min_recall: the gate, 0 to 1; None measures only.
        fraction: `fraction_leaf_nodes_to_search_override` of every query; None leaves the index's own.
        approximate_neighbor_count: of every query; None leaves the index's own.

    Raises:
        RecallTooLow: the gate is not met; says what to try.
        InvalidInput: a parameter is out of its range.
    """
    k = truth.k
    questions = [
        parsed(
            Query,
            {
                "vector": row,
                "neighbor_count": k,
                "fraction_leaf_nodes_to_search_override": fraction,
                "approximate_neighbor_count": approximate_neighbor_count,
            },
            what="query",
        )
        for row in truth.queries
    ]
    answer(settings, served, questions[:1], per_request=1)  # opens the channel, which nobody's latency shows
    single = answer(settings, served, questions, per_request=1, attempts=ATTEMPTS)
    batched = answer(settings, served, questions, per_request=QUERIES_PER_REQUEST, attempts=ATTEMPTS)
    latency = latency_percentiles(single.milliseconds)
    measured = Recall(
        name=served.name,
        k=k,
        queries=len(questions),
        recall=recall_at_k([[found.id for found in each] for each in single.neighbors], truth.neighbors, k),
        p50=latency.p50,
        p90=latency.p90,
        p99=latency.p99,
        queries_per_second=len(questions) / float(np.sum(batched.milliseconds)) * 1000,
        fraction=fraction,
        min_recall=min_recall,
    )
    say(f"{served.name}: {measured}")
    if not measured.is_good_enough:
        raise RecallTooLow(measured)
    return measured


def _what_to_try(measured: Recall) -> str:
    if measured.fraction == 1:
        return (
            "All leaves are searched already: request more approximate neighbors (about ten times k), and make sure that the "
            "index was built from this data."
        )
    higher = 0.2 if measured.fraction is None else min(1.0, 2 * measured.fraction)
    return (
        "Search more of the leaves, at the cost of latency, with "
        f"--fraction-leaf-nodes-to-search-override {higher:g}; 1 searches all."
    )
