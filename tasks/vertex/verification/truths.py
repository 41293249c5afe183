"""Queries with their true neighbors, computed from the data itself: dense ones, sparse ones, and hybrid ones of both.

Dense neighbors are exact under the index's own distance measure and norm; the `neighbors` in a data file hold for another
measure. Sparse neighbors are exact dot products. The neighbors of a hybrid query are those two rankings merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from tasks.errors import InvalidInput
from tasks.measures.fusion import fused_neighbors
from tasks.measures.nearest import ExactNeighbors
from tasks.measures.neighbors import exact_neighbors
from tasks.measures.sparse_neighbors import exact_sparse_neighbors
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.formats.errors import NoQueries
from tasks.vertex.data.sparse import SparseBlock
from tasks.vertex.data.vectors import VectorFile
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings

QueryKind = Literal["dense", "sparse", "hybrid"]
TIES = 2
"""The truth is this many times deeper than k, so that rows at the same distance as the k-th are known."""
ALPHA = 0.5
"""Both rankings count alike, as in Google's example of a hybrid query."""


class Truth:
    """Queries of one kind and their true neighbors, for any number of measurements.

    No dataclass: Prefect would walk through every id of it, for every step that it is given to.

    Args:
        kind: what is asked with.
        asked: the fields of each query: `vector`, `sparse_vector`, `alpha`.
        neighbors: for each of them the true neighbors, at least one.
        k: how many are measured.
        rows: of the data that was searched.
    """

    def __init__(
        self, kind: QueryKind, asked: list[dict[str, Any]], neighbors: ExactNeighbors, k: int, rows: int
    ) -> None:
        self.kind: QueryKind = kind
        self.asked, self.neighbors, self.k, self.rows = asked, neighbors, k, rows


@step("search {source.data} exactly")
def read_truths(
    settings: VertexSettings,
    served: ServedIndex,
    source: DataSource,
    *,
    k: int = 10,
    queries: int | None = None,
    alpha: float = ALPHA,
    rrf_constant: float = 0,
) -> tuple[Truth, ...]:
    """The true neighbors of the queries of a data file among its rows, one truth for each kind of query that it has.

    Args:
        settings: the target.
        served: the index. The truths serve for every index of the same rows, measure and norm.
        source: the data that it was built from.
        k: neighbors per query.
        queries: only the first N queries; None for all.
        alpha: the weight of the dense ranking in hybrid queries.
        rrf_constant: what the merge of the rankings adds to a rank (tasks/measures/fusion.py).

    Raises:
        InvalidInput: the data has no queries, other dimensions than the index, or sparse queries that meet no row.
    """
    with opened(settings, source) as file:
        asked = file.asked()
        if not asked.rows:
            raise NoQueries(source.data)
        if file.dimensions not in (0, served.dimensions):
            raise InvalidInput(
                f"The data has another number of dimensions than the index {served.name}",
                value=file.dimensions, source=source.data, accepted=str(served.dimensions),
            )  # fmt: skip
        truths = list[Truth]()
        if asked.dense_rows:
            truths.append(_dense(served, file, k, queries))
        if asked.sparse_rows:
            truths.append(_sparse(file, k, queries))
        if len(truths) > 1:
            truths += _hybrid(truths[0], truths[1], alpha, rrf_constant)
        found = [truth for truth in map(_with_neighbors, truths) if truth.asked]
    if not found:
        raise InvalidInput(
            "No sparse query has a dimension in common with any row", source=source.data,
            accepted="queries and rows whose dimensions mean the same", remedy="Embed both with the same model or vectorizer.",
        )  # fmt: skip
    return tuple(found)


@step("search {source.data} exactly")
def read_truth(
    settings: VertexSettings,
    served: ServedIndex,
    source: DataSource,
    *,
    k: int = 10,
    queries: int | None = None,
) -> Truth:
    """As `read_truths`, of dense queries alone.

    Raises:
        InvalidInput: the data has no dense queries or other dimensions than the index.
    """
    truths = read_truths.fn(settings, served, source, k=k, queries=queries)
    if truths[0].kind != "dense":
        raise NoQueries(source.data)
    return truths[0]


def _dense(served: ServedIndex, file: VectorFile, k: int, queries: int | None) -> Truth:
    asked, measure = file.queries(queries), served.distance_measure
    say(f"Exact search of {counted(len(asked), 'dense vector')} in {counted(file.rows, 'row')}, {measure}")
    rows = _with_vectors(file.blocks())
    neighbors = exact_neighbors(rows, asked, TIES * k, measure=measure, feature_norm=served.feature_norm)
    return Truth("dense", [{"vector": row} for row in asked], neighbors, k, file.rows)


def _sparse(file: VectorFile, k: int, queries: int | None) -> Truth:
    asked = file.asked().sparse(queries)
    say(f"Exact search of {counted(len(asked), 'sparse vector')} in {counted(file.rows, 'row')}")
    neighbors = exact_sparse_neighbors(file.blocks(), asked, TIES * k)
    return Truth("sparse", list(_each(asked)), neighbors, k, file.rows)


def _hybrid(dense: Truth, sparse: Truth, alpha: float, rrf_constant: float) -> Iterator[Truth]:
    """None where no query has a value of a sparse vector: a hybrid query needs both."""
    both = [number for number, ids in enumerate(sparse.neighbors.ids) if ids]
    if not both:
        return
    asked = [{**dense.asked[number], **sparse.asked[number], "alpha": alpha} for number in both]
    k = dense.k
    neighbors = fused_neighbors(
        _some(dense.neighbors, both),
        _some(sparse.neighbors, both),
        k,
        alpha=alpha,
        rank_constant=rrf_constant,
    )
    yield Truth("hybrid", asked, neighbors, k, dense.rows)


def _with_neighbors(truth: Truth) -> Truth:
    """Without the queries that have no true neighbor, of which no recall can be measured."""
    some = [number for number, ids in enumerate(truth.neighbors.ids) if ids]
    asked = [truth.asked[number] for number in some]
    return Truth(truth.kind, asked, _some(truth.neighbors, some), truth.k, truth.rows)


def _some(neighbors: ExactNeighbors, queries: list[int]) -> ExactNeighbors:
    return ExactNeighbors(
        neighbors.rows[queries], neighbors.distances[queries], [neighbors.ids[number] for number in queries]
    )


def _each(sparse: SparseBlock) -> Iterator[dict[str, Any]]:
    for number in range(len(sparse)):
        dimensions, values = sparse.row(number)
        yield {"sparse_vector": {"dimensions": dimensions.tolist(), "values": values.tolist()}}


def _with_vectors(blocks: Iterable[Block]) -> Iterator[Block]:
    """The rows that have a dense vector, numbered anew."""
    first_row = 0
    for block in blocks:
        some = np.arange(len(block.ids)) if block.present is None else np.flatnonzero(block.present)
        if len(some):
            ids = [block.ids[number] for number in some.tolist()]
            yield Block(first_row=first_row, ids=ids, vectors=block.vectors[some])
            first_row += len(some)
