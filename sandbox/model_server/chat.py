"""`POST /v1/chat/completions`: an answer made of quotations, or by a small language model, with its usage."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.faults import Kind
from sandbox.model_server import errors, fields, tokens
from sandbox.model_server.extractive import (
    NOTHING_TO_QUOTE,
    Prompt,
    best_quotation,
    first_sentence,
    read_prompt,
)
from sandbox.model_server.misbehaviour import WRONG_ANSWERS, Said
from sandbox.models.generation import ContextExceeded, Generated, GeneratorFailed, Sampling

CHAT_MODEL = "extractive-stand-in"
LEADING_MODEL = "leading-stand-in"
"""A worse one, to compare with: it quotes the first sentence of the first passage, and never abstains where there is one."""
GENERATOR = "smollm2-135m-instruct"
"""A real one and a small one, served if the server was started with it."""
FIELDS = (
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop", "n", "stream",
    "response_format", "user",
)  # fmt: skip
"""Accepted. `temperature`, `top_p`, `seed` and `stop` change nothing of a quotation, which is always the same."""
MOST_STOPS = 4
"""Texts in `stop` (OpenAI's API reference, chat completions)."""

Generate = Callable[[Sequence[Mapping[str, str]], Sampling], Generated]
"""The answer of a language model to messages: `sandbox.models.smollm2.SmolLM2.complete`."""


def complete(
    body: Mapping[str, Any], *, context_tokens: int, wrong: Kind | None, generate: Generate | None
) -> dict[str, Any]:
    """Answer a request.

    Args:
        body: as sent.
        context_tokens: of prompt and answer together.
        wrong: how the answer is to be wrong, if it is.
        generate: the language model, if one is served.

    Raises:
        Refusal: the request is invalid, or too long.
    """
    fields.refuse_unknown(body, FIELDS)
    fields.only(body, "n", 1)
    fields.only(body, "stream", False)
    fields.only(body, "response_format", {"type": "text"})
    messages = fields.messages(body)
    sampling = Sampling(
        most_tokens=fields.count(body, "max_completion_tokens", "max_tokens"),
        temperature=fields.number(body, "temperature", 0, 2, default=0),
        top_p=fields.number(body, "top_p", 0, 1, default=1),
        seed=fields.whole(body, "seed"),
        stop=fields.texts(body, "stop", MOST_STOPS),
    )
    prompt = read_prompt(_of(messages, "system", "developer"), _of(messages, "user"))
    model = str(body["model"])
    if generate and model == GENERATOR:
        made = _generated(messages, sampling, generate)
        content, reason = _as_told(wrong, prompt, made.text) if wrong else (made.text, made.reason)
        return _completion(model, content, reason, made.prompt_tokens, made.completion_tokens)
    asked = sum(tokens.count(content) for _, content in messages)
    if asked >= context_tokens:
        raise errors.TOO_LONG.refusal(param="messages", most=context_tokens, found=asked)
    content, reason = _as_told(wrong, prompt, _quoted(prompt, best=model != LEADING_MODEL))
    room = min(sampling.most_tokens or context_tokens, context_tokens - asked)
    if content is not None and tokens.count(content) > room:
        content, reason = tokens.first(content, room), "length"
    return _completion(model, content, reason, asked, tokens.count(content or ""))


def _quoted(prompt: Prompt, *, best: bool) -> str:
    if not prompt.passages:
        return NOTHING_TO_QUOTE
    found = best_quotation(prompt) if best else first_sentence(prompt)
    return str(found) if found else prompt.abstention


def _generated(messages: Sequence[tuple[str, str]], sampling: Sampling, generate: Generate) -> Generated:
    said = [
        {"role": "system" if role == "developer" else role, "content": content} for role, content in messages
    ]
    try:
        return generate(said, sampling)
    except ContextExceeded as error:
        raise errors.TOO_LONG.refusal(param="messages", most=error.most, found=error.found) from error
    except GeneratorFailed as error:
        raise errors.INTERNAL.refusal(problem=str(error)) from error


def _as_told(wrong: Kind | None, prompt: Prompt, content: str) -> Said:
    return WRONG_ANSWERS[wrong](prompt, content) if wrong else (content, "stop")


def _completion(
    model: str, content: str | None, reason: str, prompt_tokens: int, completion_tokens: int
) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": None}
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
        "system_fingerprint": what_it_is(model),
    }


def what_it_is(model: str) -> str:
    """What answers under this name, for people."""
    if model == GENERATOR:
        return "sandbox: SmolLM2-135M-Instruct in 4 bits, by llama.cpp"
    return "sandbox: quotes passages, is no language model"


def _of(messages: list[tuple[str, str]], *roles: str) -> str:
    return "\n\n".join(content for role, content in messages if role in roles)
