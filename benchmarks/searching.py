"""Search in the Vertex AI stand-in on real vectors at a recall@10 of 0.95, beside ScaNN alone in the same tree.

    python -m benchmarks.searching [--queries 500]

341,479 GloVe vectors (benchmarks/real_vectors.py), of which the queries are held back; leaves of 1,000, and of the leaves as many
as the recall takes. One query at a time on both sides, in this process: what the stand-in adds to ScaNN's own time are checks of what is
still current, exact distances, and everything that was streamed in after the tree was built. The wire is measured by benchmarks/queries.py.
Where Faiss is installed, as by `make bench`, its HNSW graph is measured too, at the same recall: another kind of index, not the stand-in's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import Aim, Comparison, in_turn
from benchmarks.real_vectors import DIMENSIONS, real_vectors
from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import IndexDatapoint
from sandbox.vertex.data.metadata import Config, Tree
from sandbox.vertex.data.query import Query
from sandbox.vertex.data.searcher import Searcher
from tasks.measures.neighbors import exact_neighbors
from tasks.vertex.data.blocks import Block

K = 10
RECALL = 0.95
FRACTIONS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
"""Shares of the leaves, tried until recall is reached."""
LINKS, EFFORTS = 32, (16, 32, 64, 128, 256, 512, 1024)
"""Of a point in the graph, as Faiss's own examples have it; and candidates of a search, tried until recall is reached."""
_AT_ONCE = 10_000

Floats = NDArray[np.float32]


def filled(vectors: Floats) -> Searcher:
    """The stand-in's search over these vectors, with its tree."""
    config = Config(
        dimensions=DIMENSIONS,
        distance="DOT_PRODUCT_DISTANCE",
        unit_norm=False,
        shard_size="SHARD_SIZE_MEDIUM",
        approximate_neighbors=150,
        tree=Tree(leaf_size=1000),
    )
    searcher = Searcher(Corpus(config))
    for first in range(0, len(vectors), _AT_ONCE):
        part = vectors[first : first + _AT_ONCE].tolist()
        searcher.corpus.upsert(
            [
                IndexDatapoint(datapoint_id=str(row), feature_vector=vector)
                for row, vector in enumerate(part, first)
            ]
        )
    searcher.build()
    return searcher


def recall_at(searcher: Searcher, asked: Floats, truth: Sequence[set[int]], fraction: float) -> float:
    """The share of the true neighbors that are found in a number of leaves."""
    found = searcher.search([Query(vector=vector, leaf_fraction=fraction) for vector in asked])
    hits = sum(
        len(wanted.intersection(hit.row for hit in hits)) for wanted, hits in zip(truth, found, strict=True)
    )
    return hits / (K * len(asked))


def peers(
    kept: Floats, asked: Floats, truth: Sequence[set[int]]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """The approximate searches of libraries that are installed, each with its recall in its name."""
    if not find_spec("faiss"):
        return
    faiss = import_module("faiss")
    index = faiss.IndexHNSWFlat(DIMENSIONS, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.add(kept)
    recall = 0.0
    for effort in EFFORTS:
        index.hnsw.efSearch = effort
        _, found = index.search(asked, K)
        hits = sum(len(wanted.intersection(rows)) for wanted, rows in zip(truth, found.tolist(), strict=True))
        if (recall := hits / found.size) >= RECALL:
            break
    yield f"Faiss, HNSW, recall@10 {recall:.3f}", lambda: [index.search(one[None], K) for one in asked]


def comparisons(queries: int = 500) -> list[Comparison]:
    """One, or none where the vectors cannot be had."""
    vectors = real_vectors()
    if vectors is None:
        print("benchmarks.searching is left out", file=sys.stderr)
        return []
    chosen = np.random.default_rng(0).choice(len(vectors), queries, replace=False)
    asked, kept = vectors[chosen], np.delete(vectors, chosen, axis=0)
    block = Block(first_row=0, ids=[str(row) for row in range(len(kept))], vectors=kept)
    exact = exact_neighbors([block], asked, K, measure="DOT_PRODUCT_DISTANCE")
    truth = [{int(id_) for id_ in ids} for ids in exact.ids]
    searcher = filled(kept)
    fraction, recall = next(
        (fraction, found)
        for fraction in FRACTIONS
        if (found := recall_at(searcher, asked, truth, fraction)) >= RECALL or fraction == 1
    )
    tree: Any = searcher.dense._tree  # noqa: SLF001 -- the same tree for both
    leaves = max(1, round(tree.leaves * fraction))

    def with_scann() -> None:
        for vector in asked:
            tree._searcher.search(vector, K, tree.candidates, leaves)  # noqa: SLF001 -- as above

    def with_the_stand_in() -> None:
        for vector in asked:
            searcher.search([Query(vector=vector, leaf_fraction=fraction)])

    title = f"Search of {len(kept):,} GloVe vectors, recall@10 {recall:.3f} in {fraction:.0%} of the leaves"
    ways = {"ScaNN alone": with_scann, **dict(peers(kept, asked, truth)), "ours": with_the_stand_in}
    compared = in_turn(title, ways, count=queries, unit="queries/s")
    scann, *others, ours = compared.figures
    later = 1000 / ours.median - 1000 / scann.median
    aimed = replace(ours, aim=Aim("less than 0.5 ms a query more", met=later < 0.5))
    return [replace(compared, figures=[scann, *others, aimed]).with_one("ms a query", per_second=1000)]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searching")
    parser.add_argument("--queries", type=int, default=500)
    for comparison in comparisons(parser.parse_args().queries):
        print(comparison)


if __name__ == "__main__":
    main()
