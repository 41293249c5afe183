"""Services over gRPC: raw messages in and out, refusals as status codes.

The handlers are generic, because the GAPIC packages have message types but no servicers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Never

import grpc
from grpc_status import rpc_status

from sandbox.vertex import errors
from sandbox.vertex.wire.calls import Calls
from sandbox.vertex.wire.methods import Method
from sandbox.vertex.wire.statuses import status

# A thousand datapoints of 768 dimensions come close to the default limit of 4 MiB, which looks like a quota error.
MESSAGE_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def handlers(
    calls: Calls, service: str, methods: Iterable[Method], check: Callable[[Any], None] | None = None
) -> grpc.GenericRpcHandler:
    """The generic handler of a service; `check` sees the context of each call first."""
    return grpc.method_handlers_generic_handler(
        service,
        {
            method.name: grpc.unary_unary_rpc_method_handler(
                _behaviour(calls, method, check),
                request_deserializer=method.request.FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for method in methods
        },
    )


class EverythingElse(grpc.GenericRpcHandler):
    """Answers UNIMPLEMENTED with the method's name; gRPC itself says only that a method was not found."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The handler of a method that nothing else serves."""
        name: str = handler_call_details.method  # pyright: ignore[reportAttributeAccessIssue]
        refusal = errors.NOT_IMITATED.refusal(what=name.strip("/").replace("/", "."))

        def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
            del request
            _refuse(context, refusal)

        return grpc.unary_unary_rpc_method_handler(refuse)


def _behaviour(
    calls: Calls, method: Method, check: Callable[[Any], None] | None
) -> Callable[[Any, Any], Any]:
    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            if check:
                check(context)
            return calls.answer(method, request, context.is_active)
        except errors.Refusal as refusal:
            _refuse(context, refusal)

    return behave


def _refuse(context: grpc.ServicerContext, refusal: errors.Refusal) -> Never:
    found = status(refusal)
    if not found.details:
        context.abort(refusal.code, refusal.text)
    context.abort_with_status(rpc_status.to_status(found))
