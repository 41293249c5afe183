"""Where deployed indexes answer private queries: port 10000, as clients expect, each at its own address.

On Linux any 127.x.y.z is loopback; elsewhere a socket in a folder with a short name stands for the address.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from sandbox.vertex import errors
from sandbox.vertex.wire.grpc_front import MESSAGE_OPTIONS

PORT = 10000
_ATTEMPTS = 20
# Without it two servers would bind the same address and take turns answering.
_OPTIONS = (*MESSAGE_OPTIONS, ("grpc.so_reuseport", 0))


class PrivateServers:
    """The running servers, by deployed index id and address."""

    def __init__(
        self, pool: ThreadPoolExecutor, handlers: Callable[[str], list[grpc.GenericRpcHandler]]
    ) -> None:
        self._pool = pool
        self._handlers = handlers
        self._servers: dict[tuple[str, str], grpc.Server] = {}

    def open(self, deployed_index_id: str, address: str = "") -> str:
        """Start answering at `address`, or at a new one, and return it.

        Raises:
            Refusal: UNAVAILABLE when no address could be bound.
        """
        for _ in range(1 if address else _ATTEMPTS):
            chosen = address or _new_address()
            server = grpc.server(self._pool, options=_OPTIONS)
            server.add_generic_rpc_handlers(self._handlers(deployed_index_id))
            try:
                server.add_insecure_port(f"{chosen}:{PORT}")
            except RuntimeError:
                continue
            server.start()
            self._servers[deployed_index_id, chosen] = server
            return chosen
        raise errors.NO_ADDRESS.refusal(id=deployed_index_id, address=address or "127.x.y.z", port=PORT)

    def close(self, deployed_index_id: str, address: str = "") -> None:
        """Stop answering at `address`, or at all of them; calls in progress are cut off."""
        for key in list(self._servers):
            if key[0] == deployed_index_id and address in ("", key[1]):
                self._servers.pop(key).stop(None)

    def close_all(self) -> None:
        """Stop all of them."""
        for deployed_index_id, address in list(self._servers):
            self.close(deployed_index_id, address)


def _new_address() -> str:
    if sys.platform == "linux":
        # Not 127.0.x.y: users' own servers run there.
        return f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    folder = Path(tempfile.mkdtemp(prefix="vso-"))
    return f"unix:{folder / 's'}"
