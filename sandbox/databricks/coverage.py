"""The Databricks part of COVERAGE.md: which methods of the official SDK it answers, and how it differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from databricks.sdk.service.vectorsearch import VectorSearchEndpointsAPI, VectorSearchIndexesAPI

from sandbox.cells import cell
from sandbox.databricks import errors
from sandbox.databricks.differences import DIFFERENCES
from sandbox.databricks.methods import IDS
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.server import DatabricksServer
from sandbox.ports import bound

SERVICES = {
    "vector_search_endpoints": VectorSearchEndpointsAPI,
    "vector_search_indexes": VectorSearchIndexesAPI,
}


def lines() -> Iterator[str]:
    """The lines of the part."""
    with TemporaryDirectory() as folder:
        listener = bound()
        server = DatabricksServer(Path(folder), DatabricksOptions(), listener, "")
        done = set(server.handlers)
        server.stop()
    yield from (
        "",
        "## Databricks",
        "",
        "The methods of databricks-sdk 0.162 for Vector Search, and those of other services that are imitated.",
    )
    for service, api in SERVICES.items():
        yield from ("", f"### {service}", "")
        for name in methods(api):
            yield f"- [{'x' if f'{service}.{name}' in done else ' '}] {name}"
    others = [id_ for id_ in IDS if id_.partition(".")[0] not in SERVICES and id_ in done]
    yield from ("", "### others", "", f"- [x] {', '.join(others)}")
    yield from ("", "### What is known to differ from Databricks", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from (
        "",
        "### Texts of Databricks' refusals",
        "",
        "| status | code | text | source |",
        "|---|---|---|---|",
    )
    for answer in sorted(errors.answers(), key=lambda each: (not each.source, each.status, each.text)):
        yield f"| {answer.status} | {answer.code} | {cell(answer.text)} | {answer.source or 'sandbox wording'} |"


def methods(api: type) -> list[str]:
    """The methods of a service in the SDK that are calls of their own."""
    names = (name for name in vars(api) if not name.startswith(("_", "wait_")))
    return [name for name in names if not name.endswith("_and_wait")]
