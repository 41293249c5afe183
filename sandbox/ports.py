"""The ports of a sandbox: the same ones at every start on a state folder, so that clients find it again."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path

from sandbox.announced import SandboxError, write


class Ports(dict[str, int]):
    """Ports by name: those of the earlier run on this folder, or free ones the first time.

    Each is bound at once and handed to its server as a socket, so that no other process gets it in between.

    Raises:
        SandboxError: another process holds one of them.
    """

    def __init__(self, state: Path, names: Iterable[str]) -> None:
        file = state / "ports.json"
        super().__init__(json.loads(file.read_text()) if file.exists() else {})
        self._held: dict[str, socket.socket] = {}
        for name in names:
            try:
                held = self._held[name] = bound(self.get(name, 0))
            except OSError as error:
                raise SandboxError(
                    f"Port {self[name]}, which the sandbox on {state} used before, is taken. "
                    f"Stop the process that holds it, or remove {file} to get new ports."
                ) from error
            self[name] = int(held.getsockname()[1])
        write(file, self)

    def take(self, name: str) -> socket.socket:
        """The bound socket of a port; whoever takes it closes it."""
        return self._held.pop(name)

    def release(self) -> None:
        """Give up the ports that nobody has taken."""
        for held in self._held.values():
            held.close()


def listen(held: socket.socket) -> None:
    """Begin to accept connections on a port that `bound` has bound, if not yet to answer them.

    Raises:
        SandboxError: another process listens on it. While neither listens, Linux lets two bind one port that allow its
            reuse, which they must because of the connections that a killed server leaves behind (socket(7), SO_REUSEADDR).
    """
    try:
        held.listen(1024)
    except OSError as error:
        raise SandboxError(
            f"Port {held.getsockname()[1]} is taken: another process began to listen on it just now. Start the sandbox again."
        ) from error


def bound(port: int = 0) -> socket.socket:
    """A socket that is bound to a port on 127.0.0.1, 0 for a free one, and does not listen yet.

    Raises:
        OSError: the port is taken.
    """
    # TCP by name, because asyncio disables Nagle's algorithm only on sockets that say so.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(("127.0.0.1", port))
    except OSError:
        found.close()
        raise
    return found
