"""Texts to vectors, one request at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.models.clients import connect
from tasks.models.errors import NotAModelServer, calling
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage
from tasks.plurals import counted

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
    doing = f"embed {counted(len(texts), 'text')}"
    prefix = settings.query_prefix if purpose == "query" else settings.passage_prefix
    with calling(doing):
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
