"""The front: the token, methods, faults, the write log, error bodies. An ASGI application that knows no API."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import Connections
from sandbox.faults import FaultQueue, Possible
from sandbox.google_cloud import errors
from sandbox.google_cloud.calls import Call, Handler, Reply
from sandbox.google_cloud.errors import Refusal
from sandbox.google_cloud.methods import METHODS, Method, find
from sandbox.google_cloud.names import check_project
from sandbox.strikes import ConnectionLost, Strikes
from sandbox.write_log import WriteLog

_LOG = logging.getLogger(__name__)

Admits = Callable[[str], bool]
"""Whether a value of the `Authorization` header, empty if there is none, gets in."""


class Front:
    """The application that uvicorn serves.

    Args:
        handlers: what answers each method, by its id.
        admits: checks the token.
        guard: refuses a call of an API that is not enabled, and lets everything end that is due.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        connections: Connections,
        *,
        admits: Admits,
        guard: Callable[[str], None],
        faults: FaultQueue,
        writes: WriteLog,
    ) -> None:
        self._handlers, self._connections = handlers, connections
        self._admits, self._guard = admits, guard
        self._writes = writes
        self._strikes = Strikes(faults, connections, lambda fault: errors.FAULTS[fault.kind].refusal())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = Request(scope, receive)
        body = await http.body()
        try:
            response: Response = JSONResponse(await self._answer(http, body))
        except Refusal as refusal:
            response = JSONResponse(refusal.body(), refusal.status)
        except ConnectionLost:
            self._connections.cut(scope["client"])
            return
        await response(scope, receive, send)

    async def _answer(self, http: Request, body: bytes) -> Mapping[str, Any]:
        if not self._admits(http.headers.get("authorization", "")):
            raise errors.UNAUTHENTICATED.refusal()
        method, params = find(http.method, http.url.path)
        if "project" in params:
            check_project(params["project"])
        query = parse_qs(http.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        call = Call(params, query, _parsed(body))
        await self._strikes.strike(method.id, "before", http.scope["client"])
        reply = await run_in_threadpool(self._called, method, call)
        await self._strikes.strike(method.id, "after", http.scope["client"])
        return reply.body

    def _called(self, method: Method, call: Call) -> Reply:
        handler = self._handlers.get(method.id)
        if handler is None:
            raise errors.NOT_IMITATED.refusal(what=method.id)
        try:
            self._guard(method.api)
            reply = handler(call)
        except Refusal:
            raise
        except Exception as error:  # a bug of ours must not look like a broken network
            _LOG.exception("%s", method.id)
            raise errors.INTERNAL.refusal(problem=repr(error)) from error
        if reply.changed:
            self._writes.append(method.id, reply.changed)
        return reply


def turned_away(status: HTTPStatus, text: str) -> Response:
    """What the door answers, in the form of Google's errors."""
    return JSONResponse(Refusal(status, "forbidden", text).body(), status)


def possible_faults(handlers: Iterable[str], beginning: Iterable[str]) -> Iterable[Possible]:
    """The faults of these methods; only what begins an operation can fail at its end."""
    reads = {method.id for method in METHODS if method.verb == "GET"}
    begins = frozenset(beginning)
    for method in handlers:
        for kind in (*errors.FAULTS, "reset", "stall"):
            if kind != "aborted" or method not in reads:
                yield method, "before", kind
                yield method, "after", kind
            if method in begins and kind != "reset":
                yield method, "end", kind


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise errors.PARSE.refusal(problem=str(error)) from None
    if not isinstance(found, dict):
        raise errors.PARSE.refusal(problem="The body is no object.")
    return found
