"""The part of COVERAGE.md about Cloud Storage: which methods are imitated, what differs, which texts are our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.cells import cell
from sandbox.storage import errors
from sandbox.storage.differences import DIFFERENCES
from sandbox.storage.server import handlers_of
from sandbox.storage.store import Store
from sandbox.storage.wire.methods import METHODS


def lines() -> Iterator[str]:
    """The lines of the part."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        done = set(handlers_of(store))
        store.close()
    yield from (
        "",
        "## Cloud Storage",
        "",
        "The JSON API, method by method; uploads are media, multipart and resumable, and calls can be batched.",
        "",
    )
    for method in sorted({each.id for each in METHODS}):
        yield f"- [{'x' if method in done else ' '}] {method}"
    yield from ("", "### What is known to differ from Cloud Storage", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from (
        "",
        "### Texts of Cloud Storage's refusals",
        "",
        "| status | text | source |",
        "|---|---|---|",
    )
    for answer in sorted(errors.answers(), key=lambda each: (not each.source, each.status, each.text)):
        yield f"| {answer.status} | {cell(answer.text)} | {answer.source or 'sandbox wording'} |"
