"""What is asked of a language model and what it says, without the model: light, for whoever only checks options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_TOKENS = 8192
"""The context of SmolLM2, prompt and answer together (`llama.context_length` of its file)."""
CONTEXT_STEP = 256
"""llama.cpp rounds a context up to a multiple of this (its `llama_context`)."""


class ContextExceeded(Exception):
    """A prompt fills the context."""

    def __init__(self, *, found: int, most: int) -> None:
        super().__init__(f"The prompt has {found} tokens, and the context {most}.")
        self.found, self.most = found, most


class GeneratorFailed(Exception):
    """llama.cpp did not answer, or with an error of its own."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How tokens are chosen, and how many."""

    most_tokens: int | None = None
    """Of the answer; None for as many as the context has room for."""
    temperature: float = 0.0
    """0 for the likeliest token each time, so that the same prompt has the same answer."""
    top_p: float = 1.0
    seed: int | None = None
    stop: Sequence[str] = ()
    """Texts before which the answer ends."""


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What the model said."""

    text: str
    reason: str
    """`stop`, or `length` if it was cut off."""
    prompt_tokens: int
    """By the model's own tokenizer, with its chat template."""
    completion_tokens: int
