"""The open connections, so that a fault can reset one as a broken network would: with no reply at all."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Transports by the client's address."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def cut(self, client: tuple[str, int]) -> None:
        """Reset the connection of this client."""
        transport = self._open.get(tuple(client))  # pyright: ignore[reportArgumentType]
        if transport:
            transport.abort()

    def is_open(self, client: Any) -> bool:
        """Whether this client still waits."""
        return tuple(client) in self._open

    def protocol(self) -> type[H11Protocol]:
        """Uvicorn's protocol, which reports its connections here."""
        known = self._open

        class Reported(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                known[transport.get_extra_info("peername")] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                known.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return Reported
