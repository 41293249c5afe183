"""Reranking: the first hits of any way of searching, ordered anew by a model that compares each text with the query.

What a search is, with a reranker around it, as Elasticsearch spells it: the retriever `text_similarity_reranker`
(https://www.elastic.co/docs/reference/elasticsearch/rest-apis/retrievers/text-similarity-reranker-retriever). It reads one field of each
document, of a long text the beginning, and leaves out documents that do not have the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.elastic.specs import EmbeddedField

RETRIEVER = "text_similarity_reranker"
SINCE = (8, 14)
"""The release that brought the retriever."""
SCORE = "rerank score"
"""What the scores of reranked hits are called: max(s, 0) + min(exp(s), 1) of what the model answers, so 1 or more for a positive s."""
WINDOW = 30
"""Hits that are reranked where nobody says it. The service's default, 10, can only reorder the first page; each costs an inference."""


@dataclass(frozen=True)
class Reranking:
    """By what, and how much."""

    endpoint: str
    """An inference endpoint of the task type rerank."""
    window: int
    """How many of the first hits are reranked, at one inference each. No others are found, so it must not be less than the hits wanted."""


def reranked(asked: dict[str, Any], text: str, field: EmbeddedField, reranking: Reranking) -> dict[str, Any]:
    """The part of a search's body that reranks what another one finds.

    Args:
        asked: that other part, a `query`, `knn` or `retriever`, for as many hits as the window.
        text: what the texts are compared with.
        field: whose text is read, as a whole: passages are nested, and not among the values that a reranker sees.
        reranking: by what, and how much.
    """
    retriever = {
        "retriever": _retriever(asked),
        "field": field.input,
        "inference_text": text,
        "inference_id": reranking.endpoint,
        "rank_window_size": reranking.window,
    }
    return {"retriever": {RETRIEVER: retriever}}


def _retriever(asked: dict[str, Any]) -> dict[str, Any]:
    if "knn" in asked:  # a retriever takes no inner hits
        return {"knn": {name: value for name, value in asked["knn"].items() if name != "inner_hits"}}
    return asked["retriever"] if "retriever" in asked else {"standard": {"query": asked["query"]}}
