"""Long-running operations: list, read, follow, cancel. An operation is known by its metadata's type and its name.

The client's own retries are off, because they go on for ten minutes whatever the call's timeout or our deadline is;
the poll loop and the step retry instead.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from google.api_core.operations_v1 import OperationsClient
from google.cloud import aiplatform_v1
from google.cloud.aiplatform_v1 import NearestNeighborSearchOperationMetadata
from google.longrunning.operations_pb2 import Operation as RawOperation

from tasks.calls import NotFound
from tasks.errors import PermanentError
from tasks.interruption import RemoteWork, WhenInterrupted, interruptible
from tasks.progress import say
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import OperationFailed, calling
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look, wait_until

_METADATA: dict[str, Any] = {
    f"google.cloud.aiplatform.v1.{kind}OperationMetadata": getattr(aiplatform_v1, f"{kind}OperationMetadata")
    for kind in (
        "CreateIndex",
        "UpdateIndex",
        "CreateIndexEndpoint",
        "DeployIndex",
        "UndeployIndex",
        "MutateDeployedIndex",
        "Delete",
    )
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One long-running operation, as last read."""

    name: str
    """projects/NUMBER/locations/LOCATION/indexes/ID/operations/OPERATION"""
    kind: str
    """CreateIndex, UpdateIndex, Delete, CreateIndexEndpoint, DeployIndex, UndeployIndex, MutateDeployedIndex; or empty."""
    done: bool
    code: int
    """The canonical code that it ended with: 0 when it succeeded or still runs."""
    said: str
    deployed_index_id: str
    """Of a DeployIndex or MutateDeployedIndex; else empty."""
    created: datetime
    updated: int = 0
    """When it last changed, nanoseconds since 1970: once done, its end. Deployed copies say how far they follow."""
    invalid_records: tuple[str, ...] = ()
    """What an import found wrong; only known for an operation that was read by its name."""
    imported: bool = False
    """Whether it read import files, judging by its counts; only known for an operation that was read by its name."""

    @property
    def resource(self) -> str:
        """The resource that it works on."""
        return resource_of(self.name)


def resource_of(operation: str) -> str:
    """The resource that an operation works on, whose id stands in its name."""
    return operation.partition("/operations/")[0]


def own_id(resource: str) -> str:
    """A resource's own id: the service shows the project's number where we may have its id."""
    return resource.rpartition("/")[2]


def list_operations(settings: VertexSettings, parent: str, *, kinds: Collection[str]) -> list[Operation]:
    """The operations of these kinds under a location, an index or an endpoint, finished ones too."""
    with calling(f"list the operations of {parent}"):
        raws = list(
            connect(settings).operations.list_operations(parent, "", timeout=CALL_SECONDS, retry=None)
        )
    return [operation for operation in map(_operation, raws) if operation.kind in kinds]


def unfinished(settings: VertexSettings, parent: str, *, kinds: Collection[str]) -> list[Operation]:
    """Those of them that still run."""
    return [operation for operation in list_operations(settings, parent, kinds=kinds) if not operation.done]


def read_operation(settings: VertexSettings, name: str) -> Operation:
    """One operation, as it stands now, with what is known of its import."""
    with calling(f"read the operation {name}"):
        raw = connect(settings).operations.get_operation(name, timeout=CALL_SECONDS, retry=None)
    # Only here: a listing holds everybody's operations, and their records must not get in our way.
    details = getattr(_metadata(raw), "nearest_neighbor_search_operation_metadata", None)
    if not details:
        return _operation(raw)
    return replace(
        _operation(raw),
        invalid_records=tuple(_invalid_records(details)),
        imported=bool(details.content_validation_stats or details.data_bytes_count),
    )


