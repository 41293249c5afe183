"""Approximate nearest neighbors by a hierarchical navigable small world graph (HNSW), so that `num_candidates` decides what is found.

The search is that of Malkov and Yashunin (arXiv:1603.09320): greedy through the upper layers, then a beam of `num_candidates` through the
lowest one. The graph is not grown by inserting one vector after the other, which is slow in Python: the candidates for each vector's
neighbors are found exactly, by matrix products, and chosen by the paper's heuristic (algorithm 4). So it is the same on every machine
and in every run, and a little better than one that was grown.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
CONNECTIONS = 16
"""`m`: neighbors that a vector chooses; the lowest layer keeps up to twice as many (Lucene's default)."""
_CHOSEN_FROM = 48
"""Nearest vectors that the neighbors are chosen from."""
_BLOCK = 256
"""Vectors whose neighbors are chosen at a time: some tens of megabytes."""


@dataclass(frozen=True)
class _Layer:
    members: Array
    """Numbers of the vectors in it, ascending."""
    neighbors: list[Array]
    """By vector in it, in the same order: numbers of vectors."""
    places: dict[int, int]
    """Where a vector stands in `members`."""

    def of(self, vector: int) -> Array:
        return self.neighbors[self.places[vector]]


class Graph:
    """A graph over the rows of a matrix.

    Args:
        matrix: float32 rows; of unit length for a cosine.
        is_euclidean: whether the nearest row is that of the smallest distance; else of the largest inner product.
        connections: `m`.
    """

    def __init__(self, matrix: Array, *, is_euclidean: bool = False, connections: int = CONNECTIONS) -> None:
        self._matrix = matrix
        # With it, an inner product orders rows by distance: x.q - x.x / 2 is largest for the nearest x.
        self._offsets = -(matrix**2).sum(axis=1) / 2 if is_euclidean else np.zeros(len(matrix), np.float32)
        levels = _levels(len(matrix), connections)
        tops = range(int(levels.max()) + 1) if len(levels) else ()
        self._layers = [
            _layer(
                matrix, self._offsets, np.flatnonzero(levels >= level), connections * (2 if level == 0 else 1)
            )
            for level in tops
        ]

    def nearest(self, query: Array, candidates: int) -> list[int]:
        """The rows that a search with so many candidates finds, nearest first."""
        start = int(self._layers[-1].members[0])
        for layer in reversed(self._layers[1:]):
            start = self._beam(layer, query, start, 1)[0]
        return self._beam(self._layers[0], query, start, candidates)

    def _beam(self, layer: _Layer, query: Array, start: int, width: int) -> list[int]:
        first = float(self._matrix[start] @ query + self._offsets[start])
        seen = {start}
        ahead = [(-first, start)]
        best = [(first, start)]
        while ahead:
            near, vector = heapq.heappop(ahead)
            if -near < best[0][0] and len(best) >= width:
                break
            new = [each for each in layer.of(vector).tolist() if each not in seen]
            seen.update(new)
            scores = self._matrix[new] @ query + self._offsets[new]
            for score, each in zip(scores.tolist(), new, strict=True):
                if len(best) < width or score > best[0][0]:
                    heapq.heappush(ahead, (-score, each))
                    heapq.heappush(best, (score, each))
                    if len(best) > width:
                        heapq.heappop(best)
        return [vector for _, vector in sorted(best, key=lambda pair: (-pair[0], pair[1]))]


def _levels(count: int, connections: int) -> Array:
    """The highest layer of each vector: drawn as in the paper, from a fixed seed."""
    drawn = np.random.default_rng(0).random(count)
    return np.floor(-np.log(1 - drawn) / math.log(connections)).astype(np.int64)


def _layer(matrix: Array, offsets: Array, members: Array, most: int) -> _Layer:
    rows, own = matrix[members], offsets[members]
    links: list[dict[int, float]] = [{} for _ in members]
    for vector, chosen, scores in _chosen(rows, own, most):
        for other, score in zip(chosen, scores, strict=True):
            links[vector][other] = links[other][vector] = score
    kept = [
        [other for other, _ in heapq.nlargest(most, each.items(), key=lambda pair: pair[1])] for each in links
    ]
    _join(rows, own, kept)
    neighbors = [members[each] if each else members[:0] for each in kept]
    return _Layer(members, neighbors, {int(vector): place for place, vector in enumerate(members)})


def _join(rows: Array, offsets: Array, links: list[list[int]]) -> None:
    """Link what cannot be reached from the first row: clusters far from all others, to which a grown graph has links from its beginning."""
    reached = np.zeros(len(rows), bool)
    start = 0
    while True:
        ahead = [start]
        reached[start] = True
        while ahead:
            for other in links[ahead.pop()]:
                if not reached[other]:
                    reached[other] = True
                    ahead.append(other)
        if reached.all():
            return
        start = int(np.argmin(reached))
        nearest = next((other for other in links[start] if reached[other]), None)
        if nearest is None:  # nothing near it is reached either
            there = np.flatnonzero(reached)
            nearest = int(there[np.argmax(rows[there] @ rows[start] + offsets[there])])
            links[start].append(nearest)
        links[nearest].append(start)


def _chosen(rows: Array, offsets: Array, most: int) -> Iterator[tuple[int, list[int], list[float]]]:
    """The neighbors that each row chooses, and how near they are: near, and not nearer to one another than to it."""
    count = min(_CHOSEN_FROM, len(rows) - 1)
    if count < 1:
        return
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        products = block @ rows.T + offsets + offsets[start : start + _BLOCK, None]
        products[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        near = np.argpartition(-products, count - 1, axis=1)[:, :count]
        scores = np.take_along_axis(products, near, axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")
        near, scores = np.take_along_axis(near, order, axis=1), np.take_along_axis(scores, order, axis=1)
        around = rows[near]
        between = around @ around.transpose(0, 2, 1) + offsets[near][:, None, :] + offsets[near][:, :, None]
        kept = np.zeros(near.shape, bool)
        for place in range(count):
            nearer_to_kept = (kept[:, :place] & (between[:, place, :place] > scores[:, place, None])).any(
                axis=1
            )
            kept[:, place] = ~nearer_to_kept & (kept.sum(axis=1) < most)
        for number in range(len(block)):
            mine = kept[number]
            yield start + number, near[number, mine].tolist(), scores[number, mine].tolist()
