"""Queries over learned sparse vectors: text_expansion, sparse_vector, weighted_tokens, and token pruning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, field_and_body, number
from sandbox.elastic.search.query_kinds.semantic_queries import by_tokens, endpoint_of

_TYPES = ("sparse_vector", "rank_features")
_LIMITS = {
    "tokens_freq_ratio_threshold": (1, 100, search_errors.RATIO_LIMITS),
    "tokens_weight_threshold": (0, 1, search_errors.WEIGHT_LIMITS),
}
_EXPANSION_GONE = "text_expansion is deprecated. Use sparse_vector instead."
_TOKENS_GONE = "weighted_tokens is deprecated. Use sparse_vector instead."


@dataclass(frozen=True)
class _Pruning:
    """A `pruning_config` with its defaults."""

    tokens_freq_ratio_threshold: float = 5.0
    tokens_weight_threshold: float = 0.4
    only_score_pruned_tokens: bool = False


def text_expansion(context: Context, body: Any, boost: float) -> Matches:
    """`{"text_expansion": {field: {"model_id": ..., "model_text": ...}}}`; prunes only with a `pruning_config`."""
    known = {"model_id", "model_text", "pruning_config", "boost"}
    path, found = field_and_body("text_expansion", body, None, known)
    if found.get("model_text") is None:
        raise search_errors.NO_TEXT.refusal(query="text")
    if found.get("model_id") is None:
        raise search_errors.NO_MODEL.refusal()
    if context.release.text_expansion_deprecated:
        context.warnings.append(_EXPANSION_GONE)
    tokens = context.tokens(
        str(found["model_id"]), str(found["model_text"]), search_errors.EXPANSION_NOT_SPARSE
    )
    return _expanded(context, path, tokens, found, boost * boost_of("text_expansion", found))


def weighted_tokens(context: Context, body: Any, boost: float) -> Matches:
    """`{"weighted_tokens": {field: {"tokens": {...}}}}`."""
    path, found = field_and_body("weighted_tokens", body, None, {"tokens", "pruning_config", "boost"})
    if context.release.text_expansion_deprecated:
        context.warnings.append(_TOKENS_GONE)
    tokens = _weights("weighted_tokens", "tokens", found.get("tokens") or {})
    return _expanded(context, path, tokens, found, boost * boost_of("weighted_tokens", found))


def sparse_vector(context: Context, body: Any, boost: float) -> Matches:
    """`{"sparse_vector": {"field": ..., "query_vector" | "inference_id" and "query": ...}}`."""
    if not context.release.sparse_vector_query:
        raise search_errors.UNKNOWN_QUERY.refusal(name="sparse_vector", hint="")
    known = {"field", "query_vector", "inference_id", "query", "prune", "pruning_config", "boost", "_name"}
    for parameter in body:
        if parameter not in known:
            raise errors.UNKNOWN_FIELD.refusal(parser="sparse_vector", field=parameter)
    path = body.get("field")
    if not path or not isinstance(path, str):
        raise search_errors.NO_FIELD_OF_VECTOR.refusal()
    if ("query_vector" in body) == ("query" in body) or {"query_vector", "inference_id"} <= set(body):
        what = "one of [query_vector] or [inference_id] for sparse_vector fields"
        raise search_errors.REQUIRED.refusal(query="sparse_vector", what=what)
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type == "semantic_text" and context.release.newer_semantic_text:
        return _semantic(context, field, body, boost)
    if field is not None and field.type != "sparse_vector":
        metadata = context.searcher.index.metadata
        raise search_errors.MUST_BE_SPARSE.refusal(path=path, kind=field.type, metadata=metadata)
    tokens = body.get("query_vector")
    if tokens is None:
        model = body.get("inference_id")
        if not model and not context.is_checked_only:  # a semantic_text field has an endpoint of its own
            raise search_errors.NO_INFERENCE_ID.refusal()
        tokens = context.tokens(str(model), str(body["query"]))
    tokens = _weights("sparse_vector", "query_vector", tokens)
    options = (field.parameters.get("index_options") if field else None) or {}
    prunes = body.get("prune", options.get("prune", context.release.prunes_by_default))
    pruning = _pruning("sparse_vector", body.get("pruning_config") or options.get("pruning_config") or {})
    boost *= boost_of("sparse_vector", body)
    return _scored(context, path, tokens, pruning if prunes else None, boost)


def _semantic(context: Context, field: Field, body: Mapping[str, Any], boost: float) -> Matches:
    """On a semantic_text field: its own endpoint embeds the query. Pruning has no effect here."""
    boost *= boost_of("sparse_vector", body)
    settings = field.parameters.get("model_settings")
    if settings is None:
        return context.none()
    if settings["task_type"] != "sparse_embedding":
        raise search_errors.MUST_BE_SPARSE.refusal(path=field.path, kind="dense_vector")
    tokens = body.get("query_vector")
    if tokens is None:
        model = str(body.get("inference_id") or endpoint_of(field))
        tokens = context.tokens(model, str(body["query"]))
    return by_tokens(context, field, _weights("sparse_vector", "query_vector", tokens), boost)


def _expanded(
    context: Context, path: str, tokens: Mapping[str, float], found: Mapping[str, Any], boost: float
) -> Matches:
    config = found.get("pruning_config")
    pruning = None if config is None else _pruning("pruning_config", config)
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type not in _TYPES:
        raise search_errors.WRONG_FIELD_TYPE.refusal(
            kind=field.type, metadata=context.searcher.index.metadata
        )
    return _scored(context, path, tokens, pruning, boost)


def _scored(
    context: Context, path: str, tokens: Mapping[str, float], pruning: _Pruning | None, boost: float
) -> Matches:
    """The sum over tokens of query weight times stored weight: products in float, the sum in double."""
    searcher, result = context.searcher, context.none()
    if path not in searcher.index.fields:
        return result
    kept = tokens if pruning is None else _pruned(context, path, tokens, pruning)
    total = np.zeros(searcher.size, np.float64)
    for token, weight in kept.items():
        documents, stored = searcher.postings(path, token)
        total[documents] += np.float32(np.float32(weight) * np.float32(boost)) * stored
        result.mask[documents] = True
    return Matches(result.mask, total.astype(np.float32))


def _weights(query: str, parameter: str, given: Any) -> dict[str, float]:
    """Tokens with their weights, from an object or a list of objects.

    Raises:
        Refusal: it is neither, or a weight is not a number.
    """
    parts = given if isinstance(given, list) else [given]
    if not all(isinstance(each, Mapping) for each in parts):
        raise search_errors.BAD_VALUE.refusal(where=query, parameter=parameter, value=given)
    return {token: number(query, token, weight) for each in parts for token, weight in each.items()}


def _pruning(query: str, given: Any) -> _Pruning:
    """Read a `pruning_config`.

    Raises:
        Refusal: it is not an object, or has unknown or invalid values.
    """
    if not isinstance(given, Mapping):
        raise search_errors.BAD_VALUE.refusal(where=query, parameter="pruning_config", value=given)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name == "only_score_pruned_tokens" and isinstance(value, bool):
            found[name] = value
        elif name not in _LIMITS:
            raise search_errors.UNKNOWN_PRUNING.refusal(name=name)
        else:
            found[name] = number("pruning_config", name, value)
            least, most, answer = _LIMITS[name]
            if not least <= found[name] <= most:
                raise answer.refusal(value=float(value))
    return _Pruning(**found)


def _pruned(context: Context, path: str, tokens: Mapping[str, float], pruning: _Pruning) -> dict[str, float]:
    """The tokens that are rare or heavy enough; with `only_score_pruned_tokens`, the others."""
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
        rare = frequency / statistics.documents < pruning.tokens_freq_ratio_threshold * average
        keeps = rare or weight > pruning.tokens_weight_threshold * best
        if keeps != pruning.only_score_pruned_tokens:
            kept[token] = weight
    return kept
