"""Long-running operations of Vector Search 2.0: listed, followed, cancelled.

They are named below the location. The metadata of most say what they work on; that of an import does not, so whose it is can
only be told by when it began.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud import vectorsearch_v1 as v1
from google.longrunning.operations_pb2 import Operation as RawOperation

from tasks.calls import NotFound
from tasks.interruption import RemoteWork, WhenInterrupted, interruptible
from tasks.plurals import counted
from tasks.progress import say
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import OperationFailed, calling
from tasks.vertex.operations.operations import cancel_at
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import connect
from tasks.waiting import Deadline, Look, wait_until

IMPORT = "import"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One long-running operation, as last read."""

    name: str
    """projects/PROJECT/locations/LOCATION/operations/OPERATION"""
    verb: str
    """create, update, delete, import; or empty."""
    target: str
    """The resource that it works on; empty for an import, whose metadata does not say."""
    done: bool
    code: int
    """The canonical code that it ended with: 0 when it succeeded or still runs."""
    said: str
    imported: int = 0
    """Data objects that an import took so far."""
    failed: int = 0
    """Data objects that an import left out so far."""


def list_unfinished(settings: VertexSettings) -> list[Operation]:
    """The operations of the location that still run, of everybody, also those of other kinds."""
    with calling(f"list the operations of {settings.parent}"):
        raws = list(
            connect(settings).operations.list_operations(
                settings.parent, "", timeout=CALL_SECONDS, retry=None
            )
        )
    return [operation for operation in map(_operation, raws) if not operation.done]


def unfinished_of(settings: VertexSettings, resource: str) -> list[Operation]:
    """Those that create, change or delete a resource."""
    return [each for each in list_unfinished(settings) if _same(each.target, resource)]


def read_operation(settings: VertexSettings, name: str) -> Operation:
    """One operation, as it stands now."""
    with calling(f"read the operation {name}"):
        return _operation(connect(settings).operations.get_operation(name, timeout=CALL_SECONDS, retry=None))


def follow(
    settings: VertexSettings,
    name: str,
    what: str,
    deadline: Deadline,
    *,
    total: int = 0,
    usual: float | None = None,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Operation:
    """Look at an operation until it is done.

    Args:
        settings: the target.
        name: the operation's name.
        what: what it does, in plain words: `create collection products`.
        deadline: when to give up; the operation keeps running at the service.
        total: of an import, how many data objects it is to take.
        usual: seconds that it usually takes at the real service.
        when_interrupted: on Ctrl-C or a cancelled run, leave it running or ask the service to cancel it.

    Raises:
        OperationFailed: it ended with an error.
        DeadlinePassed: it still runs.
    """

    def look() -> Look[Operation]:
        operation = read_operation(settings, name)
        return Look(
            seen="done" if operation.done else _running(operation, total),
            value=operation,
            done=operation.done,
            fraction=operation.imported / total if total and operation.imported else None,
        )

    work = RemoteWork(
        what=what, id=name, where="at the service", cancel=lambda: cancel_at(connect(settings).operations, name)
    )  # fmt: skip
    with interruptible(work, when_interrupted):
        # A stand-in's clock runs fast: the real service's usual times would mislead.
        operation = wait_until(what, look, deadline, usual=None if settings.is_sandbox else usual)
    if operation.code and operation.verb != IMPORT:
        raise OperationFailed(what, operation=name, code=operation.code, said=operation.said)
    return operation


def settle(
    settings: VertexSettings,
    resource: str,
    deadline: Deadline,
    *,
    verbs: tuple[str, ...] = ("delete", "update"),
) -> None:
    """Follow what an earlier run began on a resource to its end; its failure is logged, not raised."""
    for operation in unfinished_of(settings, resource):
        if operation.verb in verbs:
            follow_earlier(
                settings, operation, f"the {operation.verb} of {resource.rpartition('/')[2]}", deadline
            )


def follow_earlier(
    settings: VertexSettings, operation: Operation, what: str, deadline: Deadline
) -> Operation | None:
    """Follow what an earlier run began to its end. Returns the operation as it ended, or None when it failed."""
    what = f"{what} that an earlier run started"
    say(f"Following {what}: {operation.name}.")
    try:
        return follow(settings, operation.name, what, deadline)
    except (OperationFailed, NotFound) as error:
        say(str(error))
        return None


def _running(operation: Operation, total: int) -> str:
    if not operation.imported and not operation.failed:
        return "running"
    of = f" of {counted(total, 'data object')}" if total else ""
    left_out = f", {operation.failed:,} left out" if operation.failed else ""
    return f"{operation.imported:,}{of}{left_out}"


def _same(target: str, resource: str) -> bool:
    """Whether both name one resource: the service may write the project's number where we write its id."""
    return target.partition("/locations/")[2] == resource.partition("/locations/")[2] != ""


def _operation(raw: RawOperation) -> Operation:
    kind = raw.metadata.type_url.rpartition(".")[2]
    verb = target = ""
    imported = failed = 0
    code, said = raw.error.code, raw.error.message
    if "vectorsearch" in raw.metadata.type_url and kind == "OperationMetadata":
        metadata = v1.OperationMetadata.deserialize(raw.metadata.value)
        verb, target = metadata.verb, metadata.target
    elif kind == "ImportDataObjectsMetadata":
        counts = v1.ImportDataObjectsMetadata.deserialize(raw.metadata.value)
        verb, imported, failed = IMPORT, counts.success_count, counts.failure_count
        if raw.done and not code:
            status = v1.ImportDataObjectsResponse.deserialize(raw.response.value).status
            code, said = status.code, status.message
    return Operation(
        name=raw.name,
        verb=verb,
        target=target,
        done=raw.done,
        code=code,
        said=said,
        imported=imported,
        failed=failed,
    )
