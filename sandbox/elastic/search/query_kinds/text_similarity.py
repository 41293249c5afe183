"""The retriever `text_similarity_reranker`: the best documents of another retriever, in the order that a reranker gives their texts.

The text is what `fields` shows of the field, and of several values the first (RerankingRankFeaturePhaseRankShardContext.java).
Documents without one are left out, because the real service sends none of them to the model and does not return them
(RankFeaturePhase.java). Releases before elasticsearch#120670 was fixed could append them with the score 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sandbox.elastic.errors import Refusal, in_java
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.hit_values import of_object
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.query_kinds import reranker_errors
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import whole

NAME = "text_similarity_reranker"
DEFAULT_ENDPOINT = ".rerank-v1-elasticsearch"
WINDOW = 10
"""`rank_window_size` where none is given; whatever `size` is (RankBuilder.java)."""
_PARAMETERS = {
    "retriever",
    "field",
    "inference_text",
    "inference_id",
    "rank_window_size",
    "min_score",
    "filter",
    "_name",
}


@dataclass(frozen=True)
class Reranker:
    """What the body of the retriever says."""

    retriever: Any
    field: str
    text: str
    endpoint: str
    window: int
    least: float | None
    """`min_score`, which is compared with what the model answers."""
    allows_failures: bool

    @classmethod
    def read(cls, body: Mapping[str, Any], release: Release) -> Self:
        """Read a body.

        Raises:
            Refusal: a parameter is missing, unknown, or has a value that is not allowed.
        """
        known = _PARAMETERS | ({"allow_rerank_failures"} if release.rerank_options else set())
        for parameter in body:
            if parameter not in known:
                raise search_errors.RETRIEVER_PARAMETER.refusal(kind=NAME, parameter=parameter)
        default = {"inference_id": DEFAULT_ENDPOINT} if release.default_reranker else {}
        given = {**default, **{name: value for name, value in body.items() if value is not None}}
        required = ("retriever", "inference_id", "inference_text", "field")
        if missing := [name for name in required if name not in given]:
            raise reranker_errors.RETRIEVER_REQUIRED.refusal(names=", ".join(missing))
        for name in required[1:]:
            if not isinstance(given[name], str):
                raise reranker_errors.RETRIEVER_VALUE.refusal(kind=NAME, parameter=name)
        allows = given.get("allow_rerank_failures", False)
        if not isinstance(allows, bool):
            raise reranker_errors.RETRIEVER_VALUE.refusal(kind=NAME, parameter="allow_rerank_failures")
        window = whole("rank_window_size", given.get("rank_window_size", WINDOW))
        if window < 0:
            raise reranker_errors.NEGATIVE_WINDOW.refusal(window=window)
        least = number(NAME, "min_score", given["min_score"]) if "min_score" in given else None
        return cls(
            given["retriever"], given["field"], given["inference_text"], given["inference_id"], window, least, allows
        )  # fmt: skip


def reranked(contexts: Sequence[Context], asked: Reranker, found: Sequence[Matches]) -> list[Matches]:
    """The documents of a window in the reranker's order: those that have the text, and whose score is not below `min_score`.

    Raises:
        Refusal: the endpoint does not exist, does not rerank, or fails, and failures are not allowed.
    """
    texts = [_texts(context, asked.field, part) for context, part in zip(contexts, found, strict=True)]
    try:
        every = [text for mine in texts for text in mine.values()]
        scores = iter(contexts[0].relevance(asked.endpoint, asked.text, every) if contexts else [])
    except Refusal as refusal:
        if asked.allows_failures:
            return list(found)
        raise _failed(asked, refusal) from refusal
    results = []
    for context, mine in zip(contexts, texts, strict=True):
        mask, new = np.zeros(context.searcher.size, bool), np.zeros(context.searcher.size, np.float32)
        for document in mine:
            score = next(scores)
            mask[document] = asked.least is None or score >= asked.least
            new[document] = normalized(score) if mask[document] else 0.0
        results.append(Matches(mask, new))
    return results


def normalized(score: float) -> np.float32:
    """A model's answer as a score, which must not be negative: max(s, 0) + min(exp(s), 1), so that s >= 0 becomes s + 1.

    From TextSimilarityRankFeaturePhaseRankCoordinatorContext.java.
    """
    return np.float32(max(score, 0.0)) + np.float32(min(float(np.exp(min(score, 0.0))), 1.0))


def _texts(context: Context, path: str, found: Matches) -> dict[int, str]:
    """By document: the first value of the field, for those that have one."""
    searcher = context.searcher
    known = searcher.index.fields
    if path not in known:
        return {}
    numbers = {int(searcher.sequence_numbers[place]): int(place) for place in np.flatnonzero(found.mask)}
    texts: dict[int, str] = {}
    for row in context.documents.rows(searcher.index, list(numbers)):
        values = of_object(row.document(), searcher.index.mapping, known, {path: None}).get(path)
        if values:
            texts[numbers[row.seq_no]] = in_java(values[0])
    return texts


def _failed(asked: Reranker, cause: Refusal) -> Refusal:
    """The refusal as the service answers it: the real reason is the cause of a suppressed exception."""
    phase = reranker_errors.NOT_RERANKED.refusal(
        metadata={"phase": "rank-feature", "grouped": True, "failed_shards": []}, cause=cause
    )
    failed = reranker_errors.NESTED_FAILED.refusal(
        kind=NAME, child=next(iter(asked.retriever)), metadata={"suppressed": [phase.item()]}
    )
    failed.status = cause.status
    failed.headers = cause.headers
    return failed
