"""Prefect's server, with a door: only this machine's own programs and the server's own pages get in.

`prefect server start` answers to any name, so that a page whose name is rebound to loopback reads it as its own, and to
any origin: a POST without a Content-Type needs no preflight. The key protects what the server does; this keeps pages from
even trying. And its database takes one write after the other. Started as `python -m flows.stack.server`; its address is that of PREFECT_API_URL.
"""

from __future__ import annotations

import functools
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.settings import get_current_settings
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from flows.doors import OwnOriginOnly

_PAGES_WITH_FOREIGN_SCRIPTS = frozenset({"/docs", "/redoc", "/api/docs", "/api/redoc"})
"""FastAPI's documentation loads its scripts from a public network, into the origin whose storage holds the key."""


def take_turns() -> None:
    """Let every transaction that may write say so when it begins, so that it waits its turn.

    Prefect begins most of them as DEFERRED. SQLite refuses such a one at once, whatever its time-out, when it reads, another one
    writes, and then it writes itself (SQLITE_BUSY_SNAPSHOT, https://www.sqlite.org/rescode.html): the API answers 503, and of runs
    that are created by eight clients at a time most fail.
    """
    begin = AioSqliteConfiguration.begin_transaction

    @functools.wraps(begin)
    def immediately(
        self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
    ) -> AbstractAsyncContextManager[AsyncSessionTransaction]:
        del with_for_update
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = immediately  # pyright: ignore[reportAttributeAccessIssue] -- Prefect's type is that of its decorator


def main() -> None:
    """Serve until stopped, with what `prefect server start` gives uvicorn."""
    take_turns()
    settings = get_current_settings()
    address = urlsplit(settings.api.url or "")
    reason = f"This page would load scripts from a public network. The API itself is described in http://{address.netloc}/openapi.json"
    uvicorn.run(
        OwnOriginOnly(
            create_app(final=True), address.netloc, dict.fromkeys(_PAGES_WITH_FOREIGN_SCRIPTS, reason)
        ),
        host=address.hostname or "",
        port=address.port or 0,
        timeout_keep_alive=settings.server.api.keepalive_timeout,
        ws_ping_interval=settings.server.api.websocket_ping_interval,
        ws_ping_timeout=settings.server.api.websocket_ping_timeout,
        log_level=settings.server.logging_level.lower(),
    )


if __name__ == "__main__":
    main()
