"""The part of COVERAGE.md about networks: which methods are imitated, what differs, which texts are our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sandbox.cells import cell
from sandbox.google_cloud import errors
from sandbox.google_cloud.differences import DIFFERENCES
from sandbox.google_cloud.methods import METHODS
from sandbox.google_cloud.server import GoogleCloudServer
from sandbox.ports import bound


def lines() -> Iterator[str]:
    """The lines of the part."""
    with TemporaryDirectory() as folder:
        server = GoogleCloudServer(Path(folder), bound(), lambda _: True, clock_factor=1, peered=())
        done = set(server.handlers(Nobody()))
        server.stop()
    yield from (
        "",
        "## Compute Engine (networks), Service Networking, Service Usage",
        "",
        "Of Compute Engine the collections that a private endpoint needs; every other collection is absent.",
        "",
    )
    for method in METHODS:
        yield f"- [{'x' if method.id in done else ' '}] {method.id}"
    yield from ("", "### What is known to differ from these", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from ("", "### Texts of their refusals", "", "| status | text | source |", "|---|---|---|")
    for answer in sorted(errors.answers(), key=lambda each: (not each.source, each.status, each.text)):
        yield f"| {answer.status} | {cell(answer.text)} | {answer.source or 'sandbox wording'} |"


class Nobody:
    """No service is at the other end."""

    def users(self, network: str) -> list[str]:  # noqa: ARG002
        """Nothing is in a network."""
        return []

    def status(self, attachment: str) -> str:  # noqa: ARG002
        """Nothing is behind an attachment."""
        return "CLOSED"

    def connect(self, attachment: str, address: str) -> None:
        """Nothing answers."""

    def disconnect(self, attachment: str, address: str) -> None:
        """Nothing did."""
