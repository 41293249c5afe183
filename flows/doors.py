"""The door of a local server that has pages: only this machine's own programs and the server's own pages get in.

Loopback keeps other machines out, but a browser on this one carries the requests of every page that it shows, and a page whose
name is rebound to loopback reads such a server as its own. Who gets in past the door still needs the server's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnOriginOnly:
    """Refuses requests and websockets that other names or other origins send.

    Args:
        app: what answers the others.
        host: the one `Host` that is accepted, with its port: "127.0.0.1:4213".
        closed: paths that are never answered, with the reason.
    """

    def __init__(self, app: ASGIApp, host: str, closed: Mapping[str, str] | None = None) -> None:
        self.app, self.host, self.origin, self.closed = app, host, f"http://{host}", closed or {}

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
        if path in self.closed:
            return PlainTextResponse(self.closed[path] + "\n", HTTPStatus.NOT_FOUND)
        return None


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page asks, as for images and frames, where it sends no Origin.

    A link is no such request: it opens our page in place of the other one. Fetch Metadata, https://w3c.github.io/webappsec-fetch-metadata/
    """
    is_ours = headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    is_link = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return not (is_ours or is_link)
