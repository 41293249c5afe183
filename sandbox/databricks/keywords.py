"""Rankings by words, and their fusion with a ranking by vectors.

The documentation calls the first BM25-like and the second reciprocal rank fusion, scaled so that the best possible score is 1. The
constants, and how texts are cut into words, are decided here: k1 = 1.2, b = 0.75, runs of letters and digits in lower case, 60.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

K1, B, RANK_CONSTANT = 1.2, 0.75, 60
_WORDS = re.compile(r"\w+")

Floats = NDArray[np.float64]


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return _WORDS.findall(text.lower())


def bm25(texts: Sequence[Sequence[str]], query: Sequence[str]) -> Floats:
    """(texts,) scores of texts, given as words, for the words of a query; 0 for a text that has none of them."""
    lengths = np.array([len(text) for text in texts], np.float64)
    norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()) if len(lengths) else 0.0, 1.0))
    counts, scores = [Counter(text) for text in texts], np.zeros(len(texts))
    for word in dict.fromkeys(query):
        found = np.array([count[word] for count in counts], np.float64)
        having = int((found > 0).sum())
        rarity = np.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        scores += rarity * found * (K1 + 1) / (found + norm)
    return scores


def fused(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """The places of several rankings fused, the best first, with scores up to 1."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking, start=1):
            scores[place] = scores.get(place, 0.0) + (RANK_CONSTANT + 1) / (RANK_CONSTANT + rank)
    shared = ((place, score / len(rankings)) for place, score in scores.items())
    return sorted(shared, key=lambda pair: (-pair[1], pair[0]))
