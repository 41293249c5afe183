"""Queries on one field that analyze their text: match, match_phrase, and those whose last term is a prefix."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from sandbox.elastic.documents.analysis import analyzer
from sandbox.elastic.documents.source_values import of_field
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import similarities
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, field_and_body, minimum
from sandbox.elastic.search.query_kinds import fuzzy_queries
from sandbox.elastic.search.query_kinds.semantic_queries import by_text
from sandbox.elastic.search.query_kinds.term_queries import any_term, exact, scored_term, searchable
from sandbox.elastic.search.scoring import bm25, idf
from sandbox.elastic.wire.exchange import whole

_MATCH = {"operator", "minimum_should_match", "boost", "analyzer", "zero_terms_query", "lenient"} | {
    "auto_generate_synonyms_phrase_query",
    *fuzzy_queries.PARAMETERS,
}
_PHRASE = {"boost", "analyzer", "slop", "zero_terms_query"}
MOST_EXPANSIONS = 50
"""Terms that the prefix at the end of a phrase stands for at most, unless the query says so."""


def match(context: Context, body: Any, boost: float) -> Matches:
    """`{"match": {field: text}}`: any of its terms, or all with `operator: and`."""
    path, found = field_and_body("match", body, "query", _MATCH)
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type == "semantic_text":
        if not context.release.newer_semantic_text:
            problem = f"Field [{path}] of type [semantic_text] does not support match queries"
            raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=context.searcher.index.metadata)
        return by_text(context, field, str(found["query"]), boost * boost_of("match", found))
    return matched(context, path, found, boost * boost_of("match", found))


def match_phrase(context: Context, body: Any, boost: float) -> Matches:
    """`{"match_phrase": {field: text}}`: its terms side by side, in order."""
    path, found = field_and_body("match_phrase", body, "query", _PHRASE)
    refuse_slop("match_phrase", found)
    return as_phrase(context, path, found, boost * boost_of("match_phrase", found))


def match_phrase_prefix(context: Context, body: Any, boost: float) -> Matches:
    """`{"match_phrase_prefix": {field: text}}`: a phrase whose last term is the beginning of one."""
    path, found = field_and_body("match_phrase_prefix", body, "query", _PHRASE | {"max_expansions"})
    refuse_slop("match_phrase_prefix", found)
    return as_phrase_prefix(context, path, found, boost * boost_of("match_phrase_prefix", found))


def match_bool_prefix(context: Context, body: Any, boost: float) -> Matches:
    """`{"match_bool_prefix": {field: text}}`: any of its terms, of which the last is the beginning of one."""
    path, found = field_and_body("match_bool_prefix", body, "query", _MATCH - {"lenient", "zero_terms_query"})
    return as_bool_prefix(context, path, found, boost * boost_of("match_bool_prefix", found))


def refuse_slop(query: str, found: Mapping[str, Any]) -> None:
    """Refuse words between those of a phrase.

    Raises:
        Refusal: naming the parameter.
    """
    if found.get("slop"):
        raise search_errors.NOT_SUPPORTED.refusal(query=query, parameter="slop")


def as_phrase(context: Context, path: str, found: Mapping[str, Any], boost: float) -> Matches:
    """The documents with a phrase in a field.

    Raises:
        Refusal: the value does not fit the field, or its analyzer is unknown.
    """
    field = searchable(context, path)
    if field is None or field.type != "text":
        return exact(context, path, found["query"], boost)
    terms = terms_of(field, found)
    if len(terms) < 2:
        return scored_term(context, field, terms[0], boost) if terms else context.none()
    return _phrase(context, field, [[term] for term in terms], boost)


def as_phrase_prefix(context: Context, path: str, found: Mapping[str, Any], boost: float) -> Matches:
    """The documents with a phrase whose last term is the beginning of one (MultiPhrasePrefixQuery.java).

    Raises:
        Refusal: the field holds no text, or its analyzer is unknown.
    """
    field = searchable(context, path)
    if field is None:
        return context.none()
    if field.type != "text":
        if found.get("lenient"):
            return context.none()
        raise search_errors.ONLY_PHRASES_OF_TEXTS.refusal(
            path=path, kind=field.type, metadata=context.searcher.index.metadata
        )
    terms = terms_of(field, found)
    if not terms:
        return context.none()
    most = whole("max_expansions", found.get("max_expansions", MOST_EXPANSIONS))
    known = context.searcher.terms(path)
    first = bisect_left(known, terms[-1])
    last = [each for each in known[first : first + most] if each.startswith(terms[-1])]
    if len(terms) == 1:
        return context.added([scored_term(context, field, term, boost) for term in last])
    return _phrase(context, field, [*([term] for term in terms[:-1]), last], boost)


def as_bool_prefix(context: Context, path: str, found: Mapping[str, Any], boost: float) -> Matches:
    """The documents with any term, or a term that begins with the last one, which scores as a constant.

    Raises:
        Refusal: the value does not fit the field, or its analyzer is unknown.
    """
    field = context.searcher.index.fields.get(path)
    if field is None or field.type not in ("text", "keyword"):
        return _whole(context, path, found, boost)
    searchable(context, path)
    terms = terms_of(field, found) if field.type == "text" else [str(found["query"])]
    if not terms:
        return context.none()
    kept = [each for each in context.searcher.terms(path) if each.startswith(terms[-1])]
    parts = [_term(context, field, term, found, boost) for term in terms[:-1]]
    return combined(context, [*parts, any_term(context, path, kept, boost)], found)


def matched(context: Context, path: str, found: Mapping[str, Any], boost: float) -> Matches:
    """The documents with any term of a text in a field, or as many as `operator` and `minimum_should_match` say.

    Raises:
        Refusal: the value does not fit the field, or its analyzer is unknown.
    """
    field = context.searcher.index.fields.get(path)
    if field is None or field.type != "text":
        return _whole(context, path, found, boost)
    searchable(context, path)
    parts = [_term(context, field, term, found, boost) for term in terms_of(field, found)]
    return combined(context, parts, found)


def _term(context: Context, field: Field, term: str, found: Mapping[str, Any], boost: float) -> Matches:
    if found.get("fuzziness") is not None:
        return fuzzy_queries.scored(context, field, term, found, boost)
    return scored_term(context, field, term, boost)


def combined(context: Context, parts: list[Matches], found: Mapping[str, Any]) -> Matches:
    """The sum of terms, where as many match as `operator` and `minimum_should_match` say.

    Raises:
        Refusal: `minimum_should_match` is invalid.
    """
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


def _whole(context: Context, path: str, found: Mapping[str, Any], boost: float) -> Matches:
    """A field without terms; leniently, a value that does not fit its type matches nothing."""
    try:
        return exact(context, path, found["query"], boost)
    except Refusal as refusal:
        if not found.get("lenient") or refusal.kind != search_errors.QUERY_SHARD.kind:
            raise
        return context.none()


def terms_of(field: Field, found: Mapping[str, Any]) -> list[str]:
    """The terms of a query's text in a text field.

    Raises:
        Refusal: its analyzer is unknown.
    """
    parameters = field.parameters
    name = found.get("analyzer") or parameters.get("search_analyzer") or parameters.get("analyzer")
    try:
        return analyzer(name)(str(found["query"]))
    except KeyError:
        raise search_errors.NO_ANALYZER.refusal(name=name) from None


def _phrase(context: Context, field: Field, places: Sequence[Sequence[str]], boost: float) -> Matches:
    """Documents with one of the terms of every place, side by side.

    Positions are not indexed, so the texts of documents with all the terms are read again.
    """
    if context.level:
        raise search_errors.NOT_SUPPORTED.refusal(query="nested", parameter="match_phrase")
    for phrase in itertools.product(*places):
        context.looked_for(field.path, *phrase)
    searcher, result = context.searcher, context.none()
    postings = {term: searcher.postings(field.path, term)[0] for terms in places for term in terms}
    nothing = np.empty(0, np.int64)
    candidates = reduce(
        np.intersect1d, [reduce(np.union1d, [postings[term] for term in terms], nothing) for terms in places]
    ).astype(np.int64)
    if not len(candidates):
        return result
    numbers = searcher.sequence_numbers[candidates].tolist()
    rows = {row.seq_no: row for row in context.documents.rows(searcher.index, numbers)}
    analyze, known = analyzer(field.parameters.get("analyzer")), searcher.index.fields
    wanted = [frozenset(terms) for terms in places]
    frequencies = np.array(
        [
            _occurrences(
                [str(text) for text in of_field(rows[each].document(), field, known)], wanted, analyze
            )
            for each in numbers
        ],
        np.float32,
    )
    documents, frequencies = candidates[frequencies > 0], frequencies[frequencies > 0]
    statistics = searcher.statistics(field.path)
    # As in Lucene: summed in double, then converted.
    rarity = np.float32(
        sum(
            float(idf(statistics.documents, len(each)))
            for terms in places
            for each in map(postings.get, terms)
            if each is not None and len(each)
        )
    )
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


def _occurrences(texts: list[str], wanted: Sequence[frozenset[str]], analyze: Any) -> int:
    count = 0
    for text in texts:
        words = analyze(text)
        starts = range(len(words) - len(wanted) + 1)
        count += sum(all(words[at + place] in each for place, each in enumerate(wanted)) for at in starts)
    return count
