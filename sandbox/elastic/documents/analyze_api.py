"""`_analyze`: the terms that an analyzer makes of texts."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents.analysis import Token, tokens
from sandbox.elastic.indices.mappings import ANALYZERS
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_GAP = 100
"""Positions between two texts: `position_increment_gap`."""
_OTHERS = ("tokenizer", "filter", "char_filter", "normalizer", "attributes", "explain")


class AnalyzeApi:
    """Analysis of texts."""

    def __init__(self, indices: Indices) -> None:
        self._indices = indices

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.analyze", "GET POST", "/_analyze", self.analyze),
            Route("indices.analyze", "GET POST", "/{index}/_analyze", self.analyze),
        )

    def analyze(self, request: Request) -> dict[str, Any]:
        """`POST /_analyze`."""
        body = request.fields("analyze_request", "analyzer", "field", "text", *_OTHERS)
        for name in _OTHERS:
            if body.get(name):
                raise errors.NOT_IMITATED.refusal(name=name, value=body[name], api="indices.analyze")
        texts = body.get("text")
        texts = [texts] if isinstance(texts, str) else texts
        if not texts:
            raise errors.VALIDATION.refusal(problems="1: text is missing;")
        for field, value in (
            ("text", texts),
            ("analyzer", body.get("analyzer")),
            ("field", body.get("field")),
        ):
            if value is not None and not isinstance(value, list if field == "text" else str):
                raise errors.ILLEGAL_ARGUMENT.refusal(
                    problem=f"[analyze_request] failed to parse field [{field}]"
                )
        name = body.get("analyzer") or self._of_field(request, body.get("field"))
        if name not in ANALYZERS:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"failed to find global analyzer [{name}]")
        shown: list[dict[str, Any]] = []
        start = position = 0
        for text in texts:
            found = tokens(name, str(text))
            shown += [_shown(name, each, start, position + place) for place, each in enumerate(found)]
            start, position = start + len(str(text)) + 1, position + len(found) + _GAP
        return {"tokens": shown}

    def _of_field(self, request: Request, path: str | None) -> str:
        if path is None:
            return "standard"
        if "index" not in request.params:
            raise errors.ILLEGAL_ARGUMENT.refusal(
                problem="analysis based on a specific field requires an index"
            )
        field = self._indices.single(request.params["index"]).fields.get(path)
        if field is not None and field.type not in ("text", "keyword"):
            problem = (
                f"Can't process field [{path}], Analysis requests are only supported on tokenized fields"
            )
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=problem)
        if field is not None and field.type == "keyword":
            return "keyword"
        return "standard" if field is None else field.parameters.get("analyzer") or "standard"


def _shown(name: str, token: Token, start: int, position: int) -> dict[str, Any]:
    kind = "word"
    if name in ("standard", "default"):
        kind = "<NUM>" if token.term.replace(".", "").replace(",", "").isdigit() else "<ALPHANUM>"
    place = {"start_offset": start + token.start, "end_offset": start + token.end}
    return {"token": token.term, **place, "type": kind, "position": position}
