"""Services on the wire: raw messages in and out, refusals as status codes, faults and the write log around each call.

The handlers are generic, because the GAPIC packages have message types but no servicers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Never, get_args

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from sandbox.faults import Fault, FaultQueue, Kind, Possible
from sandbox.vertex import errors
from sandbox.write_log import WriteLog

log = logging.getLogger(__name__)
_STALL_STEP = 0.05
# A thousand datapoints of 768 dimensions come close to the default limit of 4 MiB, which looks like a quota error.
MESSAGE_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


@dataclass(frozen=True)
class Method:
    """One method: its name, its request type, what answers it, whether it changes something, and starts an operation."""

    name: str
    request: Any
    answer: Callable[[Any], Any]
    writes: bool = False
    starts_operation: bool = False


class Front:
    """Wraps methods for gRPC; one for all services of the stand-in."""

    def __init__(self, faults: FaultQueue, writes: WriteLog) -> None:
        self._faults = faults
        self._writes = writes

    def handlers(
        self, service: str, methods: Iterable[Method], check: Callable[[Any], None] | None = None
    ) -> grpc.GenericRpcHandler:
        """The generic handler of a service; `check` sees the context of each call first."""
        methods = tuple(methods)
        self._faults.serves(possible for method in methods for possible in _possible(method))
        return grpc.method_handlers_generic_handler(
            service,
            {
                method.name: grpc.unary_unary_rpc_method_handler(
                    self._behaviour(method, check),
                    request_deserializer=method.request.FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                )
                for method in methods
            },
        )

    def _behaviour(self, method: Method, check: Callable[[Any], None] | None) -> Callable[[Any, Any], Any]:
        def behave(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                if check:
                    check(context)
                self._strike(method.name, "before", context)
                response = method.answer(request)
                if method.writes:
                    self._writes.append(method.name, _resource(request, response))
                self._strike(method.name, "after", context)
            except errors.Refusal as refusal:
                _refuse(context, refusal)
            except Exception as error:
                log.exception("%s failed", method.name)
                context.abort(grpc.StatusCode.INTERNAL, f"The sandbox itself failed: {error!r}")
            return response

        return behave

    def _strike(self, method: str, when: Any, context: grpc.ServicerContext) -> None:
        fault = self._faults.take(method, when)
        if fault is None:
            return
        if fault.kind == "stall":
            _stall(fault, context)
            return
        raise errors.FAULTS[fault.kind].refusal(retry_after=fault.retry_after)


def _possible(method: Method) -> Iterable[Possible]:
    for kind in get_args(Kind):
        yield method.name, "before", kind
        yield method.name, "after", kind
        if method.starts_operation and kind != "reset":
            yield method.name, "end", kind


def _refuse(context: grpc.ServicerContext, refusal: errors.Refusal) -> Never:
    if refusal.retry_after is None:
        context.abort(refusal.code, refusal.text)
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(refusal.retry_after * 1e9))
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=refusal.number, message=refusal.text, details=[detail])
    context.abort_with_status(rpc_status.to_status(status))


def _stall(fault: Fault, context: grpc.ServicerContext) -> None:
    end = time.monotonic() + fault.seconds
    while time.monotonic() < end and context.is_active():
        time.sleep(_STALL_STEP)


def _resource(request: Any, response: Any) -> str:
    if name := getattr(response, "name", ""):
        return name
    for field in ("index", "name", "parent", "index_endpoint"):
        value = getattr(request, field, "")
        if isinstance(value, str) and value:
            return value
    return ""
