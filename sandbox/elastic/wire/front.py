"""From HTTP to handlers and back: headers, authentication, faults, the write log, error bodies.

An ASGI application. Handlers run in threads, so they may block. What they do is not known here.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hmac import compare_digest
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import Connections
from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.versions import Release
from sandbox.elastic.wire import errors as wire_errors
from sandbox.elastic.wire import media
from sandbox.elastic.wire.callers import Identify
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.filter_path import filtered
from sandbox.elastic.wire.parameters import rules, table
from sandbox.elastic.wire.routing import Route, Routes
from sandbox.elastic.wire.usage import Usage
from sandbox.faults import Fault, FaultQueue, Possible
from sandbox.write_log import WriteLog

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
_THREADS = 128
_LOOK = 0.05
_LOG = logging.getLogger(__name__)
_CHALLENGES = ['Basic realm="security" charset="UTF-8"', "ApiKey"]
_PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


class _ConnectionLost(Exception):
    """A fault resets the connection: no reply is sent."""


class Front:
    """The application that uvicorn serves."""

    def __init__(
        self,
        routes: Routes,
        connections: Connections,
        *,
        release: Release,
        api_key: str,
        identify: Identify,
        faults: FaultQueue,
        writes: WriteLog,
        usage: Usage,
        dated: Callable[[str], str],
        ending: threading.Event,
    ) -> None:
        self._routes = routes
        self._connections = connections
        self._release = release
        self._api_key = api_key
        self._identify = identify
        self._faults = faults
        self._writes = writes
        self._usage = usage
        self._dated = dated
        self._ending = ending
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="elastic")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = HttpRequest(scope, receive)
        body = await http.body()
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self._threads, self._answer, http, body)
        except _ConnectionLost:
            self._connections.cut(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await response(scope, receive, send)

    def close(self) -> None:
        """Accept no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, http: HttpRequest, body: bytes) -> Response:
        raw_path = http.scope["raw_path"].decode("latin-1").split("?")[0]
        headers = {name.lower(): value for name, value in http.headers.items()}
        request = Request(http.method, http.url.path, {}, dict(http.query_params), headers, body)
        request.client = http.scope["client"]
        asked, chosen = None, ""
        try:
            self._authenticate(request)
            asked = media.check(headers, bool(body), self._release)
            request.body = media.decoded(headers, body)
            reply = self._routed(request, raw_path)
            # Of an error nothing is left out (AbstractRestChannel.newErrorBuilder).
            chosen = request.text("filter_path")
        except Refusal as refusal:
            reply = Reply(refusal.body(_is_set(request, "error_trace")), refusal.status, refusal.headers)
        except _ConnectionLost:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours must not look like a broken network
            _LOG.exception("%s %s", request.method, request.path)
            reply = Reply(errors.INTERNAL.refusal(problem=repr(error)).body(), 500)
        return self._response(request, reply, asked, chosen)

    def _routed(self, request: Request, raw_path: str) -> Reply:
        route, request.params, allowed = self._routes.find(request.method, raw_path)
        if route is None:
            return _unknown(request, allowed)
        if request.body and (problem := media.unsupported(request.headers)):
            return Reply({"error": problem, "status": 406}, 406)
        if "index" in request.params:
            request.params["index"] = self._dated(request.params["index"])
        known = table.of(route.api, request.query, self._release)
        if known is not None:
            rules.apply(route.api, known, request)
        self._usage.count(route.api)
        self._strike(route, "before", request)
        found = route.handler(request)
        reply = found if isinstance(found, Reply) else Reply(found)
        if route.changes and request.changed and reply.status < 300:
            self._writes.append(route.api, request.resource or request.path)
        self._strike(route, "after", request)
        return reply

    def _strike(self, route: Route, when: Any, request: Request) -> None:
        fault = self._faults.take(route.api, when)
        if fault is None:
            return
        if fault.kind == "stall":
            self._stall(fault, request)
        elif fault.kind == "reset":
            raise _ConnectionLost
        else:
            refusal = wire_errors.FAULTS[fault.kind].refusal(api=route.api)
            if fault.retry_after is not None:
                refusal.headers["Retry-After"] = str(math.ceil(fault.retry_after))
            raise refusal

    def _stall(self, fault: Fault, request: Request) -> None:
        """Wait for as long as the fault says; without end only while the caller waits, or threads would run out."""
        if math.isfinite(fault.seconds):
            self._ending.wait(fault.seconds)
            return
        while self._connections.is_open(request.client) and not self._ending.wait(_LOOK):
            pass

    def _authenticate(self, request: Request) -> None:
        key = self._api_key
        if not key:
            return
        scheme, _, found = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "apikey" and compare_digest(found.encode(), key.encode()):
            return
        if scheme.lower() == "apikey" and (caller := self._identify(found)):
            request.caller = caller
            return
        answer = wire_errors.WRONG_API_KEY if scheme else wire_errors.NOT_AUTHENTICATED
        refusal = answer.refusal(path=request.path, metadata={"header": {"WWW-Authenticate": _CHALLENGES}})
        refusal.headers["WWW-Authenticate"] = ", ".join(_CHALLENGES)
        raise refusal

    def _response(self, request: Request, reply: Reply, asked: str | None, chosen: str) -> Response:
        text = isinstance(reply.body, str)
        content: Any = reply.body
        if not text:
            pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if _is_set(request, "pretty") else 0
            if chosen or pretty:  # documents are texts, which neither looks into
                content = orjson.loads(orjson.dumps(content, option=_OPTIONS))
            content = orjson.dumps(filtered(content, chosen) if chosen else content, option=_OPTIONS | pretty)
        response = Response(
            content if request.method != "HEAD" else b"", reply.status, media_type=media.answered(asked, text)
        )
        response.headers.update(_PRODUCT)
        if "x-opaque-id" in request.headers:
            response.headers["X-Opaque-Id"] = request.headers["x-opaque-id"]
        for name, value in reply.headers.items():
            response.headers[name] = value
        number = self._release.number
        for warning in dict.fromkeys(request.warnings):
            escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.append("Warning", f'299 Elasticsearch-{number}-sandbox "{escaped}"')
        return response


def _is_set(request: Request, name: str) -> bool:
    """Whether a flag is set; for what is read after a refusal, where another would be lost."""
    return request.query.get(name) in ("", "true")


def turned_away(status: HTTPStatus, text: str) -> Response:
    """What the door answers, in the form of Elasticsearch's errors."""
    return JSONResponse(Refusal(status, "security_exception", text).body(), status, _PRODUCT)


def possible_faults(routes: Routes) -> Iterable[Possible]:
    """The faults of these APIs."""
    for route in routes.all:
        for kind in (*wire_errors.FAULTS, "reset", "stall"):
            yield route.api, "before", kind
            yield route.api, "after", kind
        for kind in route.at_end:
            yield route.api, "end", kind


def _unknown(request: Request, allowed: list[str]) -> Reply:
    """One line of text instead of an error object, as RestController answers (seen in public bug reports)."""
    if allowed:
        text = (
            f"Incorrect HTTP method for uri [{request.path}] and method [{request.method}], allowed: "
            f"[{', '.join(allowed)}]"
        )
        return Reply({"error": text, "status": 405}, 405, {"Allow": ",".join(allowed)})
    text = f"no handler found for uri [{request.path}] and method [{request.method}]"
    return Reply({"error": text}, 400)
