"""google.longrunning.Operations: how clients follow, list, cancel and delete operations."""

from __future__ import annotations

from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from sandbox.vertex import errors, names
from sandbox.vertex.operations.lifecycle import Lifecycle
from sandbox.vertex.store import Operation
from sandbox.vertex.wire.paging import page

_LONGEST_WAIT = 60.0
_FILTERS = {"": None, "done:true": 1, "done=true": 1, "done:false": 0, "done=false": 0}


class OperationsService:
    """Methods in the order of google/longrunning/operations.proto."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._table = lifecycle.store.operations

    def ListOperations(
        self, request: operations_pb2.ListOperationsRequest
    ) -> operations_pb2.ListOperationsResponse:
        """The operations of a location, an index or an endpoint, newest first."""
        scope = names.any_resource(request.name.removesuffix("/operations"))
        if request.filter.replace(" ", "") not in _FILTERS:
            raise errors.INVALID_FILTER.refusal(filter=request.filter, problem="use done:true or done:false")
        done = _FILTERS[request.filter.replace(" ", "")]
        found = self._table.where(
            "substr(name, 1, ?) = ? ORDER BY sequence DESC", len(scope) + 1, f"{scope}/"
        )
        wanted = [each for each in found if done is None or each.done == done]
        shown, token = page(wanted, lambda each: each.sequence, request.page_size, request.page_token)
        messages = [self._lifecycle.message(self._lifecycle.look_at(each)) for each in shown]
        return operations_pb2.ListOperationsResponse(operations=messages, next_page_token=token)

    def GetOperation(self, request: operations_pb2.GetOperationRequest) -> operations_pb2.Operation:
        """One operation as it is now."""
        return self._lifecycle.message(self._lifecycle.look_at(self._find(request.name)))

    def DeleteOperation(self, request: operations_pb2.DeleteOperationRequest) -> empty_pb2.Empty:
        """Delete the record of an operation that is done."""
        operation = self._find(request.name)
        if not operation.done:
            raise errors.OPERATION_RUNNING.refusal(name=operation.name)
        self._table.delete(operation.name)
        return empty_pb2.Empty()

    def CancelOperation(self, request: operations_pb2.CancelOperationRequest) -> empty_pb2.Empty:
        """Cancel an operation: it ends with code 1 and leaves nothing, unless it is done or cannot be cancelled."""
        self._lifecycle.cancel(self._find(request.name))
        return empty_pb2.Empty()

    def WaitOperation(self, request: operations_pb2.WaitOperationRequest) -> operations_pb2.Operation:
        """Return when the operation is done or the time-out expires, whichever comes first."""
        name = self._find(request.name).name
        seconds = (
            request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else _LONGEST_WAIT
        )
        self._lifecycle.wait(name, min(seconds, _LONGEST_WAIT))
        return self._lifecycle.message(self._find(name))

    def _find(self, name: str) -> Operation:
        canonical = names.any_resource(name)
        found = self._table.get(canonical)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="Operation", name=canonical)
        return found
