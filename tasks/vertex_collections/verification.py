"""How well and how fast a collection is searched: recall against exact search in the data itself, and latency."""

from __future__ import annotations

from tasks.errors import InvalidInput
from tasks.measures.neighbors import DistanceMeasure, exact_neighbors
from tasks.measures.verification import TIES, SearchRecall, check_recall, measure_recall, wait_for_count
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.data.formats.errors import NoQueries
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.collections import CollectionState
from tasks.vertex_collections.indexes import CollectionIndexState
from tasks.vertex_collections.searches import Search, find, read_count
from tasks.vertex_collections.specs import DistanceMetric
from tasks.waiting import Deadline

MEASURES: dict[DistanceMetric, DistanceMeasure] = {
    "DOT_PRODUCT": "DOT_PRODUCT_DISTANCE",
    "COSINE_DISTANCE": "COSINE_DISTANCE",
}


class CollectionRecall(SearchRecall, frozen=True):
    """One measurement of a collection."""

    indexed: bool
    """Whether an index answered; else every vector was compared."""

    def __str__(self) -> str:
        return super().__str__() if self.indexed else f"{super().__str__()}, without an index"


@step("check the number of data objects of collection {name}")
def verify_count(settings: VertexSettings, name: str, rows: int, deadline: Deadline) -> None:
    """See that a collection holds as many data objects as were loaded.

    Raises:
        GateNotMet: it holds another number, and that does not change.
    """
    wait_for_count(
        lambda: read_count.fn(settings, name),
        rows,
        deadline,
        noun="data objects",
        holder=f"collection {name}",
    )


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

    def search(vector: list[float]) -> list[str]:
        asked_for = Search(vector=tuple(vector), top_k=k, target_recall=target_recall)
        answers = find(settings, collection, asked_for, None if index is None else index.resource)
        return [each.id for each in answers]

    holder = f"collection {collection.name}"
    by_query = measure_recall(
        search, asked, truth, deadline, name=collection.name, holder=holder, k=k, min_recall=min_recall
    )
    measured = CollectionRecall(**by_query.model_dump(), indexed=index is not None)
    check_recall(
        measured,
        holder=holder,
        remedy="Ask the index for more with --target-recall, and make sure that the collection was built from this data.",
    )
    return measured
