"""Options of the model server. Passed in, never read from a global."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from sandbox.models.generation import CONTEXT_STEP, MOST_TOKENS
from sandbox.models.serving import ModelStart

ErrorShape = Literal["openai", "vllm", "databricks"]
Generator = Literal["extractive", "smollm2"]


@dataclass(frozen=True)
class ModelServerOptions:
    """How the stand-in behaves. Each field is an option of `python -m sandbox start`, for example `--models.context-tokens`."""

    generator: Generator = "extractive"
    """What answers unless a request names another model: the stand-in that quotes sentences, or a small language model, SmolLM2-135M-Instruct,
    which `make generator` installs."""
    context_tokens: int = 8192
    """Tokens of a prompt and its answer together; more are refused as `context_length_exceeded`."""
    error_shape: ErrorShape = "openai"
    """How errors are spelled: `{"error": {...}}` of OpenAI, the flat object of older vLLM, or the `error_code` of Databricks."""
    answer_seconds: float = 0.0
    """The least time, in seconds, that a completion takes; 0 for only what it needs."""
    start: ModelStart = field(default_factory=ModelStart)
    """How its models start."""

    def __post_init__(self) -> None:
        if self.error_shape not in get_args(ErrorShape):
            raise ValueError(
                f"error_shape must be one of {', '.join(get_args(ErrorShape))}, not {self.error_shape!r}."
            )
        if self.generator not in get_args(Generator):
            raise ValueError(
                f"generator must be one of {', '.join(get_args(Generator))}, not {self.generator!r}."
            )
        if self.generator == "smollm2" and not (
            self.context_tokens <= MOST_TOKENS and self.context_tokens % CONTEXT_STEP == 0
        ):
            raise ValueError(
                f"context_tokens must be a multiple of {CONTEXT_STEP} up to {MOST_TOKENS} with the generator smollm2, "
                f"not {self.context_tokens}."
            )
        if self.context_tokens < 1 or not 0 <= self.answer_seconds < float("inf"):
            raise ValueError("context_tokens must be positive, and answer_seconds must not be negative.")
