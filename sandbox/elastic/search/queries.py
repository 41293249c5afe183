"""The query language: the list of queries, and the compound ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import function_scores, nested_queries
from sandbox.elastic.search.matches import Context, Evaluate, Matches, QueryContexts
from sandbox.elastic.search.query_bodies import boost_of, minimum, number
from sandbox.elastic.search.query_kinds import (
    fuzzy_queries,
    multi_match,
    semantic_queries,
    sparse_queries,
    term_queries,
    text_queries,
    vector_queries,
    vector_scripts,
)
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.search.strings import queries as string_queries
from sandbox.elastic.wire.exchange import whole
from sandbox.elastic.wire.parameters.rules import suggested

_BOOL = {"must", "filter", "should", "must_not", "minimum_should_match", "boost", "_name"}


def matching(context: Context, query: Mapping[str, Any] | None) -> Array:
    """The numbers of the matching documents, ascending; all documents without a query."""
    if query is None:
        return np.flatnonzero(context.searcher.alive)
    return np.flatnonzero(evaluate(context, query).mask)


def check(contexts: QueryContexts, query: Mapping[str, Any] | None) -> None:
    """Validate a query without data; no model is asked.

    Raises:
        Refusal: as `evaluate`.
    """
    if query is not None:
        evaluate(contexts.empty(), query)


def evaluate(context: Context, query: Any, boost: float = 1.0) -> Matches:
    """The matches of a query.

    Raises:
        Refusal: the query is unknown or malformed, or does not fit its field.
    """
    if not isinstance(query, Mapping) or not query:
        raise search_errors.MALFORMED.refusal(name=query if isinstance(query, str) else "query")
    if len(query) > 1:
        raise search_errors.TWO_QUERIES.refusal(name=next(iter(query)))
    ((name, body),) = query.items()
    if name in REAL:
        raise search_errors.NOT_IMITATED.refusal(name=name)
    if name not in QUERIES:
        raise search_errors.UNKNOWN_QUERY.refusal(name=name, hint=suggested(name, QUERIES))
    if not isinstance(body, Mapping):
        raise search_errors.MALFORMED.refusal(name=name)
    found = QUERIES[name](context, body, boost)
    label = body.get("_name") or next((each["_name"] for each in body.values() if _named(each)), None)
    if label:
        context.named[label] = found.mask
    return found


def _named(body: Any) -> bool:
    return isinstance(body, Mapping) and isinstance(body.get("_name"), str)


def _bool(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    for parameter in body:
        if parameter not in _BOOL:
            raise search_errors.NOT_SUPPORTED.refusal(query="bool", parameter=parameter)
    boost *= boost_of("bool", body)
    clauses = {name: _list(body.get(name)) for name in ("must", "filter", "should", "must_not")}
    if not any(clauses.values()):
        return context.constant(context.searcher.alive, boost)
    must = [evaluate(context, query, boost) for query in clauses["must"]]
    should = [evaluate(context, query, boost) for query in clauses["should"]]
    mask = context.searcher.alive.copy()
    for part in [*must, *(evaluate(context, query, 1.0) for query in clauses["filter"])]:
        mask &= part.mask
    for query in clauses["must_not"]:
        mask &= ~evaluate(context.unseen(), query, 1.0).mask
    required = clauses["must"] or clauses["filter"]
    least = minimum(body.get("minimum_should_match", 0 if required else 1), len(should))
    if should and least:
        mask &= np.sum([part.mask for part in should], axis=0) >= least
    # As in Lucene: the required clauses are summed and converted to float before the optional ones are added.
    scores = context.added(must).scores + context.added(should).scores
    return Matches(mask, np.where(mask, scores, np.float32(0)))


def _match_all(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    return context.constant(context.searcher.alive, boost * boost_of("match_all", body))


def _match_none(context: Context, _body: Mapping[str, Any], _boost: float) -> Matches:
    return context.none()


def _constant_score(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    return context.constant(
        evaluate(context, body.get("filter")).mask, boost * boost_of("constant_score", body)
    )


def _dis_max(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """The best clause's score, and a part of the others'."""
    for parameter in body:
        if parameter not in ("queries", "tie_breaker", "boost", "_name"):
            raise search_errors.NOT_SUPPORTED.refusal(query="dis_max", parameter=parameter)
    if not body.get("queries"):
        raise search_errors.NO_QUERIES.refusal()
    boost *= boost_of("dis_max", body)
    parts = [evaluate(context, query, boost) for query in _list(body["queries"])]
    best = np.maximum.reduce([part.scores for part in parts])
    others = np.sum([part.scores for part in parts], axis=0, dtype=np.float64) - best
    tie_breaker = number("dis_max", "tie_breaker", body.get("tie_breaker", 0.0))
    mask = np.logical_or.reduce([part.mask for part in parts])
    return Matches(mask, (best + tie_breaker * others).astype(np.float32))


def _boosting(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """What matches `positive`; the scores of what matches `negative` too are multiplied by `negative_boost`."""
    for parameter in ("positive", "negative", "negative_boost"):
        if parameter not in body:
            problem = f"[boosting] query requires '{parameter}' query to be set'"
            raise search_errors.QUERY_BODY.refusal(problem=problem)
    least = number("boosting", "negative_boost", body["negative_boost"])
    if least < 0:
        problem = "[boosting] query requires 'negative_boost' to be set to be a positive value'"
        raise search_errors.QUERY_BODY.refusal(problem=problem)
    found = evaluate(context, body["positive"], boost * boost_of("boosting", body))
    demoted = evaluate(context.unseen(), body["negative"]).mask
    return Matches(found.mask, np.where(demoted, found.scores * np.float32(least), found.scores))


def _function_score(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """The scores of a query, changed by functions."""
    found = evaluate(context, body.get("query", {"match_all": {}}), boost * boost_of("function_score", body))
    functions = function_scores.read(body)
    masks = [
        None if each.filter is None else evaluate(context.unseen(), each.filter).mask for each in functions
    ]
    return function_scores.applied(context, body, found, functions, masks)


def _script_score(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """The documents of a query, scored by a script over their vectors."""
    vector_scripts.read(body)
    found = evaluate(context, body["query"])
    return vector_scripts.applied(context, body, found, boost * boost_of("script_score", body))


def _nested(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    return nested_queries.nested(context, body, boost, evaluate)


def _query_string(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    query = string_queries.query_string(context.searcher.index, body)
    return evaluate(context, query, boost * boost_of("query_string", body))


def _simple_query_string(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    query = string_queries.simple_query_string(context.searcher.index, body)
    return evaluate(context, query, boost * boost_of("simple_query_string", body))


def _knn(context: Context, body: Mapping[str, Any], boost: float) -> Matches:
    """The k nearest documents of an index, by default as many as the search returns."""
    vector_queries.read("knn", body, requires_k=False)
    allowed = context.searcher.alive.copy()
    for query in _list(body.get("filter")):
        allowed &= evaluate(context, query).mask
    vector_queries.refuse_semantic(context, str(body["field"]))
    found = vector_queries.near(context, body, allowed, boost)
    return vector_queries.top(
        [found], whole("k", body.get("k") or body.get("num_candidates") or context.size)
    )[0]


def _list(clauses: Any) -> list[Any]:
    return clauses if isinstance(clauses, list) else [] if clauses is None else [clauses]


QUERIES: dict[str, Evaluate] = {
    "bool": _bool,
    "boosting": _boosting,
    "constant_score": _constant_score,
    "dis_max": _dis_max,
    "exists": term_queries.exists,
    "function_score": _function_score,
    "script_score": _script_score,
    "fuzzy": fuzzy_queries.fuzzy,
    "ids": term_queries.ids,
    "knn": _knn,
    "match": text_queries.match,
    "match_all": _match_all,
    "match_none": _match_none,
    "match_bool_prefix": text_queries.match_bool_prefix,
    "match_phrase": text_queries.match_phrase,
    "match_phrase_prefix": text_queries.match_phrase_prefix,
    "nested": _nested,
    "multi_match": multi_match.multi_match,
    "prefix": term_queries.prefix,
    "query_string": _query_string,
    "range": term_queries.range_,
    "simple_query_string": _simple_query_string,
    "semantic": semantic_queries.semantic,
    "sparse_vector": sparse_queries.sparse_vector,
    "term": term_queries.term,
    "terms": term_queries.terms,
    "text_expansion": sparse_queries.text_expansion,
    "weighted_tokens": sparse_queries.weighted_tokens,
    "wildcard": term_queries.wildcard,
}
REAL = frozenset(
    {
        "boosting",
        "combined_fields",
        "dis_max",
        "distance_feature",
        "function_score",
        "fuzzy",
        "geo_bounding_box",
    }
    | {
        "geo_distance",
        "geo_grid",
        "geo_polygon",
        "geo_shape",
        "has_child",
        "has_parent",
        "intervals",
        "more_like_this",
    }
    | {
        "match_bool_prefix",
        "match_phrase_prefix",
        "parent_id",
        "percolate",
        "pinned",
        "rank_feature",
        "regexp",
    }
    | {
        "rule",
        "script",
        "script_score",
        "shape",
        "span_containing",
        "span_first",
        "span_multi",
        "span_near",
        "span_not",
    }
    | {"span_or", "span_term", "span_within", "terms_set", "wrapper"}
) - set(QUERIES)
"""Queries of Elasticsearch that are not imitated."""
