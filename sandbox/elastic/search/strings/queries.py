"""`query_string`, `simple_query_string` and the parameter `q`: their options, read and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.elastic.indices.index import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import target_fields
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.strings import lucene, simple
from sandbox.elastic.search.strings.clauses import Clauses, Query
from sandbox.elastic.wire.exchange import Request

_BOTH = {"query", "fields", "default_operator", "analyzer", "lenient", "boost", "_name"} | {
    "minimum_should_match",
    "analyze_wildcard",
    "auto_generate_synonyms_phrase_query",
}
_LUCENE = _BOTH | {"default_field", "allow_leading_wildcard", "escape", "tie_breaker", "type"}
_SIMPLE = _BOTH | {"flags"}
# Without fuzzy terms and regular expressions these change nothing.
_IDLE = {"fuzziness", "fuzzy_max_expansions", "fuzzy_prefix_length", "fuzzy_transpositions"} | {
    "max_determinized_states",
    "rewrite",
    "fuzzy_rewrite",
}
_IN_QUERY = ("df", "default_operator", "analyzer", "lenient", "analyze_wildcard")
_RESERVED = '+-=&|><!(){}[]^"~*?:\\/'


def of_request(request: Request) -> Query | None:
    """The query of `q` with `df`, `default_operator`, `analyzer`, `lenient` and `analyze_wildcard`; None without `q`."""
    if "q" not in request.query:
        return None
    body: dict[str, Any] = {"query": request.query["q"]}
    for name in _IN_QUERY:
        if name in request.query:
            flag = name in ("lenient", "analyze_wildcard")
            body["default_field" if name == "df" else name] = (
                request.flag(name) if flag else request.query[name]
            )
    return {"query_string": body}


def query_string(index: Index, body: Mapping[str, Any]) -> Query:
    """The query of the DSL that a `query_string` stands for.

    Raises:
        Refusal: its text cannot be parsed, or an option is unknown or not imitated.
    """
    _check("query_string", body, _LUCENE | _IDLE)
    kind = body.get("type", "best_fields")
    if kind not in ("best_fields", "most_fields"):
        raise search_errors.NOT_SUPPORTED.refusal(query="query_string", parameter=f"type: {kind}")
    default = body.get("default_field")
    given = body.get("fields") or ([default] if default not in (None, "*") else None)
    clauses = _clauses("query_string", index, body, given, kind == "best_fields")
    text = str(body["query"])
    if body.get("escape"):
        text = "".join(f"\\{each}" if each in _RESERVED else each for each in text)
    try:
        leading = body.get("allow_leading_wildcard", True) is not False
        found = lucene.compiled(text, clauses, leading_wildcard=leading)
    except lucene.Unreadable as error:
        raise _refusal("query_string", index, text, error) from None
    return _with_minimum(found, body.get("minimum_should_match"))


def simple_query_string(index: Index, body: Mapping[str, Any]) -> Query:
    """The query of the DSL that a `simple_query_string` stands for.

    Raises:
        Refusal: an option is unknown or not imitated.
    """
    _check("simple_query_string", body, _SIMPLE | _IDLE)
    if str(body.get("flags", "ALL")).upper() not in ("ALL", "-1"):
        raise search_errors.NOT_SUPPORTED.refusal(
            query="simple_query_string", parameter=f"flags: {body['flags']}"
        )
    clauses = _clauses("simple_query_string", index, body, body.get("fields"), True)
    try:
        found = simple.compiled(str(body["query"]), clauses)
    except lucene.Unreadable as error:
        raise _refusal("simple_query_string", index, str(body["query"]), error) from None
    return _with_minimum(found, body.get("minimum_should_match"))


def _check(query: str, body: Mapping[str, Any], known: set[str]) -> None:
    for parameter in body:
        if parameter not in known:
            raise search_errors.NOT_SUPPORTED.refusal(query=query, parameter=parameter)
    if body.get("analyze_wildcard"):
        raise search_errors.NOT_SUPPORTED.refusal(query=query, parameter="analyze_wildcard")
    if body.get("query") is None:
        raise search_errors.NO_QUERY_STRING.refusal(query=query)


def _clauses(query: str, index: Index, body: Mapping[str, Any], given: Any, best: bool) -> Clauses:
    operator = str(body.get("default_operator", "or")).lower()
    if operator not in ("and", "or"):
        raise search_errors.BAD_VALUE.refusal(where=query, parameter="default_operator", value=operator)
    if given:
        targets = target_fields.named(index, query, [given] if isinstance(given, str) else given)
        everywhere = False
    else:
        targets, everywhere = target_fields.of_index(index)
    return Clauses(
        index,
        targets,
        operator=operator,
        lenient=bool(body.get("lenient", everywhere)),
        analyzer=body.get("analyzer"),
        best_field=best,
        tie_breaker=number(query, "tie_breaker", body.get("tie_breaker", 0.0)),
    )


def _refusal(query: str, index: Index, text: str, error: lucene.Unreadable) -> Exception:
    if error.unsupported:
        return search_errors.NOT_SUPPORTED.refusal(query=query, parameter=error.unsupported)
    cause = search_errors.UNREADABLE_QUERY.refusal(query=text, problem=error)
    return search_errors.QUERY_STRING.refusal(query=text, metadata=index.metadata, cause=cause)


def _with_minimum(query: Query, minimum: Any) -> Query:
    ((name, body),) = query.items()
    if minimum is None or name not in ("bool", "match"):
        return query
    if name == "bool":
        return {name: {**body, "minimum_should_match": minimum}}
    ((path, inner),) = body.items()
    return {name: {path: {**inner, "minimum_should_match": minimum}}}
