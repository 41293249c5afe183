"""Queries that analyze their text: match, match_phrase, multi_match."""

from __future__ import annotations

from typing import Any

import numpy as np

from sandbox.elastic.documents.analysis import analyzer
from sandbox.elastic.documents.source_values import of_field
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import similarities
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import target_fields
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, field_and_body, minimum, number
from sandbox.elastic.search.query_kinds import fuzzy_queries
from sandbox.elastic.search.query_kinds.semantic_queries import by_text
from sandbox.elastic.search.query_kinds.term_queries import exact, scored_term, searchable
from sandbox.elastic.search.scoring import bm25, idf

_MATCH = {"operator", "minimum_should_match", "boost", "analyzer", "zero_terms_query", "lenient"} | {
    "auto_generate_synonyms_phrase_query",
    *fuzzy_queries.PARAMETERS,
}
_MULTI_MATCH = _MATCH | {"query", "fields", "type", "tie_breaker", "_name"}


def match(context: Context, body: Any, boost: float) -> Matches:
    """`{"match": {field: text}}`: any of its terms, or all with `operator: and`."""
    path, found = field_and_body("match", body, "query", _MATCH)
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type == "semantic_text":
        return by_text(context, field, str(found["query"]), boost * boost_of("match", found))
    return _matched(context, path, found, boost * boost_of("match", found))


def multi_match(context: Context, body: Any, boost: float) -> Matches:
    """`{"multi_match": {"query": ..., "fields": [...]}}`: the best field's score."""
    given, kind = body.get("fields") or [], body.get("type", "best_fields")
    for parameter in body:
        if parameter not in _MULTI_MATCH:
            raise search_errors.NOT_SUPPORTED.refusal(query="multi_match", parameter=parameter)
    if body.get("query") is None:
        raise search_errors.REQUIRED.refusal(query="multi_match", what="a [query]")
    if kind not in ("best_fields", "most_fields", "phrase"):
        raise search_errors.NOT_SUPPORTED.refusal(query="multi_match", parameter=f"type: {kind}")
    boost *= boost_of("multi_match", body)
    index = context.searcher.index
    if given:
        fields = target_fields.named(index, "multi_match", [given] if isinstance(given, str) else given)
    else:
        fields, everywhere = target_fields.of_index(index)
        body = {"lenient": everywhere, **body}
    matched = _as_phrase if kind == "phrase" else _matched
    parts = [matched(context, path, body, boost * own) for path, own in fields]
    if kind == "most_fields" or not parts:
        return context.added(parts)
    mask = np.logical_or.reduce([part.mask for part in parts])
    best = np.maximum.reduce([part.scores for part in parts])
    others = np.sum([part.scores for part in parts], axis=0, dtype=np.float64) - best
    tie_breaker = number("multi_match", "tie_breaker", body.get("tie_breaker", 0.0))
    return Matches(mask, (best + tie_breaker * others).astype(np.float32))


def match_phrase(context: Context, body: Any, boost: float) -> Matches:
    """`{"match_phrase": {field: text}}`: its terms side by side, in order."""
    path, found = field_and_body(
        "match_phrase", body, "query", {"boost", "analyzer", "slop", "zero_terms_query"}
    )
    if found.get("slop"):
        raise search_errors.NOT_SUPPORTED.refusal(query="match_phrase", parameter="slop")
    boost *= boost_of("match_phrase", found)
    return _as_phrase(context, path, found, boost)


def _as_phrase(context: Context, path: str, found: dict[str, Any], boost: float) -> Matches:
    field = searchable(context, path)
    if field is None or field.type != "text":
        return exact(context, path, found["query"], boost)
    terms = _terms(field, found)
    if len(terms) < 2:
        return scored_term(context, field, terms[0], boost) if terms else context.none()
    return _phrase(context, field, terms, boost)


def _matched(context: Context, path: str, found: dict[str, Any], boost: float) -> Matches:
    field = context.searcher.index.fields.get(path)
    if field is None or field.type != "text":
        return _whole(context, path, found, boost)
    searchable(context, path)
    parts = [
        fuzzy_queries.scored(context, field, term, found, boost)
        if found.get("fuzziness") is not None
        else scored_term(context, field, term, boost)
        for term in _terms(field, found)
    ]
    together = context.added(parts)
    least = 1
    if str(found.get("operator", "or")).lower() == "and":
        least = len(parts)
    elif "minimum_should_match" in found:
        least = max(1, minimum(found["minimum_should_match"], len(parts)))
    if least > 1:
        enough = np.sum([part.mask for part in parts], axis=0) >= least
        return Matches(enough, np.where(enough, together.scores, np.float32(0)))
    return together


def _whole(context: Context, path: str, found: dict[str, Any], boost: float) -> Matches:
    """A field without terms; leniently, a value that does not fit its type matches nothing."""
    try:
        return exact(context, path, found["query"], boost)
    except Refusal as refusal:
        if not found.get("lenient") or refusal.kind != search_errors.QUERY_SHARD.kind:
            raise
        return context.none()


def _terms(field: Field, found: dict[str, Any]) -> list[str]:
    parameters = field.parameters
    name = found.get("analyzer") or parameters.get("search_analyzer") or parameters.get("analyzer")
    try:
        return analyzer(name)(str(found["query"]))
    except KeyError:
        raise search_errors.NO_ANALYZER.refusal(name=name) from None


def _phrase(context: Context, field: Field, terms: list[str], boost: float) -> Matches:
    """Positions are not indexed, so the texts of documents with all the terms are read again."""
    if context.level:
        raise search_errors.NOT_SUPPORTED.refusal(query="nested", parameter="match_phrase")
    context.looked_for(field.path, *terms)
    searcher, result = context.searcher, context.none()
    postings = {term: searcher.postings(field.path, term)[0] for term in terms}
    candidates = None
    for documents in postings.values():
        candidates = documents if candidates is None else np.intersect1d(candidates, documents)
    if candidates is None or not len(candidates):
        return result
    numbers = searcher.sequence_numbers[candidates].tolist()
    rows = {row.seq_no: row for row in context.documents.rows(searcher.index, numbers)}
    analyze, known = analyzer(field.parameters.get("analyzer")), searcher.index.fields
    frequencies = np.array(
        [
            _occurrences(
                [str(text) for text in of_field(rows[each].document(), field, known)], terms, analyze
            )
            for each in numbers
        ],
        np.float32,
    )
    documents, frequencies = candidates[frequencies > 0], frequencies[frequencies > 0]
    statistics = searcher.statistics(field.path)
    # As in Lucene: summed in double, then converted.
    rarity = np.float32(sum(float(idf(statistics.documents, len(postings[term]))) for term in terms))
    average = statistics.total_length / statistics.documents
    result.mask[documents] = True
    result.scores[documents] = bm25(
        frequencies,
        searcher.norms(field.path)[documents],
        boost,
        rarity,
        average,
        similarities.of_field(field, searcher.index.settings),
    )
    return result


def _occurrences(texts: list[str], terms: list[str], analyze: Any) -> int:
    count = 0
    for text in texts:
        words = analyze(text)
        count += sum(words[at : at + len(terms)] == terms for at in range(len(words) - len(terms) + 1))
    return count
