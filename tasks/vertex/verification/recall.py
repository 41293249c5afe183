"""How well and how fast an index serves: recall against exact search, latency, throughput. Nothing is changed."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from tasks.errors import GateNotMet
from tasks.measures.latency import Histogram, histogram, latency_percentiles
from tasks.measures.recall import recall_at_k
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.datapoints.vectors import parsed
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import QUERIES_PER_REQUEST, answer
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.vertex.verification.truths import QueryKind, Truth

ATTEMPTS = 5
"""Per request: among thousands one may fail without repeating all."""


class Recall(BaseModel, frozen=True):
    """One measurement of a served index."""

    name: str
    kind: QueryKind = "dense"
    """What was asked with."""
    k: int
    queries: int
    recall: float
    """Found of the k true neighbors, mean over the queries, 0 to 1."""
    p50: float
    """Milliseconds of single queries, from here: network included."""
    p90: float
    p99: float
    latencies: Histogram = ()
    """Milliseconds, and how many queries took them."""
    queries_per_second: float
    """With many queries in one request, one request at a time."""
    fraction: float | None
    """Part of the leaves searched; None: the index's own setting."""
    min_recall: float | None
    """The gate; None: measured only."""

    @property
    def what(self) -> str:
        """What was measured: `recall@10`, of other than dense queries `sparse recall@10`."""
        return f"recall@{self.k}" if self.kind == "dense" else f"{self.kind} recall@{self.k}"

    @property
    def fact(self) -> str:
        """Its name in a report."""
        return "recall" if self.kind == "dense" else f"{self.kind}_recall"

    @property
    def is_good_enough(self) -> bool:
        """Whether the gate is met."""
        return self.min_recall is None or self.recall >= self.min_recall

    def __str__(self) -> str:
        searched = "" if self.fraction is None else f" searching {self.fraction:g} of the leaves"
        return (
            f"{self.what} {self.recall:.3f}{searched} ({self.queries:,} queries; p50 {self.p50:.1f}, p90 {self.p90:.1f}, "
            f"p99 {self.p99:.1f} ms; batched {self.queries_per_second:,.0f} queries/s)"
        )


class RecallTooLow(GateNotMet):
    """The index finds too few of the true neighbors; says what to try."""

    def __init__(self, measured: Recall, remedy: str) -> None:
        self.recall = measured
        super().__init__(
            f"{measured.what} of {measured.name}",
            measured=f"{measured.recall:.3f}",
            wanted=f"at least {measured.min_recall}",
            remedy=remedy,
            facts={measured.fact: measured.model_dump()},
        )


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
        truth: one kind of queries and their true neighbors.
        min_recall: the gate, 0 to 1; None measures only.
        fraction: `fraction_leaf_nodes_to_search_override` of every query; None leaves the index's own.
        approximate_neighbor_count: of every query; None leaves the index's own.

    Raises:
        RecallTooLow: the gate is not met; says what to try.
        InvalidInput: a parameter is out of its range.
    """
    k = truth.k
    every = {
        "neighbor_count": k,
        "fraction_leaf_nodes_to_search_override": fraction,
        "approximate_neighbor_count": approximate_neighbor_count,
    }
    questions = [parsed(Query, {**asked, **every}, what="query") for asked in truth.asked]
    answer(settings, served, questions[:1], per_request=1)  # opens the channel, which nobody's latency shows
    single = answer(settings, served, questions, per_request=1, attempts=ATTEMPTS)
    batched = answer(settings, served, questions, per_request=QUERIES_PER_REQUEST, attempts=ATTEMPTS)
    latency = latency_percentiles(single.milliseconds)
    measured = Recall(
        name=served.name,
        kind=truth.kind,
        k=k,
        queries=len(questions),
        recall=recall_at_k([[found.id for found in each] for each in single.neighbors], truth.neighbors, k),
        p50=latency.p50,
        p90=latency.p90,
        p99=latency.p99,
        latencies=histogram(single.milliseconds),
        queries_per_second=len(questions) / float(np.sum(batched.milliseconds)) * 1000,
        fraction=fraction,
        min_recall=min_recall,
    )
    say(f"{served.name}: {measured}")
    if not measured.is_good_enough:
        raise RecallTooLow(measured, _rows_missing(served, truth) or _what_to_try(measured))
    return measured


def _rows_missing(served: ServedIndex, truth: Truth) -> str:
    """What to say of an index that cannot hold the rows that it is measured against; empty if it can, or has no statistics yet."""
    most = served.vectors_count + served.sparse_vectors_count
    if not most or truth.rows <= most:
        return ""
    return (
        f"The index holds {counted(most, 'vector')} and the data has {counted(truth.rows, 'row')}, so some neighbors cannot be "
        "found: measure with the file, and the --limit, that it was built with."
    )


def _what_to_try(measured: Recall) -> str:
    if measured.kind == "sparse":
        return "Make sure that the index was built from this data; a sparse search has no setting that trades recall for speed."
    if measured.kind == "hybrid":
        return (
            "Look at the dense and the sparse recall first. If both are good, the service may merge the rankings in another way "
            "than its documentation explains: --rrf-constant 60 is the one of the literature."
        )
    if measured.fraction == 1:
        return (
            "All leaves are searched already: request more approximate neighbors (about ten times k), and make sure that the "
            "index was built from this data."
        )
    higher = 0.2 if measured.fraction is None else min(1.0, 2 * measured.fraction)
    return (
        "Search more of the leaves, at the cost of latency: `vertex verify` with "
        f"--fraction-leaf-nodes-to-search-override {higher:g} measures it (1 searches all), and a build with "
        "--fraction-leaf-nodes-to-search makes it the index's own."
    )
