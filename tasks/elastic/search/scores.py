"""Scores recomputed from first principles, to check that what is served is what was embedded.

Lucene's FeatureField keeps nine significant bits of a stored weight, cut off, not rounded: `floatToIntBits(v) >>> 15`. The
query's weights are exact. A score is the sum of products over the tokens that both have (FeatureField.java of Lucene).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

TOLERANCE = 1e-4
"""Relative: float32 sums in another order differ in the seventh digit."""


def stored_weight(weight: float) -> float:
    """A weight as the index keeps it."""
    (bits,) = struct.unpack(">i", struct.pack(">f", weight))
    (kept,) = struct.unpack(">f", struct.pack(">i", bits >> 15 << 15))
    return kept


def score(query: Mapping[str, float], document: Mapping[str, float], *, boost: float = 1.0) -> float:
    """The score of a document for a query without pruning, both as token and weight."""
    return boost * sum(
        weight * stored_weight(document[token]) for token, weight in query.items() if token in document
    )


def strongest_of_each(vectors: Mapping[str, float] | Sequence[Mapping[str, float]]) -> dict[str, float]:
    """A stored value as one vector: of several, each token's largest weight counts (8.15)."""
    if isinstance(vectors, Mapping):
        return dict(vectors)
    strongest: dict[str, float] = {}
    for vector in vectors:
        for token, weight in vector.items():
            strongest[token] = max(weight, strongest.get(token, 0.0))
    return strongest


def is_same_score(measured: float, computed: float) -> bool:
    """Whether two scores are the same but for float32's rounding."""
    return abs(measured - computed) <= TOLERANCE * max(abs(measured), abs(computed), 1.0)
