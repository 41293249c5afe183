"""Queries about single values: term, terms, range, exists, ids, prefix, wildcard."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sandbox.elastic.documents import date_math
from sandbox.elastic.indices.mappings import NUMBERS, WHOLE_NUMBERS, Field, is_searchable
from sandbox.elastic.indices.settings import TERMS_COUNT
from sandbox.elastic.indices.similarities import of_field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, field_and_body
from sandbox.elastic.search.scoring import bm25, idf, length_byte
from sandbox.elastic.search.searcher import Array

_NO_NORM = length_byte(1)
_EVERYWHERE = ("_id", "_index", "_seq_no", "_version")
"""Metadata fields that every document has."""
WEIGHTS = ("sparse_vector", "rank_features")
_PATTERN = re.compile(r"\\(.)|(\*)|(\?)|(.)", re.DOTALL)


def term(context: Context, body: Any, boost: float) -> Matches:
    """`{"term": {field: value}}`."""
    path, found = field_and_body("term", body, "value", {"boost"})
    return exact(context, path, found["value"], boost * boost_of("term", found))


def terms(context: Context, body: Any, boost: float) -> Matches:
    """`{"terms": {field: [values]}}`: constant scores."""
    fields = {name: value for name, value in body.items() if name not in ("boost", "_name")}
    path, values = field_and_body("terms", fields, "values", set())
    values = values["values"]
    if not isinstance(values, list):
        raise search_errors.NOT_SUPPORTED.refusal(query="terms", parameter=path)
    limit = int(context.searcher.index.settings.get("max_terms_count", TERMS_COUNT))
    if len(values) > limit:
        metadata = context.searcher.index.metadata
        raise search_errors.TOO_MANY_TERMS.refusal(count=len(values), limit=limit, metadata=metadata)
    mask = np.zeros(context.searcher.size, bool)
    for value in values:
        mask |= exact(context, path, value, 1.0).mask
    return context.constant(mask, boost * boost_of("terms", body))


def exact(context: Context, path: str, value: Any, boost: float) -> Matches:
    """One value of a field, not analyzed; scored by BM25 for terms, constantly for numbers and dates."""
    if path == "_id":
        return ids(context, {"values": [value]}, boost)
    if path == "_index":
        everything = context.searcher.alive if value == context.searcher.index.name else None
        return context.none() if everything is None else context.constant(everything, boost)
    field = searchable(context, path, weights=True)
    if field is None:
        return context.none()
    if field.type in WEIGHTS:
        return _weight(context, path, str(value), boost)
    if field.type in NUMBERS or field.type == "date":
        documents, values = context.searcher.numbers(path)
        try:
            wanted = date_math.resolved(value) if field.type == "date" else _number(field, value)
        except (TypeError, ValueError):
            raise search_errors.QUERY_SHARD.refusal(
                problem=f'For input string: "{value}"', metadata=context.searcher.index.metadata
            ) from None
        return context.constant(context.only(documents[values == wanted]), boost)
    return scored_term(context, field, _text(field, value), boost)


def _weight(context: Context, path: str, token: str, boost: float) -> Matches:
    """The stored weight of a token, as FeatureField's linear query scores it."""
    documents, stored = context.searcher.postings(path, token)
    result = context.none()
    result.mask[documents] = True
    result.scores[documents] = np.float32(boost) * stored
    return result


def scored_term(
    context: Context, field: Field, text: str, boost: float, frequency: int | None = None
) -> Matches:
    """BM25 of one term; `frequency` is the number of documents that it counts as having, if not its own."""
    context.looked_for(field.path, text)
    documents, frequencies = context.searcher.postings(field.path, text)
    result = context.none()
    if not len(documents):
        return result
    statistics = context.searcher.statistics(field.path)
    rarity = idf(statistics.documents, len(documents) if frequency is None else frequency)
    average = statistics.total_length / statistics.documents
    if field.type == "text" and field.parameters.get("norms", True):
        norms: Array | int = context.searcher.norms(field.path)[documents]
    else:
        norms = _NO_NORM
    result.mask[documents] = True
    result.scores[documents] = bm25(
        frequencies, norms, boost, rarity, average, of_field(field, context.searcher.index.settings)
    )
    return result


def range_(context: Context, body: Any, boost: float) -> Matches:
    """`{"range": {field: {"gte": ...}}}`: constant scores."""
    known = {"gt", "gte", "lt", "lte", "boost", "format", "time_zone", "relation"}
    path, found = field_and_body("range", body, None, known)
    field = searchable(context, path)
    bounds = {name: found[name] for name in ("gt", "gte", "lt", "lte") if found.get(name) is not None}
    if field is None:
        return context.none()
    if field.type not in (*NUMBERS, "date"):
        kept = [term for term in context.searcher.terms(path) if _within(term, bounds)]
        return any_term(context, path, kept, boost * boost_of("range", found))
    documents, values = context.searcher.numbers(path)
    mask = np.ones(len(values), bool)
    for name, bound in bounds.items():
        try:
            limit = date_math.resolved(bound, name in ("gt", "lte")) if field.type == "date" else float(bound)
        except (TypeError, ValueError):
            problem = (
                f"failed to parse date field [{bound}] with format [strict_date_optional_time||epoch_millis]"
                if field.type == "date"
                else f'For input string: "{bound}"'
            )
            metadata = context.searcher.index.metadata
            raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=metadata) from None
        compare = {"gt": np.greater, "gte": np.greater_equal, "lt": np.less, "lte": np.less_equal}[name]
        mask &= compare(values, limit)
    return context.constant(context.only(documents[mask]), boost * boost_of("range", found))


