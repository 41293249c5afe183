"""`POST /v1/embeddings`: vectors of the small model that comes with the stand-ins, as numbers or base64."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.model_server import errors, fields, tokens
from sandbox.models.missing import ModelMissing

EMBEDDING_MODEL = "multilingual-e5-small"
FIELDS = ("model", "input", "encoding_format", "dimensions", "user")
MOST_TOKENS = 512
"""Of one text; the model truncates a longer one, this stand-in refuses it, as OpenAI's does."""
Purpose = Literal["query", "passage"]
_QUERY = "query: "
"""What callers of this model put in front of a question, and `passage: ` in front of a passage (its model card)."""

Embed = Callable[[Sequence[str], Purpose], NDArray[np.float32]]


def embed(body: Mapping[str, Any], model: Embed) -> dict[str, Any]:
    """Answer a request.

    Args:
        body: as sent.
        model: float32 vectors, one row for each text.

    Raises:
        Refusal: the request is invalid, a text too long, or the model cannot run on this machine.
    """
    fields.refuse_unknown(body, FIELDS)
    fields.only(body, "encoding_format", "float", "base64")
    fields.only(body, "dimensions")
    texts = fields.inputs(body)
    counts = [tokens.count(text) for text in texts]
    if max(counts) > MOST_TOKENS:
        raise errors.TOO_LONG.refusal(param="input", most=MOST_TOKENS, found=max(counts))
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector) if as_base64 else vector.tolist(),
        }
        for index, vector in enumerate(_vectors(texts, model))
    ]
    usage = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _vectors(texts: Sequence[str], model: Embed) -> list[NDArray[np.float32]]:
    """A vector for each text, by the prefix that it has; a text without one is a passage."""
    found: dict[int, NDArray[np.float32]] = {}
    for purpose in ("query", "passage"):
        chosen = {number: text for number, text in enumerate(texts) if _purpose(text) == purpose}
        if chosen:
            bare = [text.removeprefix(f"{purpose}: ") for text in chosen.values()]
            found |= dict(zip(chosen, _answered(bare, purpose, model), strict=True))
    return [found[number] for number in range(len(texts))]


def _answered(texts: Sequence[str], purpose: Purpose, model: Embed) -> NDArray[np.float32]:
    try:
        return model(texts, purpose)
    except ModelMissing as error:
        raise errors.NO_ENGINE.refusal(problem=str(error)) from error


def _purpose(text: str) -> Purpose:
    return "query" if text.startswith(_QUERY) else "passage"


def _encoded(vector: NDArray[np.float32]) -> str:
    """Little-endian float32, which the official client asks for unless it is told otherwise."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()
