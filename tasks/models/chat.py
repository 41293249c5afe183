"""A completion, or the reason why it cannot be used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.errors import PermanentError
from tasks.models.clients import connect
from tasks.models.errors import NotAModelServer
from tasks.models.serving import calling_model
from tasks.models.settings import ModelSettings
from tasks.models.usage import Usage


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What a model said, whole."""

    text: str
    model: str
    usage: Usage
    seconds: float


class UnusableCompletion(PermanentError):
    """A model answered, but not with a whole text. Its tokens and seconds are spent all the same."""

    def __init__(self, model: str, *, reason: str, remedy: str, usage: Usage, seconds: float) -> None:
        self.model, self.reason, self.usage, self.seconds = model, reason, usage, seconds
        super().__init__(f"The answer of {model} cannot be used: {reason}. {remedy}")


def complete(settings: ModelSettings, messages: Sequence[Message]) -> Completion:
    """Ask the model for one completion, at temperature 0.

    Raises:
        UnusableCompletion: it was cut off, filtered or empty.
        NotAModelServer: it holds no choice.
        Exception: as `tasks.models.errors.calling`.
    """
    model, began = settings.chat(), time.monotonic()
    with calling_model(settings, model, f"ask {model}"):
        answer = connect(settings).chat.completions.create(
            model=model,
            messages=[{"role": each.role, "content": each.content} for each in messages],  # pyright: ignore[reportArgumentType] -- a union of typed dictionaries
            temperature=0,
            extra_body={settings.tokens_field: settings.answer_tokens},  # under either name
        )
    seconds = time.monotonic() - began
    if not answer.choices:
        raise NotAModelServer(f"ask {model}", said="a completion without a choice")
    used = answer.usage
    usage = Usage(used.prompt_tokens, used.completion_tokens) if used else Usage()
    choice = answer.choices[0]
    if choice.finish_reason == "length":
        remedy = f"Raise OPENAI_ANSWER_TOKENS, which is {settings.answer_tokens}."
        reason = "it was cut off at the limit of its length"
        raise UnusableCompletion(model, reason=reason, remedy=remedy, usage=usage, seconds=seconds)
    text = (choice.message.content or "").strip()
    if not text:
        why = choice.message.refusal or f"finish_reason {choice.finish_reason}"
        remedy = "Ask in other words, or choose another model (OPENAI_CHAT_MODEL)."
        reason = f"it has no text ({why})"
        raise UnusableCompletion(model, reason=reason, remedy=remedy, usage=usage, seconds=seconds)
    return Completion(text=text, model=answer.model, usage=usage, seconds=seconds)
