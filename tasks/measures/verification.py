"""What verifying an index has in common wherever single queries answer: a count that settles, recall and latency, a gate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from tasks.errors import GateNotMet
from tasks.measures.latency import Histogram, histogram, latency_percentiles
from tasks.measures.nearest import ExactNeighbors
from tasks.measures.recall import recall_at_k
from tasks.progress import Progress, say
from tasks.waiting import Deadline, Look, Unchanged, attempt_until

TIES = 2
"""The truth is this many times deeper than k, so that rows at the same distance as the k-th are known."""
SETTLED_SECONDS = 20.0
"""A wrong count that is the same for so long stays wrong."""


class SearchRecall(BaseModel, frozen=True):
    """One measurement of an index or a collection."""

    name: str
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
    min_recall: float | None
    """The gate; None: measured only."""

    def __str__(self) -> str:
        return (
            f"recall@{self.k} {self.recall:.3f} ({self.queries:,} queries; p50 {self.p50:.1f}, p90 {self.p90:.1f}, "
            f"p99 {self.p99:.1f} ms)"
        )


def wait_for_count(
    read: Callable[[], int], wanted: int, deadline: Deadline, *, noun: str, holder: str
) -> None:
    """See that as many rows are there as were loaded. Counts may lag, so they are looked at for a while.

    Args:
        read: the number now.
        wanted: the number that it must become.
        deadline: of the looking.
        noun: what is counted, in the plural.
        holder: what holds them: `index films`.

    Raises:
        GateNotMet: it is another number, and that does not change.
    """
    unchanged = Unchanged()

    def look() -> Look[bool]:
        count = read()
        if count != wanted and unchanged.seconds(count) > SETTLED_SECONDS:
            raise GateNotMet(
                f"The number of {noun} in {holder}", measured=f"{count:,}", wanted=f"{wanted:,}",
                remedy="Somebody else may have changed them. Run it again to load them again.",
            )  # fmt: skip
        return Look(seen=f"{count:,} of {wanted:,}", value=True, done=count == wanted)

    attempt_until(f"count the {noun} of {holder}", look, deadline)


def measure_recall(
    search: Callable[[list[float]], Sequence[str]],
    asked: NDArray[np.float32],
    truth: ExactNeighbors,
    deadline: Deadline,
    *,
    name: str,
    holder: str,
    k: int,
    min_recall: float | None,
) -> SearchRecall:
    """Ask one query after the other, and compare what is found with the truth.

    Args:
        search: the ids that one vector finds, the nearest first; a failure for now is tried again.
        asked: (queries, dimensions).
        truth: of these queries, at least k deep.
        deadline: of all of them.
        name: of what is searched.
        holder: the same with its kind: `index films`.
        k: neighbors per query.
        min_recall: remembered with the measurement; `check_recall` compares.
    """
    found, seconds = list[Sequence[str]](), list[float]()
    with Progress(f"search {holder}") as progress:
        for number, vector in enumerate(asked.tolist(), 1):
            ids, took = _timed(search, vector, deadline, holder)
            found.append(ids)
            seconds.append(took)
            progress.count(number, len(asked), "queries")
    latency = latency_percentiles(seconds[1:] or seconds)  # the first one opens the connection
    return SearchRecall(
        name=name,
        k=k,
        queries=len(asked),
        recall=recall_at_k(found, truth, k),
        p50=latency.p50 * 1000,
        p90=latency.p90 * 1000,
        p99=latency.p99 * 1000,
        latencies=histogram([1000 * one for one in seconds[1:] or seconds]),
        min_recall=min_recall,
    )


def check_recall(measured: SearchRecall, *, holder: str, remedy: str) -> None:
    """Say what was measured and compare it with the gate.

    Raises:
        GateNotMet: recall is too low.
    """
    say(f"{measured.name}: {measured}")
    if measured.min_recall is not None and measured.recall < measured.min_recall:
        raise GateNotMet(
            f"recall@{measured.k} of {holder}",
            measured=f"{measured.recall:.3f}",
            wanted=f"{measured.min_recall:g} or more",
            remedy=remedy,
            facts={"recall": measured.model_dump()},
        )


def _timed(
    search: Callable[[list[float]], Sequence[str]], vector: list[float], deadline: Deadline, holder: str
) -> tuple[Sequence[str], float]:
    """The answer to a query and its seconds; those of an attempt that failed are not in them."""

    def attempt() -> Look[tuple[Sequence[str], float]]:
        began = time.perf_counter()
        ids = search(vector)
        return Look(seen="answered", value=(ids, time.perf_counter() - began), done=True)

    return attempt_until(f"search {holder}", attempt, deadline)
