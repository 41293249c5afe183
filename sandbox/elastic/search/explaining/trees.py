"""The tree of an explanation: the score of a document, and the scores of the parts that it is made of.

Every value is what the query itself gives the document, so an explanation cannot tell another story than the search. The words are
those of Lucene's `explain` methods; parts of queries that are not taken apart here have no details.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.elastic.search.explaining.terms import explained_term
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.query_bodies import boost_of
from sandbox.elastic.search.query_kinds.text_queries import terms_of
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.strings import queries as string_queries

Explanation = dict[str, Any]
"""`value`, `description` and `details`."""
Parts = list[Explanation]


def explained(
    context: Context, query: Mapping[str, Any], document: int, boost: float = 1.0
) -> Explanation | None:
    """Why a document matches a query; None if it does not.

    Args:
        context: of the index.
        query: of the query language.
        document: its number in the context's searcher.
        boost: of the queries around it.

    Raises:
        Refusal: as `queries.evaluate`.
    """
    found = evaluate(_apart(context), query, boost)
    if not found.mask[document]:
        return None
    ((name, body),) = query.items()
    value = shown(found.scores[document])
    take_apart = _PARTS.get(name)
    if take_apart is None:
        return _leaf(value, query)
    return take_apart(context, body, document, boost, value) or _leaf(value, query)


def explained_search(
    context: Context, query: Mapping[str, Any] | None, document: int, value: float
) -> Explanation | None:
    """Why a document is a hit of a search with a query, knn sections, or both; `value` is its score.

    Of a vector that is near there is no more to say than Lucene does (`AbstractKnnVectorQuery.java`).
    """
    wanted = {"match_all": {}} if query is None and not context.nearest else query
    own = explained(context, wanted, document) if wanted is not None else None
    near = [
        {
            "value": shown(found.scores[document]),
            "description": f"within top {int(found.mask.sum())} docs",
            "details": [],
        }
        for found in context.nearest
        if found.mask[document]
    ]
    return _sum(value, [own, *near] if own else near)


def _apart(context: Context) -> Context:
    """The same search, which leaves no traces in the one that is explained."""
    return replace(context.unseen(), named={})


def _leaf(value: float, query: Mapping[str, Any]) -> Explanation:
    ((name, body),) = query.items()
    return {"value": value, "description": f"{name}({_short(body)})", "details": []}


def _short(body: Any) -> str:
    if not isinstance(body, Mapping):
        return str(body)
    return " ".join(f"{key}:{value}" for key, value in body.items())


def _sum(value: float, parts: Parts, also: Sequence[Explanation] = ()) -> Explanation | None:
    """The sum of parts; of a single one, this itself."""
    if not parts and not also:
        return None
    if len(parts) == 1 and not also:
        return parts[0]
    return {"value": value, "description": "sum of:", "details": [*parts, *also]}


def _best(value: float, parts: Parts, tie_breaker: float) -> Explanation | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    words = "max of:" if not tie_breaker else f"max plus {shown(tie_breaker)} times others of:"
    return {"value": value, "description": words, "details": parts}


def _all(context: Context, queries: Any, document: int, boost: float) -> Parts:
    found = (explained(context, each, document, boost) for each in _list(queries))
    return [each for each in found if each is not None]


def _bool(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    boost *= boost_of("bool", body)
    scored = _all(context, body.get("must"), document, boost) + _all(
        context, body.get("should"), document, boost
    )
    filters = [
        {
            "value": 0.0,
            "description": "match on required clause, product of:",
            "details": [{"value": 0.0, "description": "# clause", "details": []}, each],
        }
        for each in _all(context, body.get("filter"), document, 1.0)
    ]
    return _sum(value, scored, filters)


def _dis_max(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    parts = _all(context, body["queries"], document, boost * boost_of("dis_max", body))
    return _best(value, parts, float(body.get("tie_breaker", 0.0)))


def _constant_score(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation:
    del context, document, boost
    return {"value": value, "description": f"ConstantScore({_short(body.get('filter'))})", "details": []}


def _match_all(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation:
    del context, body, document, boost
    return {"value": value, "description": "*:*", "details": []}


def _boosting(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    positive = explained(context, body["positive"], document, boost * boost_of("boosting", body))
    return positive and {
        "value": value,
        "description": "boosting, product of a part of:",
        "details": [positive],
    }


def _function_score(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    query = body.get("query", {"match_all": {}})
    inner = explained(context, query, document, boost * boost_of("function_score", body))
    return inner and {"value": value, "description": "function score, computed from:", "details": [inner]}


def _string(name: str) -> Callable[..., Explanation | None]:
    read = {
        "query_string": string_queries.query_string,
        "simple_query_string": string_queries.simple_query_string,
    }[name]

    def parts(
        context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
    ) -> Explanation | None:
        del value
        query = read(context.searcher.index, body)
        return explained(context, query, document, boost * boost_of(name, body))

    return parts


def _match(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    ((path, given),) = ((key, each) for key, each in body.items() if key != "_name")
    found = given if isinstance(given, Mapping) else {"query": given}
    field = context.searcher.index.fields.get(path)
    if field is None or field.type != "text" or found.get("fuzziness") is not None:
        return None
    boost *= boost_of("match", found)
    terms = [explained_term(context, field, term, document, boost) for term in terms_of(field, found)]
    return _sum(value, [each for each in terms if each])


def _term(
    context: Context, body: Mapping[str, Any], document: int, boost: float, value: float
) -> Explanation | None:
    del value
    ((path, given),) = ((key, each) for key, each in body.items() if key != "_name")
    found = given if isinstance(given, Mapping) else {"value": given}
    field = context.searcher.index.fields.get(path)
    if field is None or field.type not in ("text", "keyword"):
        return None
    return explained_term(context, field, str(found.get("value")), document, boost * boost_of("term", found))


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]


_PARTS: dict[str, Callable[[Context, Mapping[str, Any], int, float, float], Explanation | None]] = {
    "bool": _bool,
    "boosting": _boosting,
    "constant_score": _constant_score,
    "dis_max": _dis_max,
    "function_score": _function_score,
    "match": _match,
    "match_all": _match_all,
    "query_string": _string("query_string"),
    "simple_query_string": _string("simple_query_string"),
    "term": _term,
}
