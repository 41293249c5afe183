"""The task type `rerank`: what a call asks for, and its answer, as InferenceAction.java and RankedDocsResults.java have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference.endpoints import Endpoint

OPTIONS = ("return_documents", "top_n")
"""What a call may say beside its query and its texts, in releases that have it."""
_SETTINGS = {"return_documents"}


@dataclass(frozen=True)
class Asked:
    """One call that reranks."""

    query: str
    return_documents: bool
    """Whether the answer repeats the texts."""
    top_n: int | None
    """How many answers are wanted; None for one for each text."""

    @classmethod
    def read(cls, body: Mapping[str, Any], endpoint: Endpoint) -> Self:
        """Read the body of a call. What it says itself counts more than its `task_settings`, and these more than the endpoint's.

        Raises:
            Refusal: there is no query, or a value is invalid.
        """
        query = body.get("query")
        if not query:
            raise inference_errors.NO_QUERY.refusal(what="null" if query is None else "empty")
        if not isinstance(query, str):
            raise inference_errors.NOT_READ.refusal(field="query")
        if str(body.get("input_type", "unspecified")).lower() != "unspecified":
            raise inference_errors.NOT_FOR_TASK.refusal(field="input_type", task_type="rerank")
        settings = body.get("task_settings") or {}
        if not isinstance(settings, Mapping):
            raise inference_errors.NOT_READ.refusal(field="task_settings")
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise inference_errors.UNKNOWN_SETTINGS.refusal(
                    shown=f"{name}={value}", service=endpoint.service
                )
        given = (body.get("return_documents"), settings.get("return_documents"), endpoint.return_documents)
        returns = next(each for each in given if each is not None)
        if not isinstance(returns, bool):
            raise inference_errors.NOT_READ.refusal(field="return_documents")
        top = body.get("top_n")
        if top is not None and (not isinstance(top, int) or isinstance(top, bool)):
            raise inference_errors.NOT_READ.refusal(field="top_n")
        return cls(query, returns, top)

    def shown(self, texts: Sequence[str], scores: Sequence[float]) -> dict[str, Any]:
        """The answer: the best texts first, of equal ones the earlier."""
        order = sorted(range(len(texts)), key=lambda place: -scores[place])
        return {
            "rerank": [
                {
                    "index": place,
                    "relevance_score": scores[place],
                    **({"text": texts[place]} if self.return_documents else {}),
                }
                for place in (order if self.top_n is None else order[: max(0, self.top_n)])
            ]
        }
