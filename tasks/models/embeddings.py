"""Texts to vectors, one request at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.models.clients import connect
from tasks.models.errors import NotAModelServer
from tasks.models.serving import calling_model, when_started
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage
from tasks.plurals import counted
from tasks.steps import step
from tasks.waiting import Deadline

Purpose = Literal["query", "passage"]
MOST_TEXTS = 64
"""Texts in one request. OpenAI takes 2,048, servers of one's own fewer; a batch that fails is paid for again."""


@dataclass(frozen=True)
class Embedded:
    """What a request returned."""

    vectors: NDArray[np.float32]
    """One row for each text."""
    usage: Usage


def embed_texts(settings: ModelSettings, texts: Sequence[str], purpose: Purpose) -> Embedded:
    """Embed texts in one request.

    Args:
        settings: where, and which model.
        texts: up to `MOST_TEXTS`.
        purpose: what the texts are, which chooses the prefix that the model wants.

    Raises:
        NotAModelServer: the answer does not hold one finite vector for each text, all of one length.
        Exception: as `tasks.models.errors.calling`.
    """
    known = _REMEMBERED.get()
    if known is not None:
        return _remembered(known, settings, texts, purpose)
    return _embed(settings, texts, purpose)


@contextmanager
def remembering() -> Generator[None]:
    """Within this block, a text that was embedded once is not sent again: for several engines that hold the same passages."""
    token = _REMEMBERED.set({})
    try:
        yield
    finally:
        _REMEMBERED.reset(token)


_Known = dict[tuple[str, str, str], NDArray[np.float32]]
_REMEMBERED: ContextVar[_Known | None] = ContextVar("embeddings that were made", default=None)


def _remembered(known: _Known, settings: ModelSettings, texts: Sequence[str], purpose: Purpose) -> Embedded:
    keys = [(settings.embedding(), purpose, text) for text in texts]
    missing = list(dict.fromkeys(key for key in keys if key not in known))
    usage = Usage()
    if missing:
        made = _embed(settings, [text for _, _, text in missing], purpose)
        known.update(zip(missing, made.vectors, strict=True))
        usage = made.usage
    return Embedded(np.stack([known[key] for key in keys]), usage)


def _embed(settings: ModelSettings, texts: Sequence[str], purpose: Purpose) -> Embedded:
    doing = f"embed {counted(len(texts), 'text')}"
    prefix = settings.query_prefix if purpose == "query" else settings.passage_prefix
    with calling_model(settings, settings.embedding(), doing):
        answer = connect(settings).embeddings.create(
            model=settings.embedding(), input=[prefix + text for text in texts]
        )
    ordered = sorted(answer.data, key=lambda each: each.index)
    if [each.index for each in ordered] != list(range(len(texts))):
        raise NotAModelServer(
            doing, said=f"{counted(len(ordered), 'vector')} for {counted(len(texts), 'text')}"
        )
    lengths = {len(each.embedding) for each in ordered}
    if len(lengths) != 1 or 0 in lengths:
        raise NotAModelServer(doing, said=f"vectors of {', '.join(map(str, sorted(lengths)))} numbers")
    vectors = np.array([each.embedding for each in ordered], dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise NotAModelServer(doing, said="a vector is not finite")
    return Embedded(vectors, Usage(prompt=answer.usage.prompt_tokens))


@step("wait for the embedding model")
def wait_for_dimensions(settings: ModelSettings, deadline: Deadline) -> int:
    """How many numbers a vector of the model has, seen on a short text, once the model answers.

    A model that was scaled to zero takes minutes to start, and answers 503 or 504 until then. Every other answer is none to wait for.

    Raises:
        ServingFailed, DeadlinePassed: its endpoint will not start; it is still starting.
        Exception: as `embed_texts`.
    """
    model = settings.embedding()
    return when_started(
        model, lambda: embed_texts(settings, ["dimensions"], "passage").vectors.shape[1], deadline
    )


@step("embed a question, once the model answers")
def wait_for_embedding(settings: ModelSettings, question: str, deadline: Deadline) -> None:
    """Embed a question, waiting for a model that is starting. Within `remembering`, the search does not embed it again.

    Raises:
        ServingFailed, DeadlinePassed: its endpoint will not start; it is still starting.
        Exception: as `embed_texts`.
    """
    when_started(settings.embedding(), lambda: embed_texts(settings, [question], "query"), deadline)


def embed_directions(settings: ModelSettings, texts: Sequence[str], purpose: Purpose) -> NDArray[np.float32]:
    """As `embed_texts`, each vector of length one: by distance as by inner product these rank as by cosine.

    Raises:
        NotAModelServer: as `embed_texts`; or a vector is zero, which has no direction.
    """
    vectors = embed_texts(settings, texts, purpose).vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise NotAModelServer(f"embed {counted(len(texts), 'text')}", said="a vector is zero")
    return vectors / lengths
