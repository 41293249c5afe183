"""The score of one term in a document, taken apart as BM25Similarity.java of Lucene explains it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.indices.similarities import of_field
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.scoring import bm25, byte_length, idf, length_byte, shown

_EXACT_LENGTHS = 39
"""Longer fields are stored with an approximate length."""


def explained_term(
    context: Context, field: Field, term: str, document: int, boost: float
) -> dict[str, Any] | None:
    """The BM25 score of a term, with every number that it is computed from; None if the document does not have it."""
    searcher = context.searcher
    documents, frequencies = searcher.postings(field.path, term)
    place = int(np.searchsorted(documents, document))
    if place == len(documents) or documents[place] != document:
        return None
    statistics, by = searcher.statistics(field.path), of_field(field, searcher.index.settings)
    has_norms = field.type == "text" and field.parameters.get("norms", True)
    norm = int(searcher.norms(field.path)[document]) if has_norms else length_byte(1)
    rarity = idf(statistics.documents, len(documents))
    average = statistics.total_length / statistics.documents
    frequency = frequencies[place : place + 1]
    score = bm25(frequency, np.array([norm]), boost, rarity, average, by)[0]
    weight = np.float32(np.float32(boost) * (np.float32(1) + np.float32(by.k1)))
    tf = score / (weight * rarity) if weight * rarity else np.float32(0)
    length = byte_length(norm)
    about = " (approximate)" if length > _EXACT_LENGTHS else ""
    count = shown(frequency[0])
    details = [
        _part(weight, "boost"),
        _part(
            rarity,
            "idf, computed as log(1 + (N - n + 0.5) / (n + 0.5)) from:",
            _whole(len(documents), "n, number of documents containing term"),
            _whole(statistics.documents, "N, total number of documents with field"),
        ),
        _part(
            tf,
            "tf, computed as freq / (freq + k1 * (1 - b + b * dl / avgdl)) from:",
            _part(count, "freq, occurrences of term within document"),
            _part(by.k1, "k1, term saturation parameter"),
            _part(by.b, "b, length normalization parameter"),
            _part(float(length), f"dl, length of field{about}"),
            _part(average, "avgdl, average length of field"),
        ),
    ]
    computed = _part(score, f"score(freq={count}), computed as boost * idf * tf from:", *details)
    where = f"weight({field.path}:{term} in {document}) [PerFieldSimilarity], result of:"
    return _part(score, where, computed)


def _part(value: Any, description: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"value": shown(value), "description": description, "details": list(details)}


def _whole(value: int, description: str) -> dict[str, Any]:
    return {"value": value, "description": description, "details": []}
