"""Exact neighbors: ours against the bare matrix product of the same numbers, and against the usual lines of NumPy.

    python -m benchmarks.neighbors [--rows 400000] [--queries 1000]

Random rows of 100 float32, the ten largest dot products of each query, in blocks of 4,096 rows. The bare product keeps and looks
at nothing: no exact search on this machine's BLAS can be faster. All others keep the ten best of float32, so near ties come
out as rounding has it; ours decides them as float64 does. Faiss and ScaNN (brute force) are measured where they are installed, as
they are by `make bench`; they hold all rows in memory, in their own form, which is made before the time is taken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured import Comparison, in_turn
from tasks.measures.neighbors import exact_neighbors
from tasks.vertex.data.blocks import Block

DIMENSIONS = 100
BLOCK_ROWS = 4096
K = 10
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")
"""How many threads a matrix product takes, as its libraries read it when they are loaded."""

Floats = NDArray[np.float32]


def multiply(blocks: Sequence[Block], queries: Floats) -> None:
    """The product alone."""
    for block in blocks:
        queries @ block.vectors.T


def search_in_float32(blocks: Sequence[Block], queries: Floats) -> NDArray[np.int64]:
    """The ten best of each block by argpartition, then the ten best of those. (queries, K) row numbers."""
    scores, rows = [], []
    for block in blocks:
        table = queries @ block.vectors.T
        best = np.argpartition(-table, min(K, table.shape[1]) - 1, axis=1)[:, :K]
        scores.append(np.take_along_axis(table, best, axis=1))
        rows.append(best + block.first_row)
    order = np.argsort(-np.concatenate(scores, axis=1), axis=1)[:, :K]
    return np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)


def peers(vectors: Floats, queries: Floats) -> Iterator[tuple[str, Callable[[], object]]]:
    """The exact searches of libraries that are installed."""
    if find_spec("faiss"):
        index = import_module("faiss").IndexFlatIP(DIMENSIONS)
        index.add(vectors)
        yield "Faiss, IndexFlatIP", partial(index.search, queries, K)
    if find_spec("scann"):
        builder = import_module("scann").scann_ops_pybind.builder(vectors, K, "dot_product")
        searcher = builder.score_brute_force().build()
        yield "ScaNN, brute force", partial(searcher.search_batched_parallel, queries)


def comparisons(rows: int = 400_000, queries: int = 1000) -> list[Comparison]:
    """On all cores, and with half of the rows on one: the product alone is divided among the cores by its library."""
    with (
        patch.dict(os.environ, dict.fromkeys(THREADS, "1")),
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        on_one_core = pool.submit(compared, rows // 2, queries, ", on one core").result()
    return [compared(rows, queries), on_one_core]


def compared(rows: int, queries: int, where: str = "") -> Comparison:
    """All ways, in this process."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(rows, DIMENSIONS)).astype(np.float32)
    asked = random.normal(size=(queries, DIMENSIONS)).astype(np.float32)
    blocks = [
        Block(
            first_row=first,
            ids=[str(row) for row in range(first, min(first + BLOCK_ROWS, rows))],
            vectors=vectors[first : first + BLOCK_ROWS],
        )
        for first in range(0, rows, BLOCK_ROWS)
    ]
    found = in_turn(
        f"Exact {K} nearest of {rows:,} rows of {DIMENSIONS} floats, {queries:,} queries{where}",
        {
            "bare product, nothing found": lambda: multiply(blocks, asked),
            "NumPy, product and argpartition": lambda: search_in_float32(blocks, asked),
            **dict(peers(vectors, asked)),
            "ours": lambda: exact_neighbors(blocks, asked, K, measure="DOT_PRODUCT_DISTANCE"),
        },
        count=queries,
        unit="queries/s",
    )
    return found.aiming("ours", ratio=1 / 1.5)


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbors")
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--queries", type=int, default=1000)
    given = parser.parse_args()
    for comparison in comparisons(given.rows, given.queries):
        print(comparison)


if __name__ == "__main__":
    main()
