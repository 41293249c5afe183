"""How long-running operations advance: started, worked on, done. Each step is in the store, so a restart continues.

Knows no resource. What an operation does is registered by the services; when it does it is decided here, by elapsed
time or by the number of looks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import any_pb2

from sandbox.faults import FaultQueue
from sandbox.vertex import errors, names
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.store import Operation, Store
from sandbox.vertex.versions import conversion, messages

log = logging.getLogger(__name__)
_IDLE = 0.5
_SHORTEST = 0.01


def _short(method: str) -> str:
    return method.rpartition(".")[2]


def _nothing(operation: Operation) -> None:
    del operation


def _generic(metadata: Any, operation: Operation) -> None:
    """The metadata of Vertex AI's operations: generic, and more of it for some methods."""
    generic = metadata.generic_metadata
    generic.create_time.FromNanoseconds(int(operation.started * 1e9))
    generic.update_time.FromNanoseconds(int(operation.updated * 1e9))
    if operation.details:
        metadata.nearest_neighbor_search_operation_metadata.ParseFromString(operation.details)
    if "deployed_index_id" in metadata.DESCRIPTOR.fields_by_name:
        metadata.deployed_index_id = operation.deployed_index_id


@dataclass(frozen=True)
class Kind:
    """What the operations of one method do."""

    metadata: Any
    """The proto-plus type of the operation's metadata."""
    finish: Callable[[Operation], Any]
    """Makes the change, within a transaction, and returns the response message."""
    abandon: Callable[[Operation], None] = _nothing
    """Leaves no trace of an operation that failed or was cancelled."""
    work: Callable[[Operation], Any] | None = None
    """Slow preparation in a separate thread, done once; it may set `details` on the operation."""
    cancellable: bool = True
    describe: Callable[[Any, Operation], None] = _generic
    """Fills the metadata."""
    below_location: bool = False
    """Whether the operations are named below the location, as those of Vector Search 2.0; else below their target."""


