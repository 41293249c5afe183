"""The part of COVERAGE.md about Vertex AI, Cloud Storage and networks: what is imitated, which texts are our own, what differs.

The list of the real API's methods comes from the official packages, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.cells import cell
from sandbox.google_cloud import coverage as networks
from sandbox.storage import coverage as storage
from sandbox.vertex import errors, fields
from sandbox.vertex.collections.services import SERVICES as COLLECTION_SERVICES
from sandbox.vertex.differences import DIFFERENCES
from sandbox.vertex.matching.container_match import CONTAINER_SERVICES, ContainerMatchService
from sandbox.vertex.matching.match import MatchService
from sandbox.vertex.operations.operations import OperationsService
from sandbox.vertex.resources.index_endpoints import IndexEndpointService
from sandbox.vertex.resources.indexes import IndexService
from sandbox.vertex.resources.locations import LocationsService
from sandbox.vertex.versions.rules import services

_PRIVATE = ("Match", "BatchMatch", "BatchGetEmbeddings")


def lines() -> Iterator[str]:
    """The lines of the part."""
    yield from ("", "## Vertex AI Vector Search")
    for service, real, imitated in _services():
        done = {name for name in vars(imitated) if name[0].isupper()} if imitated else set[str]()
        yield from ("", f"### {service}", "")
        yield from (f"- [{'x' if name in done else ' '}] {name}" for name in real)
    yield from ("", "## What is known to differ", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from (
        "",
        "## Fields of requests without effect",
        "",
        "Every other field decides something or is output only (`sandbox/vertex/fields.py`). *kept*: stored and shown.",
        "",
    )
    yield from (f"- {line}" for line in fields.without_effect())
    yield from (
        "",
        "## Texts of refusals",
        "",
        "With a source: as documented or reported there (docs/sources.md lists all sources). Without: sandbox wording.",
        "",
    )
    yield from ("| code | text | source |", "|---|---|---|")
    for answer in sorted(
        errors.answers().values(), key=lambda each: (not each.source, each.code.name, each.text)
    ):
        yield f"| {answer.code.name} | {cell(answer.text)} | {answer.source or 'sandbox wording'} |"
    yield from storage.lines()
    yield from networks.lines()


def _services() -> Iterable[tuple[str, Iterable[str], Any]]:
    """Each service's name, its real methods, and the class that imitates them; None if nothing does."""
    imitated = {
        "IndexService": IndexService,
        "IndexEndpointService": IndexEndpointService,
        "MatchService": MatchService,
        "Operations": OperationsService,
        "Locations": LocationsService,
        **{each.__name__: each for each in COLLECTION_SERVICES},
    }
    for service, names in services().items():
        yield service, names, imitated.get(service.rpartition(".")[2])
    for service in CONTAINER_SERVICES:
        yield service, _PRIVATE, ContainerMatchService
