"""multi_match: a text in several fields, in each of the ways that the service joins them.

From MultiMatchQueryParser.java and, for cross_fields, BlendedTermQuery.java.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import target_fields
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, number
from sandbox.elastic.search.query_kinds import fuzzy_queries, text_queries
from sandbox.elastic.search.query_kinds.term_queries import scored_term, searchable

_PARAMETERS = {"operator", "minimum_should_match", "boost", "analyzer", "zero_terms_query", "lenient"} | {
    *("auto_generate_synonyms_phrase_query", "slop", "query", "fields", "type", "tie_breaker", "_name"),
    *fuzzy_queries.PARAMETERS,
}
_TIE_BREAKERS = {
    "best_fields": 0.0,
    "most_fields": 1.0,
    "cross_fields": 0.0,
    "phrase": 0.0,
    "phrase_prefix": 0.0,
    "bool_prefix": 1.0,
}
"""How much fields other than the best one count, unless the query says so."""
_IN_ONE_FIELD = {
    "best_fields": text_queries.matched,
    "most_fields": text_queries.matched,
    "phrase": text_queries.as_phrase,
    "phrase_prefix": text_queries.as_phrase_prefix,
    "bool_prefix": text_queries.as_bool_prefix,
}
_WITH_TERMS = ("text", "keyword")
Fields = list[tuple[str, float]]
"""Paths, each with its boost."""


def multi_match(context: Context, body: Any, boost: float) -> Matches:
    """`{"multi_match": {"query": ..., "fields": [...], "type": ...}}`.

    Raises:
        Refusal: a parameter is unknown, or does not go with the type.
    """
    kind = _kind(body)
    boost *= boost_of("multi_match", body)
    tie_breaker = number("multi_match", "tie_breaker", body.get("tie_breaker", _TIE_BREAKERS[kind]))
    given, index = body.get("fields") or [], context.searcher.index
    if given:
        fields = target_fields.named(index, "multi_match", [given] if isinstance(given, str) else given)
    else:
        fields, everywhere = target_fields.of_index(index)
        body = {"lenient": everywhere, **body}
    if kind == "cross_fields":
        parts = _across(context, fields, body, boost, tie_breaker)
    else:
        parts = [_IN_ONE_FIELD[kind](context, path, body, boost * own) for path, own in fields]
    return _best(context, parts, tie_breaker)


def _kind(body: Mapping[str, Any]) -> str:
    """The type of a query whose parameters are checked."""
    kind = body.get("type", "best_fields")
    for parameter in body:
        if parameter not in _PARAMETERS:
            raise search_errors.NOT_SUPPORTED.refusal(query="multi_match", parameter=parameter)
    if body.get("query") is None:
        raise search_errors.NO_TEXT.refusal(query="multi_match")
    if kind not in _TIE_BREAKERS:
        raise search_errors.UNKNOWN_MULTI_MATCH.refusal(kind=kind)
    if body.get("fuzziness") is not None and kind in ("cross_fields", "phrase", "phrase_prefix"):
        raise search_errors.FUZZINESS_NOT_ALLOWED.refusal(kind=kind)
    if body.get("slop") and kind == "bool_prefix":
        raise search_errors.SLOP_NOT_ALLOWED.refusal(kind=kind)
    if kind in ("phrase", "phrase_prefix"):
        text_queries.refuse_slop("multi_match", body)
    return kind


def _best(context: Context, parts: list[Matches], tie_breaker: float) -> Matches:
    """The best part's score, and a share of the others'."""
    if not parts:
        return context.none()
    mask = np.logical_or.reduce([part.mask for part in parts])
    best = np.maximum.reduce([part.scores for part in parts])
    others = np.sum([part.scores for part in parts], axis=0, dtype=np.float64) - best
    return Matches(mask, (best + tie_breaker * others).astype(np.float32))


def _across(
    context: Context, fields: Fields, body: Mapping[str, Any], boost: float, tie_breaker: float
) -> list[Matches]:
    """One part for each group of fields with the same analyzer, which are searched as if they were one field."""
    groups: dict[str, list[tuple[Field, float]]] = {}
    for path, own in fields:
        if field := searchable(context, path):
            groups.setdefault(_analyzer(field, body), []).append((field, own))
    parts: list[Matches] = []
    for name, group in groups.items():
        if len(group) == 1:
            ((field, own),) = group
            parts.append(text_queries.matched(context, field.path, body, boost * own))
            continue
        first = group[0][0]
        terms = [str(body["query"])] if name == "" else text_queries.terms_of(first, body)
        blended = [_blended(context, group, term, body, boost, tie_breaker) for term in terms]
        parts.append(text_queries.combined(context, blended, body))
    return parts


def _analyzer(field: Field, body: Mapping[str, Any]) -> str:
    """The name of what analyzes a query's text in a field; empty for the whole text as one term."""
    if field.type != "text":
        return ""
    own = field.parameters
    return str(body.get("analyzer") or own.get("search_analyzer") or own.get("analyzer") or "standard")


def _blended(
    context: Context,
    group: list[tuple[Field, float]],
    term: str,
    body: Mapping[str, Any],
    boost: float,
    tie_breaker: float,
) -> Matches:
    """One term in several fields, each of which counts it as about as rare as the field that has it most often."""
    with_terms = [(field, own) for field, own in group if field.type in _WITH_TERMS]
    frequencies = _frequencies(context, [field for field, _ in with_terms], term)
    parts = [
        scored_term(context, field, term, boost * own, frequency)
        for (field, own), frequency in zip(with_terms, frequencies, strict=True)
    ]
    blended = [_best(context, parts, tie_breaker)] if parts else []
    others = [
        text_queries.matched(context, field.path, {**body, "query": term}, boost * own)
        for field, own in group
        if field.type not in _WITH_TERMS
    ]
    return _best(context, [*others, *blended], tie_breaker)


def _frequencies(context: Context, fields: list[Field], term: str) -> list[int | None]:
    """How many documents each field counts as having a term; None where its own number stays.

    It is the most of any field, and one more for every field that has it in fewer; never more than the documents of the field.
    """
    own = [len(context.searcher.postings(field.path, term)[0]) for field in fields]
    if len(fields) < 2 or not max(own):
        return [None] * len(fields)
    statistics = [context.searcher.statistics(field.path) for field in fields]
    lengths = [each.total_length for each, count in zip(statistics, own, strict=True) if count]
    most = min(context.searcher.size, *lengths)
    assumed, before = min(most, max(own)), max(own)
    found: list[int | None] = [None] * len(fields)
    for place in sorted(range(len(fields)), key=lambda each: -own[each]):
        if not own[place]:
            break
        assumed += before > own[place]
        found[place] = int(min(assumed, statistics[place].documents, most))
        before = own[place]
    return found
