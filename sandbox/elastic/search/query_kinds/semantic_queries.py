"""Queries on semantic_text fields: a document is as good as its best chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of
from sandbox.elastic.search.query_kinds import vector_queries


def semantic(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """`{"semantic": {"field": ..., "query": ...}}`.

    Raises:
        Refusal: the field is no semantic_text, or a parameter is unknown or missing.
    """
    if not context.release.semantic_text:
        raise search_errors.UNKNOWN_QUERY.refusal(name="semantic")
    for parameter in body:
        if parameter not in ("field", "query", "boost", "_name"):
            raise search_errors.NOT_SUPPORTED.refusal(query="semantic", parameter=parameter)
    missing = [name for name in ("field", "query") if not isinstance(body.get(name), str)]
    if missing:
        raise search_errors.ARGUMENTS_MISSING.refusal(names=", ".join(missing))
    field = context.searcher.index.fields.get(body["field"])
    if field is None:
        return context.none()
    if field.type != "semantic_text":
        raise search_errors.NOT_SEMANTIC.refusal(path=field.path, kind=field.type)
    return by_text(context, field, body["query"], boost * boost_of("semantic", body))


def by_text(context: Context, field: Field, text: str, boost: float) -> Matches:
    """The documents that fit a text. Of a dense model the nearest ones only, as many as the search returns."""
    settings = field.parameters.get("model_settings")
    if settings is None or not text.strip():
        return context.none()
    if settings["task_type"] == "sparse_embedding":
        return by_tokens(context, field, context.tokens(endpoint_of(field), text), boost)
    builder = {"text_embedding": {"model_text": text}}
    asked = {"field": field.path, "query_vector_builder": builder}
    found = vector_queries.near(context, asked, context.searcher.alive, boost)
    return vector_queries.top([found], context.size)[0]


def by_tokens(context: Context, field: Field, tokens: Mapping[str, float], boost: float) -> Matches:
    """The best chunk's sum of query weight times stored weight; products in float, the sum in double."""
    context.sought[field.path] = tokens
    documents, rows = context.searcher.embeddings(field.path)
    weights = {token: np.float32(np.float32(weight) * np.float32(boost)) for token, weight in tokens.items()}
    scores = np.array(
        [
            sum(float(weight * np.float32(row[token])) for token, weight in weights.items() if token in row)
            for row in rows
        ],
        np.float32,
    )
    best = np.zeros(context.searcher.size, np.float32)
    if len(documents):
        np.maximum.at(best, documents, scores)
    return Matches(best > 0, best)


def endpoint_of(field: Field) -> str:
    """The endpoint that queries on a field use."""
    return str(field.parameters.get("search_inference_id") or field.parameters["inference_id"])
