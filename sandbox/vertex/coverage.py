"""The part of COVERAGE.md about Vertex AI and Cloud Storage: what is imitated, which texts are our own, what differs.

The list of the real API's methods comes from the official packages, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.cloud.aiplatform_v1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.aiplatform_v1.services.match_service.transports import MatchServiceGrpcTransport
from google.cloud.aiplatform_v1beta1.services.index_service.transports import (
    IndexServiceGrpcTransport as BetaIndexServiceGrpcTransport,
)
from google.cloud.aiplatform_v1beta1.services.match_service.transports import (
    MatchServiceGrpcTransport as BetaMatchServiceGrpcTransport,
)

from protos import match_service as container
from sandbox.vertex import errors, fields
from sandbox.vertex.differences import DIFFERENCES
from sandbox.vertex.matching.container_match import ContainerMatchService
from sandbox.vertex.matching.match import MatchService
from sandbox.vertex.operations.operations import OperationsService
from sandbox.vertex.resources.index_endpoints import IndexEndpointService
from sandbox.vertex.resources.indexes import IndexService

_NOT_ITS_OWN = ("location", "iam", "operation", "grpc_channel", "kind")
_OPERATIONS = ("ListOperations", "GetOperation", "DeleteOperation", "CancelOperation", "WaitOperation")
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
        shown = answer.text.replace("|", "\\|")
        yield f"| {answer.code.name} | {shown} | {answer.source or 'sandbox wording'} |"
    yield from ("", "## Cloud Storage", "")
    yield (
        "All of it is fake-gcs-server (filesystem backend). Used here: buckets, simple and resumable uploads, listings, "
        "generations and preconditions. Its own documentation lists what else it imitates."
    )


def _services() -> Iterable[tuple[str, Iterable[str], Any]]:
    prefix = "google.cloud.aiplatform"
    return (
        (f"{prefix}.v1.IndexService", _methods(IndexServiceGrpcTransport), IndexService),
        (
            f"{prefix}.v1.IndexEndpointService",
            _methods(IndexEndpointServiceGrpcTransport),
            IndexEndpointService,
        ),
        (f"{prefix}.v1.MatchService", _methods(MatchServiceGrpcTransport), MatchService),
        (f"{prefix}.v1beta1.IndexService", _methods(BetaIndexServiceGrpcTransport), None),
        (f"{prefix}.v1beta1.MatchService", _methods(BetaMatchServiceGrpcTransport), MatchService),
        ("google.longrunning.Operations", _OPERATIONS, OperationsService),
        (container.SERVICE_NAME, _PRIVATE, ContainerMatchService),
    )


def _methods(transport: Any) -> list[str]:
    """A service's methods, as its gRPC transport names them, without what every service has mixed in."""
    names = [name for name, value in vars(transport).items() if isinstance(value, property)]
    own = [name for name in names if not any(word in name for word in _NOT_ITS_OWN)]
    return ["".join(part.title() for part in name.split("_")) for name in own]
