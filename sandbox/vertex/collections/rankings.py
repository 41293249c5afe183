"""Ranks data objects: by dense and sparse vectors, by words (BM25), and by the fusion of several rankings.

Exact in every case. A ranking is a list of (data object, distance), the best first; in a tie the older comes first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from google.cloud import vectorsearch_v1 as v1
from numpy.typing import NDArray

from sandbox.vertex.data.vectors import normalised

Ranking = list[tuple[Any, float]]
COSINE = v1.DistanceMetric.COSINE_DISTANCE
_WORD = re.compile(r"\w+")
_K1, _B = 1.2, 0.75  # the usual constants of BM25 (Robertson and Zaragoza, 2009)
_RANK_CONSTANT = 60  # Cormack, Clarke and Buettcher, 2009, "Reciprocal Rank Fusion outperforms ..."


def dense(
    having: Sequence[Any], vectors: NDArray[np.float32], query: NDArray[np.float32], metric: int
) -> Ranking:
    """By the dot product, the largest first, or by 1 - cosine, the smallest first."""
    if not having:
        return []
    if metric == COSINE:
        distances = 1 - normalised(vectors) @ normalised(query)
        order = np.argsort(distances, kind="stable")
    else:
        distances = vectors @ query
        order = np.argsort(-distances, kind="stable")
    return [(having[row], float(distances[row])) for row in order]


def sparse(objects: Iterable[Any], vector_field: str, query: Any) -> Ranking:
    """By the dot product; what shares no index with the query is not found."""
    wanted = dict(zip(query.indices, query.values, strict=True))
    found: Ranking = []
    for each in objects:
        if vector_field not in each.vectors:
            continue
        vector = each.vectors[vector_field].sparse
        shared = [
            (index, value)
            for index, value in zip(vector.indices, vector.values, strict=True)
            if index in wanted
        ]
        if shared:
            found.append((each, sum(value * wanted[index] for index, value in shared)))
    return _best_first(found)


def words(objects: Sequence[Any], text_of: Callable[[Any], str], query: str) -> Ranking:
    """By BM25 over the words of the text, in lower case; what shares no word is not found."""
    counted = [Counter(_words(text_of(each))) for each in objects]
    lengths = [sum(each.values()) for each in counted]
    mean = sum(lengths) / max(len(lengths), 1)
    scores = [0.0] * len(objects)
    for word in set(_words(query)):
        having = sum(word in each for each in counted)
        weight = math.log(1 + (len(objects) - having + 0.5) / (having + 0.5))
        for row, each in enumerate(counted):
            if times := each[word]:
                scores[row] += (
                    weight * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * lengths[row] / mean))
                )
    return _best_first([(each, score) for each, score in zip(objects, scores, strict=True) if score > 0])


def fused(rankings: Sequence[Ranking], weights: Sequence[float]) -> Ranking:
    """The sum of weight / (60 + rank) over the rankings that hold a data object, the largest first."""
    scores: dict[str, float] = {}
    found: dict[str, Any] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, (each, _) in enumerate(ranking, start=1):
            found[each.name] = each
            scores[each.name] = scores.get(each.name, 0.0) + weight / (_RANK_CONSTANT + rank)
    return _best_first([(found[name], score) for name, score in scores.items()])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _best_first(found: Ranking) -> Ranking:
    return sorted(found, key=lambda pair: -pair[1])
