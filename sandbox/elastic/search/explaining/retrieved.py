"""Explanations of what retrievers find: of rrf by ranks, of linear by normalized scores, down to the queries at the leaves.

The words are those of RRFRankDoc.java, LinearRankDoc.java, RankDoc.java and DenseVectorQuery.java. The tree of retrievers is run again
in contexts of its own; texts are not embedded again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import retrievers
from sandbox.elastic.search.explaining.trees import Explanation, explained, explained_search
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.retrievers import Component
from sandbox.elastic.search.scoring import java_float, shown

Document = tuple[int, int]
"""The number of a search's index, and of a document in it."""


class Explainer(ABC):
    """Explains the hits of one retriever."""

    @abstractmethod
    def of(self, document: Document, score: float) -> Explanation | None:
        """Why a document is a hit with this score; None if it is none."""


def explainer(contexts: Sequence[Context], tree: Mapping[str, Any]) -> Explainer:
    """Explains the hits of a search with a retriever.

    Raises:
        Refusal: a retriever is of a kind whose explanation is not imitated.
    """
    apart = [replace(each.unseen(), named={}, nearest=[]) for each in contexts]
    ((kind, body),) = tree.items()
    if kind == "knn":  # by itself it is the same as a knn section
        found = retrievers.nearest(apart, _own(body), _list(body.get("filter")))
        for context, part in zip(apart, found, strict=True):
            context.nearest.append(part)
        return _Section(apart)
    return _explainer(apart, tree, [])


def _explainer(contexts: Sequence[Context], tree: Mapping[str, Any], above: Sequence[Any]) -> Explainer:
    ((kind, body),) = tree.items()
    filters = [*above, *_list(body.get("filter"))]
    if kind == "standard":
        query = body.get("query", {"match_all": {}})
        return _Query(contexts, {"bool": {"must": query, "filter": filters}} if filters else query)
    if kind == "knn":
        return _Nearest(retrievers.nearest(contexts, _own(body), filters))
    if kind == "rrf":
        parts = retrievers.rrf_components(contexts, body, filters)
        return _Ranks(_parts(contexts, parts, filters), retrievers.rank_constant(body))
    if kind == "linear":
        return _Sum(_parts(contexts, retrievers.linear_components(contexts, body, filters), filters))
    raise search_errors.EXPLAIN_NO_RETRIEVER.refusal(kind=kind)


@dataclass(frozen=True)
class _Part:
    """One retriever of several, with what it found."""

    name: str
    component: Component
    found: Mapping[Document, float]
    """Its scores."""
    normalized: Mapping[Document, float]
    """Of linear, its normalized scores."""
    added: Mapping[Document, float]
    """What it adds to the score."""
    ranks: Mapping[Document, int]
    below: Explainer


def _parts(
    contexts: Sequence[Context], components: Sequence[Component], filters: Sequence[Any]
) -> list[_Part]:
    parts = []
    for place, each in enumerate(components):
        ((_, body),) = each.tree.items()
        label = f" [{body['_name']}]" if body.get("_name") else ""
        ranks = {document: int(rank) for document, rank in _scores(_ranked(each.found)).items()}
        below = _explainer(contexts, each.tree, filters)
        parts.append(
            _Part(
                f"at index [{place}]{label}",
                each,
                found=_scores(each.found),
                normalized=_scores(each.normalized),
                added=_scores(each.scored),
                ranks=ranks,
                below=below,
            )
        )
    return parts


@dataclass(frozen=True)
class _Query(Explainer):
    contexts: Sequence[Context]
    query: Mapping[str, Any]

    def of(self, document: Document, score: float) -> Explanation | None:
        del score
        return explained(self.contexts[document[0]], self.query, document[1])


@dataclass(frozen=True)
class _Section(Explainer):
    contexts: Sequence[Context]

    def of(self, document: Document, score: float) -> Explanation | None:
        return explained_search(self.contexts[document[0]], None, document[1], score)


class _Nearest(Explainer):
    def __init__(self, found: Sequence[Matches]) -> None:
        self._scores = _scores(found)
        self._ranks = {document: int(rank) for document, rank in _scores(_ranked(found)).items()}

    def of(self, document: Document, score: float) -> Explanation | None:
        del score
        found = self._scores.get(document)
        if found is None:
            return None
        text = java_float(found)
        near = _match(shown(found), f"found vector with calculated similarity: {text}")
        rank = self._ranks[document]
        words = f"doc [{document[1]}] with an original score of [{text}] is at rank [{rank}] from the following source queries."
        return _match(rank, words, near)


@dataclass(frozen=True)
class _Ranks(Explainer):
    parts: Sequence[_Part]
    constant: int

    def of(self, document: Document, score: float) -> Explanation | None:
        details = [self._part(each, document) for each in self.parts]
        ranks = ", ".join(str(each.ranks.get(document, 0)) for each in self.parts)
        words = (
            f"rrf score: [{java_float(score)}] computed for initial ranks [{ranks}] with rankConstant: [{self.constant}] "
            "as sum of [1 / (rank + rankConstant)] for each query"
        )
        return _match(score, words, *details)

    def _part(self, part: _Part, document: Document) -> Explanation:
        rank = part.ranks.get(document)
        if rank is None:
            return _match(0.0, f"rrf score: [0], result not found in query {part.name}")
        words = (
            f"rrf score: [{java_float(1 / (rank + self.constant))}], for rank [{rank}] in query {part.name} computed as "
            f"[1 / ({rank} + {self.constant})], for matching query with score"
        )
        return _match(rank, words, part.below.of(document, part.found[document]))


@dataclass(frozen=True)
class _Sum(Explainer):
    parts: Sequence[_Part]

    def of(self, document: Document, score: float) -> Explanation | None:
        details = [self._part(each, document) for each in self.parts]
        normalized = ", ".join(java_float(each.normalized.get(document, 0.0)) for each in self.parts)
        weights = ", ".join(java_float(each.component.weight) for each in self.parts)
        words = (
            f"weighted linear combination score: [{java_float(score)}] computed for normalized scores [{normalized}] and "
            f"weights [{weights}] as sum of (weight[i] * score[i]) for each query."
        )
        return _match(score, words, *details)

    def _part(self, part: _Part, document: Document) -> Explanation:
        normalized = part.normalized.get(document, 0.0)
        if not normalized > 0:
            return _match(0.0, f"weighted score: [0], result not found in query {part.name}")
        added, component = part.added[document], part.component
        words = (
            f"weighted score: [{java_float(added)}] in query {part.name} computed as [{java_float(component.weight)} * "
            f"{java_float(normalized)}] using score normalizer [{component.normalizer}] for original matching query with score:"
        )
        return _match(shown(added), words, part.below.of(document, part.found[document]))


def _match(value: float, description: str, *details: Explanation | None) -> Explanation:
    return {"value": value, "description": description, "details": [each for each in details if each]}


def _scores(found: Sequence[Matches]) -> dict[Document, float]:
    return {
        (number, int(document)): float(part.scores[document])
        for number, part in enumerate(found)
        for document in part.mask.nonzero()[0]
    }


def _ranked(found: Sequence[Matches]) -> list[Matches]:
    return retrievers.rescored(found, retrievers.ranks)


def _own(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("min_score", "filter", "_name")}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]
