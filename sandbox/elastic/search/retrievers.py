"""What a search retrieves in each index: the matches of its query, its knn sections, or its tree of retrievers.

Ranks and windows are over all indices of the search together. Retrievers return matches like queries; how they are sorted,
filtered afterwards and shown is decided in ranking.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import nested_queries
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.query_kinds import reranker_errors, text_similarity, vector_queries
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import whole

_COMMON = {"filter", "min_score", "_name"}
_WINDOW = 10
_RANK_CONSTANT = 60
_EPSILON = 1e-6
"""Scores that differ by less are equal for the normalizer minmax."""
REAL = ("rule", "pinned", "rescorer", "diversify", "random_rerank")
"""Retrievers of Elasticsearch that are not imitated."""


def retrieved(
    contexts: Sequence[Context], query: Any, sections: Sequence[Mapping[str, Any]], retriever: Any
) -> list[Matches]:
    """The matches in each index; all documents if nothing is asked for.

    Raises:
        Refusal: the query, a knn section or a retriever is not allowed.
    """
    if retriever is not None:
        return _tree(contexts, retriever, [])
    parts: list[list[Matches]] = []
    if query is not None or not sections:
        parts.append([evaluate(each, {"match_all": {}} if query is None else query) for each in contexts])
    for section in sections:
        own = {name: value for name, value in section.items() if name != "inner_hits"}
        vector_queries.read("knn", own, requires_k=False)
        parts.append(nearest(contexts, own, [], section.get("inner_hits")))
        for context, found in zip(contexts, parts[-1], strict=True):
            context.nearest.append(found)
    if len(parts) == 1:
        return parts[0]
    return [context.added([part[place] for part in parts]) for place, context in enumerate(contexts)]


def nearest(
    contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any], inner_hits: Any = None
) -> list[Matches]:
    """The k nearest documents over all indices."""
    found = [
        nested_queries.near(each, body, _allowed(each, [*filters, *_list(body.get("filter"))]), inner_hits)
        for each in contexts
    ]
    kept = vector_queries.top(found, whole("k", body.get("k") or contexts[0].size)) if contexts else found
    for context, part in zip(contexts, kept, strict=True):
        if label := body.get("_name"):
            context.named[label] = part.mask
    return kept


def _tree(contexts: Sequence[Context], tree: Any, filters: Sequence[Any]) -> list[Matches]:
    if not isinstance(tree, Mapping) or len(tree) != 1:
        raise search_errors.RETRIEVER.refusal(
            problem="a retriever is an object with the name of its kind and its body"
        )
    ((kind, body),) = tree.items()
    if kind not in _KINDS or (contexts and not _has(contexts[0].release, kind)):
        answer = search_errors.RETRIEVER_NOT_IMITATED if kind in REAL else search_errors.UNKNOWN_RETRIEVER
        raise answer.refusal(kind=kind)
    if not isinstance(body, Mapping):
        raise search_errors.RETRIEVER.refusal(problem=f"[{kind}] is not an object")
    found = _KINDS[kind](contexts, body, [*filters, *_list(body.get("filter"))])
    if body.get("min_score") is not None:
        least = np.float32(number(kind, "min_score", body["min_score"]))
        found = [_where(part, part.scores >= least) for part in found]
    for context, part in zip(contexts, found, strict=True):
        if label := body.get("_name"):
            context.named[label] = part.mask
    return found


def _standard(contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]) -> list[Matches]:
    _check("standard", body, {"query"})
    query = body.get("query", {"match_all": {}})
    return [_where(evaluate(each, query), _allowed(each, filters)) for each in contexts]


def _knn(contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]) -> list[Matches]:
    own = {name: value for name, value in body.items() if name not in ("min_score", "filter")}
    vector_queries.read("knn", own, requires_k=True)
    return nearest(contexts, own, filters)


@dataclass(frozen=True)
class Component:
    """What one retriever gives to an rrf or linear retriever, in each index."""

    tree: Mapping[str, Any]
    weight: float
    found: list[Matches]
    """Its best documents, as many as the window has."""
    scored: list[Matches]
    """The same, with what each adds to the score."""
    normalizer: str = ""
    """Of linear, as the next."""
    normalized: Sequence[Matches] = ()
    """The same with normalized scores."""


def _rrf(contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]) -> list[Matches]:
    return _summed(contexts, [each.scored for each in rrf_components(contexts, body, filters)])


def rrf_components(
    contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]
) -> list[Component]:
    """The retrievers of rrf with what they find; scores are reciprocal ranks.

    Raises:
        Refusal: a parameter or a retriever is not allowed.
    """
    _check("rrf", body, {"retrievers", "rank_constant", "rank_window_size"})
    constant = rank_constant(body)
    if constant < 1:
        raise search_errors.RETRIEVER.refusal(
            problem="[rank_constant] must be greater or equal to [1] for [rrf]"
        )
    children = []
    for each in _children("rrf", body):
        wrapped = isinstance(each, Mapping) and "retriever" in each
        if wrapped and contexts and not contexts[0].release.weighted_rrf:
            raise search_errors.UNKNOWN_RETRIEVER.refusal(kind="retriever")
        children.append(
            (each["retriever"], number("rrf", "weight", each.get("weight", 1.0))) if wrapped else (each, 1.0)
        )
    window = _window("rrf", contexts, body)
    components = []
    for tree, weight in children:
        _check_child("rrf", window, tree, contexts[0].size if contexts else _WINDOW)
        parts = vector_queries.top(_tree(contexts, tree, filters), window)
        scored = rescored(parts, partial(_reciprocal, weight, constant))
        components.append(Component(tree, weight, parts, scored))
    return components


def rank_constant(body: Mapping[str, Any]) -> int:
    """That of an rrf retriever."""
    return whole("rank_constant", body.get("rank_constant", _RANK_CONSTANT))


def _linear(contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]) -> list[Matches]:
    return _summed(contexts, [each.scored for each in linear_components(contexts, body, filters)])


def linear_components(
    contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]
) -> list[Component]:
    """The retrievers of linear with what they find; scores are normalized and weighted.

    Raises:
        Refusal: a parameter or a retriever is not allowed.
    """
    _check("linear", body, {"retrievers", "rank_window_size", "normalizer"})
    window = _window("linear", contexts, body)
    components = []
    for each in _children("linear", body):
        if (
            not isinstance(each, Mapping)
            or set(each) - {"retriever", "weight", "normalizer"}
            or "retriever" not in each
        ):
            raise search_errors.RETRIEVER.refusal(
                problem="[linear] takes retrievers as objects with [retriever], [weight] and [normalizer]"
            )
        weight = number("linear", "weight", each.get("weight", 1.0))
        name = each.get("normalizer", body.get("normalizer", "none"))
        if name not in _NORMALIZERS:
            raise search_errors.RETRIEVER.refusal(problem=f"Unknown normalizer [{name}]")
        if weight < 0:
            raise search_errors.RETRIEVER.refusal(problem="[weight] must be non-negative")
        _check_child("linear", window, each["retriever"], contexts[0].size if contexts else _WINDOW)
        parts = vector_queries.top(_tree(contexts, each["retriever"], filters), window)
        normalized = rescored(parts, _NORMALIZERS[name])
        scored = rescored(normalized, partial(np.multiply, np.float32(weight)))
        components.append(Component(each["retriever"], weight, parts, scored, name, normalized))
    return components


def _reranker(contexts: Sequence[Context], body: Mapping[str, Any], filters: Sequence[Any]) -> list[Matches]:
    if not contexts:
        return []
    asked = text_similarity.Reranker.read(body, contexts[0].release)
    _window(text_similarity.NAME, contexts, {"rank_window_size": asked.window})
    _check_child(text_similarity.NAME, asked.window, asked.retriever, contexts[0].size)
    found = vector_queries.top(_tree(contexts, asked.retriever, filters), asked.window)
    return text_similarity.reranked(contexts, asked, found)


def _check_child(kind: str, window: int, tree: Any, size: int) -> None:
    """Refuse a window that is larger than that of a retriever within it (CompoundRetrieverBuilder.java)."""
    ((child, body),) = tree.items() if isinstance(tree, Mapping) and len(tree) == 1 else [("", None)]
    if child not in _COMPOUND or not isinstance(body, Mapping):
        return
    default = text_similarity.WINDOW if child == text_similarity.NAME else max(size, _WINDOW)
    own = whole("rank_window_size", body.get("rank_window_size", default))
    if window > own:
        raise reranker_errors.SMALLER_WINDOW.refusal(kind=kind, window=window, child=child, own=own)


_KINDS = {
    "standard": _standard,
    "knn": _knn,
    "rrf": _rrf,
    "linear": _linear,
    text_similarity.NAME: _reranker,
}
_COMPOUND = ("rrf", "linear", text_similarity.NAME)
"""Those with a window of their own."""


def _has(release: Release, kind: str) -> bool:
    """Whether a release has a retriever."""
    return release.reranker if kind == text_similarity.NAME else kind in release.retrievers


def _check(kind: str, body: Mapping[str, Any], known: set[str]) -> None:
    for parameter in body:
        if parameter not in known | _COMMON:
            raise search_errors.RETRIEVER_PARAMETER.refusal(kind=kind, parameter=parameter)


def _children(kind: str, body: Mapping[str, Any]) -> list[Any]:
    children = body.get("retrievers")
    if not isinstance(children, list) or not children or (kind == "rrf" and len(children) < 2):
        raise search_errors.RETRIEVER.refusal(
            problem=f"[{kind}] requires a list of at least {2 if kind == 'rrf' else 1} [retrievers]"
        )
    return children


def _window(kind: str, contexts: Sequence[Context], body: Mapping[str, Any]) -> int:
    size = contexts[0].size if contexts else _WINDOW
    window = whole("rank_window_size", body.get("rank_window_size", max(size, _WINDOW)))
    if window < size:
        raise search_errors.WINDOW_SIZE.refusal(kind=kind, window=window, size=size)
    return window


def rescored(parts: Sequence[Matches], change: Callable[[Array], Array]) -> list[Matches]:
    """The same documents with scores computed from those of all indices together."""
    scores = np.concatenate([part.scores[part.mask] for part in parts]) if parts else np.empty(0, np.float32)
    changed = change(scores) if len(scores) else scores
    result, start = [], 0
    for part in parts:
        count = int(part.mask.sum())
        new = np.zeros(len(part.scores), np.float32)
        new[part.mask] = changed[start : start + count]
        start += count
        result.append(Matches(part.mask, new))
    return result


def _summed(contexts: Sequence[Context], scored: Sequence[Sequence[Matches]]) -> list[Matches]:
    """The documents of any part; scores are summed as floats, one after the other (`combineInnerRetrieverResults`)."""
    summed = []
    for place, context in enumerate(contexts):
        total = context.none()
        for part in scored:
            total = Matches(total.mask | part[place].mask, total.scores + part[place].scores)
        summed.append(total)
    return summed


def _reciprocal(weight: float, constant: int, scores: Array) -> Array:
    return np.float32(weight) * (np.float32(1) / (constant + ranks(scores)).astype(np.float32))


def ranks(scores: Array) -> Array:
    """From 1; of equal scores the first is better."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def _minmax(scores: Array) -> Array:
    """Between 0 and 1; as they are if all are equal (MinMaxScoreNormalizer.java)."""
    least, most = scores.min(), scores.max()
    return scores if most - least < _EPSILON else (scores - least) / (most - least)


def _as_unit(scores: Array) -> Array:
    length = float(np.linalg.norm(scores))
    return scores / length if length else scores


def _unchanged(scores: Array) -> Array:
    return scores


_NORMALIZERS: dict[str, Callable[[Array], Array]] = {
    "none": _unchanged,
    "minmax": _minmax,
    "l2_norm": _as_unit,
}


def _allowed(context: Context, filters: Sequence[Any]) -> Array:
    mask = context.searcher.alive.copy()
    for query in filters:
        mask &= evaluate(context, query).mask
    return mask


def _where(part: Matches, mask: Array) -> Matches:
    kept = part.mask & mask
    return Matches(kept, np.where(kept, part.scores, np.float32(0)))


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]
