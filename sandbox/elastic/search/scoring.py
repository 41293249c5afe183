"""Lucene's scoring formulas, in float32 as there: BM25 with one-byte lengths, and linear feature weights.

From BM25Similarity.java, SmallFloat.java and FeatureField.java of Lucene 9.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sandbox.elastic.indices.similarities import Bm25

Array = np.ndarray[Any, Any]
_STANDARD = Bm25()
_EXACT = 24  # shorter lengths are stored exactly, longer ones in four significant bits


def stored_weights(weights: Array) -> Array:
    """Token weights (float32) as FeatureField stores them: truncated to nine significant bits."""
    return (weights.view(np.int32) >> 15 << 15).view(np.float32)


def length_byte(length: int) -> int:
    """A field's length as stored in its norm (SmallFloat.intToByte4)."""
    return length if length < _EXACT else _EXACT + _four_bits(length - _EXACT)


def byte_length(byte: int) -> int:
    """The length that a norm represents; exact up to 40."""
    return byte if byte < _EXACT else _EXACT + _from_four_bits(byte - _EXACT)


def _four_bits(number: int) -> int:
    bits = number.bit_length()
    if bits < 4:
        return number
    shift = bits - 4
    return (number >> shift & 7) | shift + 1 << 3


def _from_four_bits(encoded: int) -> int:
    shift = (encoded >> 3) - 1
    return encoded & 7 if shift < 0 else (encoded & 7 | 8) << shift


_LENGTHS = np.array([byte_length(byte) for byte in range(256)], np.float32)
_STEPS = np.array([byte_length(byte) for byte in range(256)], np.int64)


def length_bytes(lengths: Array) -> Array:
    """`length_byte` of many lengths."""
    return (np.searchsorted(_STEPS, lengths, side="right") - 1).astype(np.uint8)


def idf(documents: int, matching: int) -> np.float32:
    """`ln(1 + (N - n + 0.5) / (n + 0.5))`, where N is the number of documents with the field."""
    return np.float32(np.log1p((documents - matching + 0.5) / (matching + 0.5)))


def bm25(
    frequencies: Array,
    norms: Array | int,
    boost: float,
    idf_: np.float32,
    average_length: float,
    by: Bm25 = _STANDARD,
) -> Array:
    """BM25 of postings; frequencies are float32, norms are one-byte lengths.

    The boost is multiplied by k1 + 1 (2.2 by default), as in Elasticsearch's similarity. With a k1 of 0 every match counts alike.
    """
    one, k1, b = np.float32(1), np.float32(by.k1), np.float32(by.b)
    with np.errstate(divide="ignore"):
        inverse = one / (k1 * ((one - b) + b * _LENGTHS / np.float32(average_length)))
    weight = np.float32(np.float32(boost) * (one + k1)) * idf_
    return weight - weight / (one + frequencies * inverse[norms])


def shown(score: float) -> float:
    """A float32 as Elasticsearch prints it: the shortest digits that identify it."""
    return float(str(np.float32(score)))


def java_float(value: float) -> str:
    """A float32 as Java writes it in a text: as `shown`, from 1000 times smaller or 10,000,000 on with an exponent (Float.toString)."""
    plain = shown(value)
    if plain == 0 or 1e-3 <= abs(plain) < 1e7:
        return str(plain)
    digits, _, exponent = np.format_float_scientific(np.float32(value), trim="0").partition("e")
    return f"{digits}E{int(exponent)}"
