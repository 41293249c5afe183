"""How well and how fast a collection is searched: recall against exact search in the data itself, and latency."""

from __future__ import annotations

import time

from pydantic import BaseModel

from tasks.errors import GateNotMet, InvalidInput
from tasks.measures.latency import latency_percentiles
from tasks.measures.neighbors import DistanceMeasure, exact_neighbors
from tasks.measures.recall import recall_at_k
from tasks.progress import Progress, say
from tasks.steps import step
from tasks.vertex.data.formats.errors import NoQueries
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.collections import CollectionState
from tasks.vertex_collections.indexes import CollectionIndexState
from tasks.vertex_collections.searches import Found, Search, find, read_count
from tasks.vertex_collections.specs import DistanceMetric
from tasks.waiting import Deadline, Look, Unchanged, attempt_until

TIES = 2
"""The truth is this many times deeper than k, so that rows at the same distance as the k-th are known."""
SETTLED_SECONDS = 20.0
"""A wrong count that is the same for so long stays wrong."""
MEASURES: dict[DistanceMetric, DistanceMeasure] = {
    "DOT_PRODUCT": "DOT_PRODUCT_DISTANCE",
    "COSINE_DISTANCE": "COSINE_DISTANCE",
}


class CollectionRecall(BaseModel, frozen=True):
    """One measurement of a collection."""

    name: str
    k: int
    queries: int
    recall: float
    """Found of the k true neighbors, mean over the queries, 0 to 1."""
    p50: float
    """Milliseconds of single searches, from here: network included."""
    p90: float
    p99: float
    indexed: bool
    """Whether an index answered; else every vector was compared."""
    min_recall: float | None
    """The gate; None: measured only."""

    def __str__(self) -> str:
        how = "" if self.indexed else ", without an index"
        return (
            f"recall@{self.k} {self.recall:.3f} ({self.queries:,} queries{how}; p50 {self.p50:.1f}, p90 {self.p90:.1f}, "
            f"p99 {self.p99:.1f} ms)"
        )


@step("check the number of data objects of collection {name}")
def verify_count(settings: VertexSettings, name: str, rows: int, deadline: Deadline) -> None:
    """See that a collection holds as many data objects as were loaded. Counts may lag, so it is looked at for a while.

    Raises:
        GateNotMet: it holds another number, and that does not change.
    """
    unchanged = Unchanged()

    def look() -> Look[bool]:
        count = read_count.fn(settings, name)
        if count != rows and unchanged.seconds(count) > SETTLED_SECONDS:
            raise GateNotMet(
                f"The number of data objects in collection {name}", measured=f"{count:,}", wanted=f"{rows:,}",
                remedy="Somebody else may have changed them. Run it again to load them again.",
            )  # fmt: skip
        return Look(seen=f"{count:,} of {rows:,}", value=True, done=count == rows)

    attempt_until(f"count the data objects of collection {name}", look, deadline)


@step("measure recall of collection {collection.name}")
def verify_recall(
    settings: VertexSettings,
    collection: CollectionState,
    index: CollectionIndexState | None,
    source: DataSource,
    deadline: Deadline,
    *,
    k: int = 10,
    queries: int | None = None,
    min_recall: float | None = None,
    target_recall: float | None = None,
) -> CollectionRecall:
    """Measure recall@k of a collection, by its index if it has one, against exact search in a data file.

    Args:
        settings: the target.
        collection: it must hold the rows of the file; a row that was changed since counts against it.
        index: the collection's.
        source: the file that it was built from, with queries.
        deadline: for all searches.
        k: neighbors per query.
        queries: only the first N queries; None for all.
        min_recall: the gate, 0 to 1; None measures only.
        target_recall: that the index is asked for in every search; None leaves it to the service.

    Raises:
        GateNotMet: recall is too low.
        NoQueries, InvalidInput: the data has no queries, or other dimensions.
    """
    with opened(settings, source) as file:
        if not file.has_queries or not file.query_rows:
            raise NoQueries(source.data)
        if file.dimensions != collection.dimensions:
            raise InvalidInput(
                f"The data has another number of dimensions than the collection {collection.name}",
                value=file.dimensions, source=source.data, accepted=str(collection.dimensions),
            )  # fmt: skip
        asked = file.queries(queries)
        norm = "UNIT_L2_NORM" if index is not None and index.is_normalized else "NONE"
        say(f"Exact search of {len(asked):,} queries in {file.rows:,} rows, {collection.metric}")
        truth = exact_neighbors(
            file.blocks(), asked, TIES * k, measure=MEASURES[collection.metric], feature_norm=norm
        )
    found, seconds = list[list[str]](), list[float]()
    with Progress(f"search collection {collection.name}") as progress:
        for number, vector in enumerate(asked.tolist(), 1):
            search = Search(vector=tuple(vector), top_k=k, target_recall=target_recall)
            resource = None if index is None else index.resource
            answers, took = _timed(settings, collection, search, resource, deadline)
            found.append([each.id for each in answers])
            seconds.append(took)
            progress.count(number, len(asked), "queries")
    latency = latency_percentiles(seconds[1:] or seconds)  # the first one opens the channel
    measured = CollectionRecall(
        name=collection.name,
        k=k,
        queries=len(asked),
        recall=recall_at_k(found, truth, k),
        p50=latency.p50 * 1000,
        p90=latency.p90 * 1000,
        p99=latency.p99 * 1000,
        indexed=index is not None,
        min_recall=min_recall,
    )
    say(f"{collection.name}: {measured}")
    if min_recall is not None and measured.recall < min_recall:
        raise GateNotMet(
            f"recall@{k} of collection {collection.name}",
            measured=f"{measured.recall:.3f}",
            wanted=f"{min_recall:g} or more",
            remedy="Ask the index for more with --target-recall, and make sure that the collection was built from this data.",
        )
    return measured


def _timed(
    settings: VertexSettings,
    collection: CollectionState,
    search: Search,
    index: str | None,
    deadline: Deadline,
) -> tuple[tuple[Found, ...], float]:
    """The answer to a search and its seconds; one that fails for now is tried again."""

    def attempt() -> Look[tuple[tuple[Found, ...], float]]:
        began = time.perf_counter()
        answers = find(settings, collection, search, index)
        return Look(seen="answered", value=(answers, time.perf_counter() - began), done=True)

    return attempt_until(f"search collection {collection.name}", attempt, deadline)
