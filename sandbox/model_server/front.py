"""The front: the key, routes, faults, the write log, error bodies. An ASGI application."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import re
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Literal

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.connections import Connections
from sandbox.faults import FaultQueue, Kind, Possible
from sandbox.model_server import chat, embeddings, errors, fields
from sandbox.model_server.errors import Refusal
from sandbox.model_server.misbehaviour import WRONG_ANSWERS
from sandbox.model_server.options import ModelServerOptions
from sandbox.models.serving import ServingEndpoints, Task
from sandbox.write_log import WriteLog

_LOOK = 0.05
_LOG = logging.getLogger(__name__)
ROUTES: Mapping[str, tuple[str, str]] = {
    "/v1/models": ("GET", "ListModels"),
    "/v1/chat/completions": ("POST", "CreateChatCompletion"),
    "/v1/embeddings": ("POST", "CreateEmbedding"),
    "/serving-endpoints/chat/completions": ("POST", "CreateChatCompletion"),
    "/serving-endpoints/embeddings": ("POST", "CreateEmbedding"),
}
"""The last two are Databricks' compatible ones."""
SERVING = "/api/2.0/serving-endpoints"
"""Databricks' control plane of models; below it each endpoint by its name."""
SERVING_ROUTES: Mapping[str, str] = {
    SERVING: "ListServingEndpoints",
    f"{SERVING}/{{name}}": "GetServingEndpoint",
}
INVOCATIONS = "/serving-endpoints/{name}/invocations"
"""Databricks' own route, with the endpoint's name in place of the field `model`; here a model is an endpoint of its name."""
_INVOKED = re.compile(r"/serving-endpoints/([^/]+)/invocations")
_SERVED = re.compile(rf"{SERVING}(?:/([^/]+))?")
_TASKS: Mapping[str, Task] = {"CreateChatCompletion": "llm/v1/chat", "CreateEmbedding": "llm/v1/embeddings"}


class ConnectionLost(Exception):
    """A fault resets the connection: no reply is sent."""


