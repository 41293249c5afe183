"""Queries as Lucene writes them out (`toString` of its classes), for the `explain` of `_validate/query`.

Only those whose text is certain: the others are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.elastic.indices.index import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.query_bodies import boost_of
from sandbox.elastic.search.query_kinds.text_queries import terms_of
from sandbox.elastic.search.scoring import shown

_SIGNS = {"must": "+", "must_not": "-", "should": "", "filter": "#"}
"""In the order in which the service adds them, BoolQueryBuilder.java."""
_SIMPLE = {"query", "operator", "boost", "_name"}


def written_out(index: Index, query: Mapping[str, Any]) -> str:
    """A valid query as text: `+title:river #genre:war`.

    Raises:
        Refusal: it is one that is not written out here.
    """
    ((name, body),) = query.items()
    writer = _WRITERS.get(name)
    if writer is None:
        raise search_errors.NOT_WRITTEN_OUT.refusal(name=name)
    return writer(index, body)


def _match_all(_: Index, body: Mapping[str, Any]) -> str:
    return _boosted("match_all", body, "*:*")


def _constant_score(index: Index, body: Mapping[str, Any]) -> str:
    inside = f"ConstantScore({written_out(index, body['filter'])})"
    return _boosted("constant_score", body, inside)


def _exists(index: Index, body: Mapping[str, Any]) -> str:
    if body["field"] not in index.fields:
        raise search_errors.NOT_WRITTEN_OUT.refusal(name="exists")
    return _boosted("exists", body, f"ConstantScore(FieldExistsQuery [field={body['field']}])")


def _term(index: Index, body: Mapping[str, Any]) -> str:
    path, found = _field(body, "value")
    field = index.fields.get(path)
    if field is None or field.type not in ("keyword", "text") or found.get("case_insensitive"):
        raise search_errors.NOT_WRITTEN_OUT.refusal(name="term")
    return _boosted("term", found, f"{path}:{found['value']}")


def _match(index: Index, body: Mapping[str, Any]) -> str:
    path, found = _field(body, "query")
    field = index.fields.get(path)
    if field is None or field.type != "text" or set(found) - _SIMPLE:
        raise search_errors.NOT_WRITTEN_OUT.refusal(name="match")
    terms = terms_of(field, found)
    if not terms:
        raise search_errors.NOT_WRITTEN_OUT.refusal(name="match")
    sign = "+" if len(terms) > 1 and str(found.get("operator", "or")).lower() == "and" else ""
    return _boosted("match", found, " ".join(f"{sign}{path}:{term}" for term in terms))


def _bool(index: Index, body: Mapping[str, Any]) -> str:
    if "minimum_should_match" in body:
        raise search_errors.NOT_WRITTEN_OUT.refusal(name="bool with [minimum_should_match]")
    clauses = [
        f"{sign}{_within(written_out(index, each))}"
        for kind, sign in _SIGNS.items()
        for each in _listed(body.get(kind))
    ]
    if clauses and not any(body.get(kind) for kind in ("must", "should", "filter")):
        clauses.append("#*:*")
    return _boosted("bool", body, " ".join(clauses) or "*:*")


def _within(text: str) -> str:
    """A clause of several has parentheses around it."""
    return f"({text})" if " " in text and not text.startswith(("(", "ConstantScore(")) else text


def _boosted(name: str, body: Mapping[str, Any], text: str) -> str:
    boost = boost_of(name, body)
    return text if boost == 1 else f"({text})^{shown(boost)}"


def _field(body: Mapping[str, Any], short: str) -> tuple[str, Mapping[str, Any]]:
    ((path, given),) = ((key, each) for key, each in body.items() if key != "_name")
    return path, given if isinstance(given, Mapping) else {short: given}


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]


_WRITERS = {
    "bool": _bool,
    "constant_score": _constant_score,
    "exists": _exists,
    "match": _match,
    "match_all": _match_all,
    "term": _term,
}
