"""The front: the token, methods, faults, the write log, error bodies. An ASGI application that knows no API."""

from __future__ import annotations

import logging
import math
import re
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
from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Handler, Reply
from sandbox.databricks.errors import Refusal
from sandbox.databricks.methods import DATA_PLANE, OPEN, READS, find
from sandbox.faults import Fault, FaultQueue, Possible
from sandbox.strikes import ConnectionLost, Strikes
from sandbox.write_log import WriteLog

_LOG = logging.getLogger(__name__)
_FORM, _RAW = "application/x-www-form-urlencoded", "application/octet-stream"

Users = Callable[[str], str | None]
"""Whose token the value of an `Authorization` header holds; None if it gets nobody in."""


class Front:
    """The application that uvicorn serves.

    Args:
        handlers: what answers each method, by its id.
        connections: the open ones.
        users: checks the token.
        faults: those to strike with.
        writes: where changing calls are logged.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        connections: Connections,
        *,
        users: Users,
        faults: FaultQueue,
        writes: WriteLog,
    ) -> None:
        self._handlers, self._connections, self._users = handlers, connections, users
        self._writes, self._strikes = writes, Strikes(faults, connections, _fault)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = Request(scope, receive)
        body = await http.body()
        try:
            response = await self._answer(http, body)
        except Refusal as refusal:
            response = JSONResponse(refusal.body(), refusal.status, refusal.headers)
        except ConnectionLost:
            self._connections.cut(scope["client"])
            return
        await response(scope, receive, send)

    async def _answer(self, http: Request, body: bytes) -> Response:
        path = http.url.path
        in_camel_case = path.startswith(f"{DATA_PLANE}/")
        if in_camel_case:
            path = f"/api/2.0/vector-search{path.removeprefix(DATA_PLANE)}"
        method, params = find(http.method, path)
        query = parse_qs(http.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        is_raw = http.headers.get("content-type", "").startswith(_RAW)
        call = Call(params, query, {} if is_raw else _parsed(http, body), self._user(http, method), body)
        await self._strikes.strike(method, "before", http.scope["client"])
        reply = await run_in_threadpool(self._called, method, call)
        await self._strikes.strike(method, "after", http.scope["client"])
        if reply.content is not None:
            return Response(reply.content, headers=dict(reply.headers))
        return JSONResponse(_camel(reply.body) if in_camel_case else reply.body)

    def _user(self, http: Request, method: str) -> str:
        authorization = http.headers.get("authorization", "")
        if method in OPEN:
            return authorization
        user = self._users(authorization)
        if user is None:
            raise errors.UNAUTHENTICATED.refusal()
        return user

    def _called(self, method: str, call: Call) -> Reply:
        handler = self._handlers.get(method)
        if handler is None:
            raise errors.NOT_IMITATED.refusal(what=method)
        try:
            reply = handler(call)
        except Refusal:
            raise
        except Exception as error:  # a bug of ours must not look like a broken network
            _LOG.exception("%s", method)
            raise errors.INTERNAL.refusal(problem=repr(error)) from error
        if reply.changed:
            self._writes.append(method, reply.changed)
        return reply


def turned_away(status: HTTPStatus, text: str) -> Response:
    """What the door answers, in the form of the service's errors."""
    return JSONResponse(Refusal(status, "PERMISSION_DENIED", text).body(), status)


def possible_faults(handlers: Iterable[str], at_end: Mapping[str, Iterable[Any]]) -> Iterable[Possible]:
    """The faults of these methods.

    Args:
        handlers: the ids of methods.
        at_end: of those that start something, how it can end.
    """
    for method in handlers:
        for kind in (*errors.FAULTS, "reset", "stall"):
            if kind != "aborted" or method not in READS:
                yield method, "before", kind
                yield method, "after", kind
        for kind in at_end.get(method, ()):
            yield method, "end", kind


def _fault(fault: Fault) -> Refusal:
    refusal = errors.FAULTS[fault.kind].refusal()
    if fault.retry_after is not None:
        refusal.headers["Retry-After"] = str(math.ceil(fault.retry_after))
    return refusal


def _parsed(http: Request, body: bytes) -> Body:
    if http.headers.get("content-type", "").startswith(_FORM):
        return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise errors.MALFORMED.refusal(problem=str(error)) from None
    if not isinstance(found, dict):
        raise errors.MALFORMED.refusal(problem="the body is no object")
    return found


def _camel(value: Any) -> Any:
    """The same with every name in camelCase."""
    if isinstance(value, dict):
        named: Body = value
        return {re.sub(r"_(\w)", lambda m: m[1].upper(), name): _camel(each) for name, each in named.items()}
    if isinstance(value, list):
        values: list[Any] = value
        return [_camel(each) for each in values]
    return value
