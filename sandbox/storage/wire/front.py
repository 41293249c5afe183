"""The front: the key in the path, methods, faults, the write log, error bodies.

An ASGI application. What the methods do is not known here. The key is in no log and in no error of ours.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import Connections
from sandbox.faults import Fault, FaultQueue, Kind, Possible
from sandbox.storage import errors
from sandbox.storage.errors import Refusal
from sandbox.storage.wire import batch
from sandbox.storage.wire.exchange import Body, ClientGone, NotModified, Reply, Request
from sandbox.storage.wire.methods import METHODS, Handler, find
from sandbox.storage.wire.replies import send_reply
from sandbox.write_log import WriteLog

_LOOK = 0.05
_BATCH = "batch/storage/v1"
_NEVER_ABORTED = ("storage.buckets.insert", "storage.buckets.delete")
"""Their status 409 has other meanings: there already, not empty."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who calls."""

    address: str
    """How they reached us, up to the API's own paths: `http://127.0.0.1:PORT/KEY`."""
    client: tuple[str, int]


class ConnectionLost(Exception):
    """A fault resets the connection: no reply is sent."""


class Front:
    """The application that uvicorn serves."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        connections: Connections,
        *,
        key: str,
        faults: FaultQueue,
        writes: WriteLog,
        ending: threading.Event,
    ) -> None:
        self._handlers = handlers
        self._connections = connections
        self._prefix = f"/{key}/" if key else "/"
        self._faults = faults
        self._writes = writes
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = HttpRequest(scope)
        body = Body(receive)
        try:
            try:
                reply = await self._answer(http, body)
                await body.drain()
            except Refusal as refusal:
                await body.drain()
                reply = refused(refusal)
            await send_reply(reply, send, http.method)
        except ClientGone:
            self._connections.cut(scope["client"])
        except ConnectionLost:
            self._connections.cut(scope["client"])
            with suppress(ClientGone):
                await body.drain()

    async def _answer(self, http: HttpRequest, body: Body) -> Reply:
        path = self._inner(http)
        headers = {name.lower(): value for name, value in http.headers.items()}
        caller = Caller(f"http://{headers['host']}{self._prefix[:-1]}", http.scope["client"])
        if path == _BATCH and http.method == "POST":
            return await self._batch(headers, body, caller)
        return await self._serve(http.method, path, http.scope["query_string"], headers, body, caller)

    async def _batch(self, headers: Mapping[str, str], body: Body, caller: Caller) -> Reply:
        content = await body.whole(batch.MOST_BYTES, "The batch")
        calls = batch.calls_of(
            content, headers.get("content-type", ""), host=headers["host"], prefix=self._prefix
        )
        return batch.answered([(call, await self._part(call, caller)) for call in calls])

    async def _part(self, call: batch.Call, caller: Caller) -> Reply:
        if call.refusal:
            return refused(call.refusal)
        try:
            return await self._serve(
                call.verb, call.path, call.query, call.headers or {}, Body.of(call.body), caller
            )
        except Refusal as refusal:
            return refused(refusal)

    async def _serve(
        self, verb: str, path: str, query: bytes, headers: Mapping[str, str], body: Body, caller: Caller
    ) -> Reply:
        """Answer one call of a method."""
        method, params = find(verb, path)
        handler = self._handlers.get(method.id)
        if handler is None:
            raise errors.NOT_IMITATED.refusal(what=method.id)
        await self._strike(method.id, "before", caller, params)
        try:
            reply = await handler(Request(verb, params, _query(query), headers, body, caller.address))
        except NotModified:
            return Reply(status=HTTPStatus.NOT_MODIFIED)
        except (Refusal, ClientGone):
            raise
        except Exception as error:  # a bug of ours must not look like a broken network
            _LOG.exception("%s", method.id)
            raise errors.INTERNAL.refusal(problem=type(error).__name__) from error
        if reply.changed:
            self._writes.append(method.id, reply.changed)
        try:
            await self._strike(method.id, "after", caller, params)
        except BaseException:
            reply.close()
            raise
        return reply

    def _inner(self, http: HttpRequest) -> str:
        """The path behind the key."""
        path = http.scope["raw_path"].decode("latin-1").split("?")[0]
        begin = path[: len(self._prefix)]
        if not hmac.compare_digest(begin.encode("latin-1"), self._prefix.encode()):
            raise errors.NOT_FOUND.refusal()
        return path[len(self._prefix) :]

    async def _strike(
        self, method: str, when: Literal["before", "after"], caller: Caller, params: Mapping[str, str]
    ) -> None:
        fault = self._faults.take(method, when)
        if fault is None:
            return
        if fault.kind == "stall":
            await self._stall(fault, caller)
        elif fault.kind == "reset":
            raise ConnectionLost
        else:
            refusal = errors.FAULTS[fault.kind].refusal(name=params.get("object", "null"))
            if fault.retry_after is not None:
                refusal.headers["Retry-After"] = str(math.ceil(fault.retry_after))
            raise refusal

    async def _stall(self, fault: Fault, caller: Caller) -> None:
        """Wait for as long as the fault says; without end while the caller waits."""
        loop = asyncio.get_running_loop()
        end = loop.time() + fault.seconds
        while loop.time() < end and not self._ending.is_set():
            if math.isinf(fault.seconds) and not self._connections.is_open(caller.client):
                raise ClientGone
            await asyncio.sleep(min(_LOOK, fault.seconds))


def refused(refusal: Refusal) -> Reply:
    """A refusal as a reply."""
    return Reply(refusal.body(), refusal.status, refusal.headers)


def turned_away(status: HTTPStatus, text: str) -> Response:
    """What the door answers, in the form of Cloud Storage's errors."""
    return JSONResponse(Refusal(status, "forbidden", text, None).body(), status)


def possible_faults(handlers: Iterable[str]) -> Iterable[Possible]:
    """The faults of these methods; only what changes metadata can be aborted."""
    never_aborted = {method.id for method in METHODS if method.verb == "GET"} | set(_NEVER_ABORTED)
    kinds: tuple[Kind, ...] = (*errors.FAULTS, "reset", "stall")
    for method in handlers:
        for kind in kinds:
            if kind != "aborted" or method not in never_aborted:
                yield method, "before", kind
                yield method, "after", kind


def _query(text: bytes) -> dict[str, str]:
    """The parameters of the query, each given once.

    Raises:
        Refusal: one is given twice, or the text is not UTF-8.
    """
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise errors.INVALID.refusal(problem="The query is not UTF-8.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise errors.INVALID.refusal(problem="A parameter of the query is given twice.")
    return found