class Lifecycle:
    """All operations, finished or not."""

    def __init__(self, store: Store, options: VertexOptions, faults: FaultQueue) -> None:
        self.store = store
        self.options = options
        self._faults = faults
        self._kinds: dict[str, Kind] = {}
        self._changed = threading.Condition(store.lock)
        self._stopping = False
        self._working: set[str] = set()
        self._ticker = threading.Thread(target=self._run, name="operations", daemon=True)

    def register(self, method: str, kind: Kind) -> None:
        """Register what the operations of `method` do; `collections.CreateIndex` is the one of Vector Search 2.0."""
        self._kinds[method] = kind

    @property
    def methods(self) -> frozenset[str]:
        """The methods that start an operation."""
        return frozenset(_short(method) for method in self._kinds)

    def start(self) -> None:
        """Start to advance operations, including those of an earlier run."""
        self._ticker.start()

    def stop(self) -> None:
        """Stop advancing them; they continue at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._ticker.is_alive():
            self._ticker.join(5)

    def begin(
        self, method: str, target: str, request: bytes, nominal: float, deployed_index_id: str = ""
    ) -> operations_pb2.Operation:
        """Record a new operation and return it as clients see it."""
        with self._changed, self.store.transaction():
            now = time.time()
            operation = Operation(
                name=f"{self._parent(method, target)}/operations/{names.new_id()}",
                sequence=self.store.operations.next_sequence(),
                method=method,
                target=target,
                deployed_index_id=deployed_index_id,
                request=request,
                started=now,
                updated=now,
                seconds=self.options.seconds(nominal),
                reads_left=self.options.reads if self.options.advance == "reads" else -1,
                worked=int(self._kinds[method].work is None),
                version=messages.current.get(),
            )
            self._strike(operation)
            self.store.operations.put(operation)
            if operation.seconds <= 0 and operation.worked:
                self._complete(operation)
            self._changed.notify_all()
            return self.message(operation)

    def _parent(self, method: str, target: str) -> str:
        return names.location(target) if self._kinds[method].below_location else target

    def _strike(self, operation: Operation) -> None:
        """Let a fault decide how a new operation ends: with an error, or late or never, whatever advances the others."""
        fault = self._faults.take(_short(operation.method).removesuffix("Fields"), "end")
        if fault is None:
            return
        if fault.kind == "stall":
            operation.seconds, operation.reads_left = operation.seconds + fault.seconds, -1
            return
        refusal = errors.FAULTS[fault.kind].refusal()
        operation.error_code, operation.error_text = refusal.number, refusal.text

    def unfinished(self, condition: str, *values: Any) -> list[Operation]:
        """The operations under way that fulfil an SQL condition."""
        return self.store.operations.where(f"done = 0 AND ({condition})", *values)

    def refuse_if_busy(self, target: str) -> None:
        """Refuse a change of a resource that another operation is changing.

        Raises:
            Refusal: FAILED_PRECONDITION, naming the operations.
        """
        running = self.unfinished("target = ?", target)
        if running:
            raise errors.BUSY.refusal(name=target, operations=", ".join(each.name for each in running))

    def look(self, target: str) -> None:
        """Count a read of a resource, for operations that advance by reads."""
        if self.options.advance != "reads":
            return
        with self._changed:
            for operation in self.unfinished("target = ?", target):
                self.look_at(operation)

    def look_at(self, operation: Operation) -> Operation:
        """Count a read of an operation, and return it as it is afterwards."""
        if self.options.advance != "reads":
            return operation
        with self._changed:
            # Another client may have read it in between.
            current = self.store.operations.get(operation.name)
            if current is None or current.done:
                return current or operation
            current.reads_left = max(0, current.reads_left - 1)
            self.store.operations.put(current)
            if self._due(current, time.time()):
                self._complete(current)
            return current

    def cancel(self, operation: Operation) -> None:
        """End an operation with CANCELLED and leave no trace; a delete or an undeploy continues regardless."""
        with self._changed, self.store.transaction():
            current = self.store.operations.get(operation.name)
            if current is None or current.done or not self._kinds[current.method].cancellable:
                return
            self._fail(current, errors.CANCELLED.refusal())
            self._changed.notify_all()

    def wait(self, name: str, seconds: float) -> None:
        """Return when the operation is done or the time is up."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._stopping:
                operation = self.store.operations.get(name)
                left = deadline - time.monotonic()
                if operation is None or operation.done or left <= 0:
                    return
                self.look_at(operation)
                self._changed.wait(min(left, _IDLE))

    def message(self, operation: Operation) -> operations_pb2.Operation:
        """The operation as clients see it."""
        kind = self._kinds[operation.method]
        metadata = kind.metadata.pb()()
        kind.describe(metadata, operation)
        shown = operations_pb2.Operation(name=operation.name, done=bool(operation.done))
        shown.metadata.Pack(conversion.shown(metadata, operation.version))
        if operation.done and operation.error_code:
            shown.error.code = operation.error_code
            shown.error.message = operation.error_text
        elif operation.done:
            response = any_pb2.Any.FromString(operation.response)
            shown.response.CopyFrom(conversion.shown_any(response, operation.version))
        return shown

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                now = time.time()
                pause = _IDLE
                for operation in self.store.operations.where("done = 0 ORDER BY sequence"):
                    if self._due(operation, now):
                        self._complete(operation)
                    elif not operation.worked:
                        self._start_work(operation)
                    elif operation.reads_left < 0:
                        pause = min(pause, operation.started + operation.seconds - now)
                self._changed.wait(max(pause, _SHORTEST))

    def _due(self, operation: Operation, now: float) -> bool:
        if not operation.worked:
            return False
        return operation.reads_left == 0 or (
            operation.reads_left < 0 and now >= operation.started + operation.seconds
        )

    def _start_work(self, operation: Operation) -> None:
        if operation.name not in self._working:
            self._working.add(operation.name)
            threading.Thread(target=self._work, args=(operation,), name="import", daemon=True).start()

    def _work(self, operation: Operation) -> None:
        work = self._kinds[operation.method].work
        try:
            if work is not None:
                work(operation)
        except errors.Refusal as refusal:
            operation.error_code, operation.error_text = refusal.number, refusal.text
        except Exception:
            log.exception("%s failed", operation.name)
            operation.error_code, operation.error_text = (
                errors.INTERRUPTED.refusal().number,
                errors.INTERRUPTED.refusal().text,
            )
        with self._changed:
            self._working.discard(operation.name)
            if self._stopping:
                return  # to be done again after the restart
            current = self.store.operations.get(operation.name)
            if current is None or current.done:
                self._kinds[operation.method].abandon(operation)  # cancelled, and worked on since
                return
            current.worked = 1
            current.details, current.uncompacted = operation.details, operation.uncompacted
            current.error_code, current.error_text = operation.error_code, operation.error_text
            current.updated = time.time()
            self.store.operations.put(current)
            self._changed.notify_all()

    def _complete(self, operation: Operation) -> None:
        """Make the change, or clean up after a failed preparation, in one transaction with the operation's record."""
        # Before the change is made: deployed copies that have it show a time of synchronisation that is no earlier.
        operation.updated = time.time()
        try:
            with self.store.transaction():
                if operation.error_code:
                    self._kinds[operation.method].abandon(operation)
                else:
                    response = any_pb2.Any()
                    response.Pack(self._kinds[operation.method].finish(operation))
                    operation.response = response.SerializeToString()
                operation.done = 1
                self.store.operations.put(operation)
        except errors.Refusal as refusal:
            self._fail(operation, refusal)
        except Exception:
            log.exception("%s failed", operation.name)
            self._fail(operation, errors.INTERRUPTED.refusal())
        self._changed.notify_all()

    def _fail(self, operation: Operation, refusal: errors.Refusal) -> None:
        with self.store.transaction():
            self._kinds[operation.method].abandon(operation)
            operation.done, operation.updated = 1, time.time()
            operation.error_code, operation.error_text = refusal.number, refusal.text
            self.store.operations.put(operation)