def follow(
    settings: VertexSettings,
    name: str,
    what: str,
    deadline: Deadline,
    *,
    usual: float | None = None,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Operation:
    """Look at an operation until it is done.

    Args:
        settings: the target.
        name: the operation's name.
        what: what it does, in plain words: `create index products`.
        deadline: when to give up; the operation keeps running at the service.
        usual: seconds that it usually takes at the real service.
        when_interrupted: on Ctrl-C or a cancelled run, leave it running or ask the service to cancel it.

    Raises:
        OperationFailed: it ended with an error; invalid records are listed.
        DeadlinePassed: it still runs.
    """

    def look() -> Look[Operation]:
        operation = read_operation(settings, name)
        return Look(seen="done" if operation.done else "running", value=operation, done=operation.done)

    work = RemoteWork(
        what=what, id=name, where="at the service", cancel=lambda: cancel(settings, name)
    )  # fmt: skip
    with interruptible(work, when_interrupted):
        # A stand-in's clock runs fast: the real service's usual times would mislead.
        operation = wait_until(what, look, deadline, usual=None if settings.is_sandbox else usual)
    if operation.code:
        raise OperationFailed(
            what, operation=name, code=operation.code, said=operation.said, records=operation.invalid_records
        )
    return operation


def follow_earlier(
    settings: VertexSettings,
    operation: Operation,
    what: str,
    deadline: Deadline,
    *,
    usual: float | None = None,
) -> Operation | None:
    """Follow what an earlier run began to its end; its failure is logged, not raised.

    Returns:
        The operation as it ended, or None when it failed.
    """
    what = f"{what} that an earlier run started"
    say(f"Following {what}: {operation.name}.")
    try:
        return follow(settings, operation.name, what, deadline, usual=usual)
    except OperationFailed as error:
        say(str(error))
        return None


def end(settings: VertexSettings, operation: Operation, deadline: Deadline) -> None:
    """Cancel an unfinished operation, or wait for its end if the service does not cancel it. Its failure is not an error."""
    what = f"end of the unfinished {operation.kind} of {operation.resource}"
    cancel(settings, operation.name)
    try:
        follow(settings, operation.name, what, deadline)
    except (OperationFailed, NotFound) as error:
        say(f"{what}: {error}")


def cancel(settings: VertexSettings, name: str) -> None:
    """Ask Vertex AI to cancel an operation, as ``cancel_at`` does."""
    cancel_at(connect(settings).operations, name)


def cancel_at(operations: OperationsClient, name: str) -> None:
    """Ask a service to cancel an operation. A refusal is not an error: not every operation can be cancelled.

    Raises:
        ServiceUnwell: it was not asked.
    """
    try:
        with calling(f"cancel the operation {name}"):
            operations.cancel_operation(name, timeout=CALL_SECONDS, retry=None)
    except PermanentError as error:
        say(f"The service did not cancel {name}: {error}")


def _metadata(raw: RawOperation) -> Any:
    """The operation's metadata, or None when it is of a kind that we do not know."""
    kind = _METADATA.get(raw.metadata.type_url.rpartition("/")[2])
    return None if kind is None else kind.deserialize(raw.metadata.value)


def _operation(raw: RawOperation) -> Operation:
    metadata = _metadata(raw)
    generic = metadata.generic_metadata if metadata is not None else None
    return Operation(
        name=raw.name,
        kind="" if metadata is None else type(metadata).__name__.removesuffix("OperationMetadata"),
        done=raw.done,
        code=raw.error.code,
        said=raw.error.message,
        deployed_index_id=str(getattr(metadata, "deployed_index_id", "")),
        created=(generic and generic.create_time) or datetime.now(UTC),
        updated=type(generic).pb(generic).update_time.ToNanoseconds() if generic is not None else 0,
    )


def _invalid_records(details: NearestNeighborSearchOperationMetadata) -> list[str]:
    """One line per invalid record: the file, the id, what is wrong (the service reports at most 50 per file)."""
    return [
        f"{error.source_gcs_uri or stats.source_gcs_uri}, id {error.embedding_id or 'unknown'}: "
        # The service may know more kinds of error than this client: those are plain numbers.
        f"{getattr(error.error_type, 'name', error.error_type)}: {error.error_message}"
        + (f" in {error.raw_record[:120]!r}" if error.raw_record and not error.embedding_id else "")
        for stats in details.content_validation_stats
        for error in stats.partial_errors
    ]
