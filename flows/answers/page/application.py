"""The routes of the page, and its doors: one name, one origin, a key, and headers that leave a page nothing to run or to load.

There is no script: a form is sent, the answer is looked at. What a question is never gets into an address, which histories keep.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.answers.page.asking import Busy, Desk
from flows.answers.page.views import View, view_of
from flows.doors import OwnOriginOnly
from tasks.answers.prompts import MOST_QUESTION_CHARACTERS

_HERE = Path(__file__).parent
_MOST_BYTES = 12 * MOST_QUESTION_CHARACTERS + 1_000
"""Of a form: a character has at most four bytes, each written as `%F0`."""
_BODY_SECONDS = 10.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def application(desk: Desk, *, host: str, key: str) -> ASGIApp:
    """The page of a desk.

    Args:
        desk: what answers.
        host: the one `Host` that is answered, with its port.
        key: `user:password`, which a browser asks for.
    """
    page = _Page(desk)
    routes = [
        Route("/", page.start),
        Route("/style.css", page.style),
        Route("/answers", page.ask, methods=["POST"]),
        Route("/answers/{id}", page.answer),
        Route("/answers/{id}/verdict", page.judge, methods=["POST"]),
    ]
    return _Guarded(OwnOriginOnly(_Keyed(Starlette(routes=routes), key), host))


class _Page:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("page.html")
        self._style = (_HERE / "style.css").read_text()

    async def start(self, request: Request) -> Response:  # noqa: ARG002 -- Starlette's signature
        return self._shown()

    async def style(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._style, media_type="text/css")

    async def ask(self, request: Request) -> Response:
        form = await _form(request)
        if form is None:
            text = f"This is too long: a question has at most {MOST_QUESTION_CHARACTERS:,} characters."
            return self._shown(message=text, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        question = " ".join(form.get("question", "").split())
        if not question:
            return self._shown(message="Write a question first.", status=HTTPStatus.BAD_REQUEST)
        if len(question) > MOST_QUESTION_CHARACTERS:
            text = f"A question has at most {MOST_QUESTION_CHARACTERS:,} characters; this one has {len(question):,}."
            return self._shown(message=text, status=HTTPStatus.BAD_REQUEST)
        try:
            shown = await run_in_threadpool(self._desk.ask, question)
        except Busy as error:
            return self._shown(message=str(error), status=HTTPStatus.SERVICE_UNAVAILABLE)
        return RedirectResponse(f"/answers/{shown.id}", HTTPStatus.SEE_OTHER)

    async def answer(self, request: Request) -> Response:
        shown = self._desk.kept(request.path_params["id"])
        return self._gone() if shown is None else self._shown(view_of(shown))

    async def judge(self, request: Request) -> Response:
        said = (await _form(request) or {}).get("useful")
        if said not in ("yes", "no"):
            return self._shown(message="A judgement is yes or no.", status=HTTPStatus.BAD_REQUEST)
        shown = await run_in_threadpool(self._desk.judge, request.path_params["id"], useful=said == "yes")
        return (
            self._gone() if shown is None else RedirectResponse(f"/answers/{shown.id}", HTTPStatus.SEE_OTHER)
        )

    def _gone(self) -> Response:
        text = "This answer is not kept any more. Ask the question again."
        return self._shown(message=text, status=HTTPStatus.NOT_FOUND)

    def _shown(
        self, view: View | None = None, *, message: str = "", status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        html = self._template.render(
            name=self._desk.name, view=view, message=message, most=MOST_QUESTION_CHARACTERS
        )
        return HTMLResponse(html, status)


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form as browsers send it; empty for anything else, None if it is larger than any of ours."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        return {}
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > _MOST_BYTES:
                    return None
        fields = parse_qs(body.decode("ascii"), max_num_fields=4, encoding="utf-8", errors="replace")
    except (TimeoutError, ClientDisconnect, ValueError):
        return {}
    return {name: values[0] for name, values in fields.items()}


class _Keyed:
    """Asks for the key, as HTTP's Basic authentication: a browser keeps it for this origin alone, unlike a cookie."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI defines it."""
        if scope["type"] == "http" and not self._opens(Headers(scope=scope).get("authorization", "")):
            ask = {"WWW-Authenticate": 'Basic realm="answers", charset="UTF-8"'}
            refused = PlainTextResponse("This page wants the key.\n", HTTPStatus.UNAUTHORIZED, ask)
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _opens(self, given: str) -> bool:
        scheme, _, encoded = given.partition(" ")
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(key, self._key)


class _Guarded:
    """Puts the headers on every answer, refusals too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI defines it."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)
