"""The token of a call over gRPC, checked before any method sees the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never

import grpc

from sandbox.vertex.errors import Refusal
from sandbox.vertex.tokens import Tokens


class BearerToken(grpc.ServerInterceptor):
    """Answers UNAUTHENTICATED to calls without a token that is accepted."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """The method's handler, or one that refuses."""
        details: Any = handler_call_details  # which the types leave empty
        try:
            self._tokens.check(dict(details.invocation_metadata).get("authorization", ""))
        except Refusal as refusal:
            return _refusing(refusal)
        return continuation(handler_call_details)


def _refusing(refusal: Refusal) -> grpc.RpcMethodHandler[bytes, bytes]:
    def refuse(_request: bytes, context: grpc.ServicerContext) -> Never:
        context.abort(refusal.code, refusal.text)

    return grpc.unary_unary_rpc_method_handler(refuse)
