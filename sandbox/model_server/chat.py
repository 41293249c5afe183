"""`POST /v1/chat/completions`: an answer made of quotations, with its usage."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
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

CHAT_MODEL = "extractive-stand-in"
LEADING_MODEL = "leading-stand-in"
"""A worse one, to compare with: it quotes the first sentence of the first passage, and never abstains where there is one."""
FIELDS = (
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop", "n", "stream",
    "response_format", "user",
)  # fmt: skip
"""Accepted. `temperature`, `top_p` and `seed` change nothing: the answer is always the same."""


def complete(body: Mapping[str, Any], *, context_tokens: int, wrong: Kind | None) -> dict[str, Any]:
    """Answer a request.

    Args:
        body: as sent.
        context_tokens: of prompt and answer together.
        wrong: how the answer is to be wrong, if it is.

    Raises:
        Refusal: the request is invalid, or too long.
    """
    fields.refuse_unknown(body, FIELDS)
    fields.only(body, "n", 1)
    fields.only(body, "stream", False)
    fields.only(body, "response_format", {"type": "text"})
    messages = fields.messages(body)
    most = fields.count(body, "max_completion_tokens", "max_tokens")
    asked = sum(tokens.count(content) for _, content in messages)
    if asked >= context_tokens:
        raise errors.TOO_LONG.refusal(param="messages", most=context_tokens, found=asked)
    prompt = read_prompt(_of(messages, "system", "developer"), _of(messages, "user"))
    content, reason = _said(prompt, wrong, best=str(body["model"]) != LEADING_MODEL)
    room = min(most or context_tokens, context_tokens - asked)
    if content is not None and tokens.count(content) > room:
        content, reason = tokens.first(content, room), "length"
    return _completion(str(body["model"]), content, reason, asked)


def _said(prompt: Prompt, wrong: Kind | None, *, best: bool) -> Said:
    if not prompt.passages:
        content = NOTHING_TO_QUOTE
    else:
        found = best_quotation(prompt) if best else first_sentence(prompt)
        content = str(found) if found else prompt.abstention
    return WRONG_ANSWERS[wrong](prompt, content) if wrong else (content, "stop")


def _completion(model: str, content: str | None, reason: str, asked: int) -> dict[str, Any]:
    answered = tokens.count(content or "")
    message = {"role": "assistant", "content": content, "refusal": None}
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
        "system_fingerprint": "sandbox: quotes passages, is no language model",
    }


def _of(messages: list[tuple[str, str]], *roles: str) -> str:
    return "\n\n".join(content for role, content in messages if role in roles)