class Front:
    """The application that uvicorn serves.

    Args:
        options: of the server.
        model: embeds texts; loaded at the first call.
        connections: the open ones.
        key: that requests must send; empty for none.
        generate: the language model that is served beside the stand-ins of one, if any.
    """

    def __init__(
        self,
        options: ModelServerOptions,
        model: embeddings.Embed,
        connections: Connections,
        *,
        key: str,
        faults: FaultQueue,
        writes: WriteLog,
        generate: chat.Generate | None = None,
    ) -> None:
        self._options, self._model, self._connections = options, model, connections
        self._key, self._faults, self._writes = key, faults, writes
        self._generate = generate
        chats = [chat.CHAT_MODEL, chat.LEADING_MODEL, *([chat.GENERATOR] if generate else [])]
        self._models = {
            **dict.fromkeys(chats, "CreateChatCompletion"),
            embeddings.EMBEDDING_MODEL: "CreateEmbedding",
        }
        self._endpoints = ServingEndpoints(
            {name: _TASKS[method] for name, method in self._models.items()}, options.start
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = Request(scope, receive)
        body = await http.body()
        try:
            response: Response = JSONResponse(await self._answer(http, body))
        except Refusal as refusal:
            response = JSONResponse(
                refusal.body(self._options.error_shape), refusal.status, headers=refusal.headers
            )
        except ConnectionLost:
            self._connections.cut(scope["client"])
            return
        await response(scope, receive, send)

    async def _answer(self, http: Request, body: bytes) -> Mapping[str, Any]:
        self._authenticate(http.headers.get("authorization", ""))
        verb, method = ROUTES.get(http.url.path, ("", ""))
        invoked = _INVOKED.fullmatch(http.url.path)
        model = invoked[1] if invoked else ""
        if invoked:
            if model not in self._models:
                raise errors.NO_MODEL.refusal(model=model, models=", ".join(self._models))
            verb, method = "POST", self._models[model]
        served = _SERVED.fullmatch(http.url.path)
        if served:
            verb, method, model = (
                "GET",
                "GetServingEndpoint" if served[1] else "ListServingEndpoints",
                served[1] or "",
            )
        if not method:
            raise errors.NO_URL.refusal(method=http.method, path=http.url.path)
        if verb != http.method:
            raise errors.WRONG_METHOD.refusal(method=http.method, path=http.url.path)
        wrong = await self._strike(method, "before", http.scope["client"])
        reply = await run_in_threadpool(self._called, method, body, wrong, model)
        if method == "CreateChatCompletion" and self._options.answer_seconds:
            await asyncio.sleep(self._options.answer_seconds)
        await self._strike(method, "after", http.scope["client"])
        return reply

    def _authenticate(self, header: str) -> None:
        if not self._key:
            return
        scheme, _, found = header.partition(" ")
        if not found:
            raise errors.NO_KEY.refusal()
        if scheme.lower() != "bearer" or not compare_digest(found.strip().encode(), self._key.encode()):
            raise errors.WRONG_KEY.refusal()

    def _called(self, method: str, body: bytes, wrong: Kind | None, model: str) -> Mapping[str, Any]:
        try:
            if method == "ListModels":
                return {"object": "list", "data": [self._described(name) for name in self._models]}
            if method in SERVING_ROUTES.values():
                return self._served(model)
            self._refuse_while_starting()
            given = _parsed(body)
            if model:
                fields.only(given, "model", model)
                given["model"] = model
            self._refuse_model(given, method)
            if method == "CreateEmbedding":
                reply = embeddings.embed(given, self._model)
            else:
                reply = chat.complete(
                    given, context_tokens=self._options.context_tokens, wrong=wrong, generate=self._generate
                )
        except Refusal:
            raise
        except Exception as error:  # a bug of ours must not look like a broken network
            _LOG.exception("%s", method)
            raise errors.INTERNAL.refusal(problem=repr(error)) from error
        self._writes.append(method, _paid_for(method, given))
        return reply

    def _refuse_model(self, body: Mapping[str, Any], method: str) -> None:
        model = fields.text(body, "model")
        if self._models.get(model) != method:
            there = ", ".join(name for name, its in self._models.items() if its == method)
            raise errors.NO_MODEL.refusal(model=model, models=there)

    def _described(self, name: str) -> dict[str, Any]:
        chats = self._models[name] == "CreateChatCompletion"
        owner = chat.what_it_is(name) if chats else "sandbox"
        return {"id": name, "object": "model", "created": 0, "owned_by": owner}

    def _refuse_while_starting(self) -> None:
        if not self._endpoints.are_ready:
            raise errors.STARTING.refusal()

    def _served(self, name: str) -> Mapping[str, Any]:
        """One endpoint, or all of them."""
        if name and name not in self._endpoints.names:
            raise errors.NO_MODEL.refusal(model=name, models=", ".join(self._models))
        if name:
            return self._endpoints.described(name)
        return {"endpoints": [self._endpoints.described(each) for each in self._endpoints.names]}

    async def _strike(
        self, method: str, when: Literal["before", "after"], client: tuple[str, int]
    ) -> Kind | None:
        """Let a due fault happen; returns one that is in the answer, not in the call."""
        fault = self._faults.take(method, when)
        if fault is None or fault.kind in WRONG_ANSWERS:
            return fault and fault.kind
        if fault.kind == "reset":
            raise ConnectionLost
        if fault.kind != "stall":
            refusal = errors.FAULTS[fault.kind].refusal(problem="")
            if fault.retry_after is not None:
                refusal.headers["Retry-After"] = str(math.ceil(fault.retry_after))
            raise refusal
        loop = asyncio.get_running_loop()
        end = loop.time() + fault.seconds
        while loop.time() < end:
            if math.isinf(fault.seconds) and not self._connections.is_open(client):
                raise ConnectionLost
            await asyncio.sleep(min(_LOOK, fault.seconds))
        return None


def possible_faults() -> Iterable[Possible]:
    """The faults of these methods. Only a completion has an answer that can be wrong."""
    for method in (*(method for _, method in ROUTES.values()), *SERVING_ROUTES.values()):
        for kind in (*errors.FAULTS, "reset", "stall"):
            yield method, "before", kind
            yield method, "after", kind
    for kind in WRONG_ANSWERS:
        yield "CreateChatCompletion", "before", kind


def turned_away(status: HTTPStatus, text: str) -> Response:
    """What the door answers, in the form of OpenAI's errors."""
    return JSONResponse(Refusal(status, "invalid_request_error", None, text).body("openai"), status)


def fingerprint(text: str) -> str:
    """Sixteen hex digits by which the write log names a text that was embedded."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _paid_for(method: str, body: Mapping[str, Any]) -> str:
    """What the write log names: the texts that were embedded, or the model that answered."""
    if method == "CreateEmbedding":
        return " ".join(map(fingerprint, fields.inputs(body)))
    return str(body["model"])


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.PARSE.refusal(problem=str(error)) from None
    if not isinstance(found, dict):
        raise errors.PARSE.refusal(problem="The body is no object.")
    return found
