"""Queries over learned sparse vectors: text_expansion, sparse_vector, weighted_tokens, and the pruning of their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sandbox.elastic import errors_search
from sandbox.elastic.matches import Context, Matches
from sandbox.elastic.query_bodies import field_and_body

_TYPES = ("sparse_vector", "rank_features")
_PRUNING = {
    "tokens_freq_ratio_threshold": 5.0,
    "tokens_weight_threshold": 0.4,
    "only_score_pruned_tokens": False,
}
_EXPANSION_GONE = "text_expansion is deprecated. Use sparse_vector instead."
_TOKENS_GONE = "weighted_tokens is deprecated. Use sparse_vector instead."


def text_expansion(context: Context, body: Any, boost: float) -> Matches:
    """`{"text_expansion": {field: {"model_id": ..., "model_text": ...}}}`; it does not prune unless it is told to."""
    known = {"model_id", "model_text", "pruning_config", "boost"}
    path, found = field_and_body("text_expansion", body, None, known)
    for name in ("model_id", "model_text"):
        if not found.get(name):
            raise errors_search.REQUIRED(query="text_expansion", what=f"[{name}]")
    if context.cluster.release.text_expansion_deprecated:
        context.warnings.append(_EXPANSION_GONE)
    tokens = context.tokens(found["model_id"], str(found["model_text"]))
    return _expanded(context, path, tokens, found.get("pruning_config"), boost * found.get("boost", 1.0))


def weighted_tokens(context: Context, body: Any, boost: float) -> Matches:
    """`{"weighted_tokens": {field: {"tokens": {...}}}}`."""
    path, found = field_and_body("weighted_tokens", body, None, {"tokens", "pruning_config", "boost"})
    if context.cluster.release.text_expansion_deprecated:
        context.warnings.append(_TOKENS_GONE)
    tokens = found.get("tokens") or {}
    if isinstance(tokens, list):
        tokens = {token: weight for each in tokens for token, weight in each.items()}
    return _expanded(context, path, tokens, found.get("pruning_config"), boost * found.get("boost", 1.0))


def sparse_vector(context: Context, body: Any, boost: float) -> Matches:
    """`{"sparse_vector": {"field": ..., "query_vector" | "inference_id" and "query": ...}}`."""
    if not context.cluster.release.sparse_vector_query:
        raise errors_search.UNKNOWN_QUERY(name="sparse_vector")
    known = {"field", "query_vector", "inference_id", "query", "prune", "pruning_config", "boost", "_name"}
    for parameter in body:
        if parameter not in known:
            raise errors_search.NOT_SUPPORTED(query="sparse_vector", parameter=parameter)
    path = body.get("field")
    if not path:
        raise errors_search.REQUIRED(query="sparse_vector", what="a [field]")
    if ("query_vector" in body) == ("query" in body):
        raise errors_search.REQUIRED(query="sparse_vector", what="one of [query_vector] or [query]")
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type != "sparse_vector":
        raise errors_search.MUST_BE_SPARSE(path=path, kind=field.type)
    tokens = body.get("query_vector")
    if tokens is None:
        if not body.get("inference_id"):
            raise errors_search.REQUIRED(query="sparse_vector", what="an [inference_id] for [query]")
        tokens = context.tokens(body["inference_id"], str(body["query"]))
    options = (field.parameters.get("index_options") if field else None) or {}
    prunes = body.get("prune", options.get("prune", context.cluster.release.prunes_by_default))
    pruning = body.get("pruning_config") or options.get("pruning_config") or {}
    return _scored(context, path, tokens, pruning if prunes else None, boost * body.get("boost", 1.0))


def _expanded(
    context: Context, path: str, tokens: Mapping[str, float], pruning: Any, boost: float
) -> Matches:
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type not in _TYPES:
        raise errors_search.WRONG_FIELD_TYPE(kind=field.type, metadata=context.searcher.index.metadata)
    return _scored(context, path, tokens, pruning, boost)


def _scored(
    context: Context, path: str, tokens: Mapping[str, float], pruning: Mapping[str, Any] | None, boost: float
) -> Matches:
    """The sum over tokens of query weight x stored weight: each product in float, the sum in double."""
    searcher, result = context.searcher, context.none()
    if path not in searcher.index.fields:
        return result
    kept = tokens if pruning is None else _pruned(context, path, tokens, {**_PRUNING, **pruning})
    total = np.zeros(searcher.size, np.float64)
    for token, weight in kept.items():
        documents, stored = searcher.postings(path, token)
        total[documents] += np.float32(np.float32(weight) * np.float32(boost)) * stored
        result.mask[documents] = True
    return Matches(result.mask, total.astype(np.float32))


def _pruned(
    context: Context, path: str, tokens: Mapping[str, float], config: Mapping[str, Any]
) -> dict[str, float]:
    """The tokens that are rare enough or heavy enough; the others with `only_score_pruned_tokens`."""
    statistics = context.searcher.statistics(path)
    if not statistics.documents or not statistics.terms or not tokens:
        return {}
    average = statistics.postings / statistics.documents / statistics.terms
    best = max(tokens.values())
    kept: dict[str, float] = {}
    for token, weight in tokens.items():
        frequency = len(context.searcher.postings(path, token)[0])
        if not frequency:
            continue
        rare = frequency / statistics.documents < config["tokens_freq_ratio_threshold"] * average
        keeps = rare or weight > config["tokens_weight_threshold"] * best
        if keeps != config["only_score_pruned_tokens"]:
            kept[token] = weight
    return kept
