"""Prefect's server, with a door: only this machine's own programs and the server's own pages get in.

`prefect server start` answers to any name, so that a page whose name is rebound to loopback reads it as its own, and to
any origin: a POST without a Content-Type needs no preflight. The key protects what the server does; this keeps pages from
even trying. Started as `python -m flows.stack.server`; its address is that of PREFECT_API_URL.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

import uvicorn
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_PAGES_WITH_FOREIGN_SCRIPTS = frozenset({"/docs", "/redoc", "/api/docs", "/api/redoc"})
"""FastAPI's documentation loads its scripts from a public network, into the origin whose storage holds the key."""


class OwnOriginOnly:
    """Refuses requests and websockets that other names or other origins send, and pages that run the scripts of others.

    Args:
        app: what answers the others.
        host: the one `Host` that is accepted, with its port: "127.0.0.1:4213".
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self.host, self.origin = app, host, f"http://{host}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI defines it."""
        refusal = None if scope["type"] == "lifespan" else self._refusal(scope["path"], Headers(scope=scope))
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, path: str, headers: Headers) -> PlainTextResponse | None:
        if headers.getlist("host") != [self.host]:
            text = f"This server answers to one name only. Open {self.origin}\n"
            return PlainTextResponse(text, HTTPStatus.MISDIRECTED_REQUEST)
        if any(origin != self.origin for origin in headers.getlist("origin")) or _is_foreign(headers):
            text = f"Only pages of {self.origin} may call this server.\n"
            return PlainTextResponse(text, HTTPStatus.FORBIDDEN)
        if path in _PAGES_WITH_FOREIGN_SCRIPTS:
            text = f"This page would load scripts from a public network. The API itself is described in {self.origin}/openapi.json\n"
            return PlainTextResponse(text, HTTPStatus.NOT_FOUND)
        return None


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page asks, as for images and frames, where it sends no Origin.

    A link is no such request: it opens our page in place of the other one. Fetch Metadata, https://w3c.github.io/webappsec-fetch-metadata/
    """
    is_ours = headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return not (is_ours or is_link)


def main() -> None:
    """Serve until stopped, with what `prefect server start` gives uvicorn."""
    settings = get_current_settings()
    address = urlsplit(settings.api.url or "")
    uvicorn.run(
        OwnOriginOnly(create_app(final=True), address.netloc),
        host=address.hostname or "",
        port=address.port or 0,
        timeout_keep_alive=settings.server.api.keepalive_timeout,
        ws_ping_interval=settings.server.api.websocket_ping_interval,
        ws_ping_timeout=settings.server.api.websocket_ping_timeout,
        log_level=settings.server.logging_level.lower(),
    )


if __name__ == "__main__":
    main()
