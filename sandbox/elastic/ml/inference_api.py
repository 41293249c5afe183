"""The infer API: one refused document refuses the call."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.inference import Inference, embedding_of
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route
from sandbox.models.embedding import Embedding

_MODEL = "/_ml/trained_models/{model_id}"


class InferenceApi:
    """Calls a model directly."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("ml.infer_trained_model", "POST", f"{_MODEL}/_infer", self.infer),
            Route("ml.infer_trained_model", "POST", f"{_MODEL}/deployment/_infer", self.infer),
        )

    def infer(self, request: Request) -> dict[str, Any]:
        """`POST /_ml/trained_models/{model_id}/_infer`: one refused document refuses the call."""
        name = request.params["model_id"]
        body = request.fields("infer_trained_model_request", "docs", "inference_config")
        if body.get("inference_config"):
            raise ml_errors.NO_INFERENCE_CONFIG.refusal()
        docs = body.get("docs") or []
        if not docs:
            raise ml_errors.NO_DOCS.refusal()
        field = self._inference.input_field(name)
        texts = [_text(document, field) for document in docs]
        timeout = request.seconds("timeout", 10)
        outcomes = self._inference.embed(name, texts, "infer", timeout, request.text("timeout", "10s"))
        return {"inference_results": [_shown(embedding_of(outcome)) for outcome in outcomes]}


def _text(document: dict[str, Any], field: str) -> str:
    if field not in document:
        raise ml_errors.INPUT_MISSING.refusal(field=field)
    if not isinstance(document[field], str):
        raise ml_errors.INPUT_NOT_STRING.refusal(value=document[field], field=field)
    return document[field]


def _shown(embedding: Embedding) -> dict[str, Any]:
    shown: dict[str, Any] = {"predicted_value": embedding.value}
    if embedding.is_truncated:
        shown["is_truncated"] = True
    return shown
