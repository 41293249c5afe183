"""The API as an ASGI application: routes, request messages, the same calls as over gRPC, JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import Connections
from sandbox.vertex import errors
from sandbox.vertex.rest import answers
from sandbox.vertex.rest.routes import Routes
from sandbox.vertex.rest.system_parameters import SystemParameters
from sandbox.vertex.rest.transcoding import transcoded
from sandbox.vertex.tokens import Tokens
from sandbox.vertex.versions.rules import rules
from sandbox.vertex.wire.calls import Calls
from sandbox.vertex.wire.methods import Method

_LOG = logging.getLogger(__name__)
_FORM = "application/x-www-form-urlencoded"


class RestApplication:
    """Answers HTTP requests for the methods of these services, by the full names of the services."""

    def __init__(
        self,
        calls: Calls,
        services: Mapping[str, Iterable[Method]],
        threads: Executor,
        tokens: Tokens,
        connections: Connections,
    ) -> None:
        self._calls, self._tokens = calls, tokens
        self._methods = {
            f"{service}.{method.name}": method for service, methods in services.items() for method in methods
        }
        self._routes = Routes(rules())
        self._threads = threads
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = Request(scope, receive)
        body = await http.body()
        try:
            response = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._answer, http, body
            )
        except errors.ConnectionReset:
            self._connections.cut(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await response(scope, receive, send)

    def _answer(self, http: Request, body: bytes) -> Response:
        query = _parameters(http.scope["query_string"])
        if http.headers.get("content-type", "").partition(";")[0].strip() == _FORM:
            # What curl sends unless it is told otherwise: Google's servers read it as parameters, and so it fails.
            query, body = query | _parameters(body), b""
        parameters = SystemParameters.taken_from(query)
        try:
            self._tokens.check(http.headers.get("authorization", ""))
            parameters.check()
            message = self._called(http, query, body)
            return answers.response(message, enum_numbers=parameters.enum_numbers, pretty=parameters.pretty)
        except errors.ConnectionReset:
            raise
        except errors.Refusal as refused:
            return answers.refusal(refused, pretty=parameters.pretty)
        except Exception as error:  # noqa: BLE001 - a bug of ours must say so in the form that clients read
            _LOG.exception("%s %s failed", http.method, http.url.path)
            return answers.refusal(errors.SANDBOX_FAILED.refusal(problem=repr(error)), pretty=True)

    def _called(self, http: Request, query: dict[str, list[str]], body: bytes) -> object:
        path = http.scope["raw_path"].decode("latin-1").partition("?")[0]
        found = self._routes.find(http.method, path)
        if found is None:
            raise errors.UNKNOWN_PATH.refusal(verb=http.method, path=http.url.path)
        route, value = found
        method = self._methods.get(route.rule.method)
        if method is None:
            raise errors.NOT_IMITATED.refusal(what=route.rule.method)
        request = transcoded(method.request, route.rule.body, (route.variable, value), query, body)
        client = http.scope["client"]
        return self._calls.answer(method, request, lambda: self._connections.is_open(client))


def _parameters(text: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found
