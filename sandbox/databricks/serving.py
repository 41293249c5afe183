"""Model serving endpoints as far as Vector Search uses them: their state, and one that embeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from sandbox.databricks import errors
from sandbox.databricks.calls import Call, Reply
from sandbox.models.missing import ModelMissing
from sandbox.models.serving import ModelStart, ServingEndpoints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMBEDDING_ENDPOINT = "multilingual-e5-small"
"""As the model server of the sandbox calls the same model."""
MOST_INPUTS = 150
"""Texts in one request; from memory of the documentation of embedding models."""
Purpose = Literal["query", "passage"]
Embed = Callable[[Sequence[str], Purpose], "NDArray[np.float32]"]


class Serving:
    """Shows and calls the endpoint that embeds.

    Args:
        start: how its model starts.
        model: float32 vectors of length one, a row for each text; loaded at the first call.
    """

    def __init__(self, start: ModelStart, model: Embed) -> None:
        self._endpoints = ServingEndpoints({EMBEDDING_ENDPOINT: "llm/v1/embeddings"}, start)
        self._model = model
        self.handlers = {
            "serving_endpoints.get": self._get,
            "serving_endpoints.list": self._list,
            "serving_endpoints.query": self._query,
        }

    @property
    def are_ready(self) -> bool:
        """Whether models answer."""
        return self._endpoints.are_ready

    @property
    def have_failed(self) -> bool:
        """Whether they never will."""
        return self._endpoints.have_failed

    def check(self, name: str) -> None:
        """See that an endpoint embeds.

        Raises:
            Refusal: there is none of this name.
        """
        if name not in self._endpoints.names:
            raise errors.NO_SERVING_ENDPOINT.refusal(name=name, names=", ".join(self._endpoints.names))

    def embed(self, name: str, texts: Sequence[str], purpose: Purpose) -> NDArray[np.float32]:
        """The vectors of texts.

        Raises:
            Refusal: there is no such endpoint, its model does not answer yet, or it does not run on this machine.
        """
        self.check(name)
        if not self._endpoints.are_ready:
            raise errors.MODEL_STARTING.refusal(name=name)
        try:
            return self._model(texts, purpose)
        except ModelMissing as error:
            raise errors.NOT_IMITATED.refusal(what=f"{name} ({error})") from error

    def _get(self, call: Call) -> Reply:
        self.check(call.params["name"])
        return Reply(self._endpoints.described(call.params["name"]))

    def _list(self, _: Call) -> Reply:
        return Reply({"endpoints": [self._endpoints.described(name) for name in self._endpoints.names]})

    def _query(self, call: Call) -> Reply:
        name = call.params["name"]
        self.check(name)
        given: Any = call.needed("input")
        texts = cast("list[Any]", [given] if isinstance(given, str) else given)
        if not isinstance(given, str | list) or not all(isinstance(text, str) and text for text in texts):
            raise errors.INVALID.refusal(problem="input must be a text, or a list of texts")
        if len(texts) > MOST_INPUTS:
            raise errors.TOO_LARGE.refusal(what="The number of inputs", found=len(texts), most=MOST_INPUTS)
        data = [
            {"object": "embedding", "index": index, "embedding": vector.tolist()}
            for index, vector in enumerate(self.embed(name, texts, "passage"))
        ]
        return Reply({"object": "list", "data": data, "model": name})


def embedded(texts: Sequence[str], purpose: Purpose) -> NDArray[np.float32]:
    """The sandbox's small model."""
    from sandbox.models.e5 import embed  # noqa: PLC0415 - it loads 70 MB of weights

    return embed(texts, purpose)