def exists(context: Context, body: Any, boost: float) -> Matches:
    """`{"exists": {"field": path}}`; an object exists if one of its fields does."""
    path = body.get("field")
    if not path or not isinstance(path, str):
        raise search_errors.NO_FIELD.refusal()
    if path in _EVERYWHERE:
        return context.constant(context.searcher.alive, boost * boost_of("exists", body))
    fields = context.searcher.index.fields
    below = [name for name in fields if name.startswith(f"{path}.") and path not in fields]
    mask = np.zeros(context.searcher.size, bool)
    for name in [path] if path in fields else below:
        kind = fields[name].type
        if kind == "rank_features" or (kind == "sparse_vector" and not context.release.sparse_vector_query):
            problem = f"[{kind}] fields do not support [exists] queries"
            raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=context.searcher.index.metadata)
        mask |= context.searcher.present(name)
    return context.constant(mask, boost * boost_of("exists", body))


def ids(context: Context, body: Any, boost: float) -> Matches:
    """`{"ids": {"values": [...]}}`."""
    values = body.get("values", [])
    if not isinstance(values, str | list):
        raise search_errors.BAD_VALUE.refusal(where="ids", parameter="values", value=values)
    if context.level:
        raise search_errors.NOT_SUPPORTED.refusal(query="nested", parameter="ids")
    searcher = context.searcher
    written = [
        number
        for id_ in ([values] if isinstance(values, str) else values)
        for number in context.documents.sequence_numbers(searcher.index, str(id_))
    ]
    documents = np.flatnonzero(np.isin(searcher.sequence_numbers, np.array(written, np.int64)))
    return context.constant(context.only(documents), boost * boost_of("ids", body))


def prefix(context: Context, body: Any, boost: float) -> Matches:
    """`{"prefix": {field: start}}`: constant scores."""
    path, found = field_and_body("prefix", body, "value", {"boost", "rewrite"})
    if texts_of(context, path, "prefix") is None:
        return context.none()
    start = str(found["value"])
    kept = [each for each in context.searcher.terms(path) if each.startswith(start)]
    return any_term(context, path, kept, boost * boost_of("prefix", found))


def wildcard(context: Context, body: Any, boost: float) -> Matches:
    """`{"wildcard": {field: pattern}}` with `*` and `?`, which a backslash makes plain: constant scores."""
    path, found = field_and_body("wildcard", body, "value", {"boost", "rewrite"})
    if texts_of(context, path, "wildcard") is None:
        return context.none()
    pattern = re.compile(
        _PATTERN.sub(
            lambda each: ".*" if each[2] else "." if each[3] else re.escape(each[1] or each[4]),
            str(found["value"]),
        ),
        re.DOTALL,
    )
    kept = [each for each in context.searcher.terms(path) if pattern.fullmatch(each)]
    return any_term(context, path, kept, boost * boost_of("wildcard", found))


def texts_of(context: Context, path: str, kind: str) -> Field | None:
    """The field of a query that compares strings; None if the mapping does not have it.

    Raises:
        Refusal: it holds no strings.
    """
    field = searchable(context, path)
    if field is not None and field.type not in ("text", "keyword"):
        raise search_errors.ONLY_ON_TEXTS.refusal(
            kind=kind, path=path, type=field.type, metadata=context.searcher.index.metadata
        )
    return field


def searchable(context: Context, path: str, *, weights: bool = False) -> Field | None:
    """The field; None if the mapping does not have it. Those of tokens with weights only if `weights` says so.

    Raises:
        Refusal: it is not indexed, or holds vectors, which need queries of their own.
    """
    field = context.searcher.index.fields.get(path)
    if field is None:
        return None
    metadata = context.searcher.index.metadata
    if not is_searchable(field.type, field.parameters):
        more = "" if field.type == "text" else " nor has doc values"
        raise search_errors.NOT_INDEXED.refusal(path=path, more=more, metadata=metadata)
    if field.type in ("dense_vector", "semantic_text"):
        problem = f"Field [{path}] of type [{field.type}] doesn't support term queries"
        raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=metadata)
    if field.type in WEIGHTS and not weights:
        problem = f"Queries on [{field.type}] fields are not supported"
        raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=metadata)
    return field


def any_term(context: Context, path: str, kept: list[str], score: float) -> Matches:
    """The documents with any of these terms, with a constant score."""
    mask = np.zeros(context.searcher.size, bool)
    for each in kept:
        context.looked_for(path, each)
        mask[context.searcher.postings(path, each)[0]] = True
    return context.constant(mask, score)


def _number(field: Field, value: Any) -> float:
    number = float(value)
    return number if field.type in WHOLE_NUMBERS or field.type == "double" else float(np.float32(number))


def _text(field: Field, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.lower() if field.parameters.get("normalizer") == "lowercase" else text


def _within(term_: str, bounds: Mapping[str, Any]) -> bool:
    tests: dict[str, Callable[[str, str], bool]] = {
        "gt": operator.gt,
        "gte": operator.ge,
        "lt": operator.lt,
        "lte": operator.le,
    }
    return all(tests[name](term_, str(limit)) for name, limit in bounds.items())
