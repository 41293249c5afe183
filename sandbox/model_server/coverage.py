"""The part of COVERAGE.md about the model server: its routes, what differs, which texts are our own."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.cells import cell
from sandbox.model_server import chat, embeddings, errors
from sandbox.model_server.differences import DIFFERENCES
from sandbox.model_server.front import INVOCATIONS, ROUTES, SERVING_ROUTES


def lines() -> Iterator[str]:
    """The lines of the part."""
    yield from ("", "## Model server (OpenAI's routes)", "")
    for path, (verb, method) in ROUTES.items():
        yield f"- [x] {verb} {path} ({method})"
    yield f"- [x] POST {INVOCATIONS} (either, by the model of that name)"
    for path, method in SERVING_ROUTES.items():
        yield f"- [x] GET {path} ({method})"
    yield "- [ ] every other route"
    yield from ("", f"Fields of a completion: {', '.join(chat.FIELDS)}.")
    yield from ("", f"Fields of embeddings: {', '.join(embeddings.FIELDS)}.")
    yield from ("", "### What is known to differ from these", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from (
        "",
        "### Texts of their refusals",
        "",
        "| status | type | code | text | source |",
        "|---|---|---|---|---|",
    )
    for answer in sorted(errors.answers(), key=lambda each: (not each.source, each.status, each.text)):
        yield f"| {answer.status} | {answer.kind} | {answer.code or ''} | {cell(answer.text)} | {answer.source or 'sandbox wording'} |"
