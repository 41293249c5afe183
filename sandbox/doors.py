"""The door of every stand-in that speaks HTTP: programs of this machine get in, web pages do not.

Loopback keeps other machines out, but a browser on this one carries the requests of every page that it shows, and a page
whose name is rebound to loopback may even read the answers. Stand-ins serve no pages, so whatever shows that a page asks
is refused. Other users of the machine are kept out by keys, which are each service's own.

The door of the Prefect server (flows/stack/server.py) is another one: it has a UI, so it admits its own origin, under one
name. The sandbox and the flows share no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
"""With any port, since proxies and forwarded ports stand before a stand-in."""
_ACCEPTED = "127.0.0.1, localhost and [::1], with any port"

Answer = Callable[[HTTPStatus, str], Response]
"""What says a status and a text in the form of the service's own errors."""


def plain(status: HTTPStatus, text: str) -> Response:
    """A line of text, for services without a form of their own."""
    return PlainTextResponse(text + "\n", status)


class Door:
    """Lets requests through to an application unless a web page sends them, or they are meant for another name.

    Refused are a `Host` that is missing, given twice or not loopback's (421), any `Origin`, `null` among them, and any
    Fetch Metadata (https://w3c.github.io/webappsec-fetch-metadata/) that tells of a page (403). What a user types into a
    browser's address bar gets in.

    Args:
        app: what answers the others.
        refusal: makes the answers.
    """

    def __init__(self, app: ASGIApp, refusal: Answer = plain) -> None:
        self._app, self._refusal = app, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI defines it."""
        refused = None if scope["type"] == "lifespan" else self._refused(Headers(scope=scope))
        await (refused or self._app)(scope, receive, send)

    def _refused(self, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
            named = " and ".join(map(repr, hosts)) or "missing"
            text = f"The Host header is {named}. This stand-in answers to {_ACCEPTED}, and to no other name."
            return self._refusal(HTTPStatus.MISDIRECTED_REQUEST, text)
        if "origin" in headers or any(site != "none" for site in headers.getlist("sec-fetch-site")):
            text = "A web page sends this request. This stand-in answers to no page: call it from a program."
            return self._refusal(HTTPStatus.FORBIDDEN, text)
        return None
