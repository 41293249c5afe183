"""The ports of a sandbox: the same ones at every start on a state folder, so that clients find it again."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path

from sandbox.announced import SandboxError, write


class Ports(dict[str, int]):
    """Ports by name: those of the earlier run on this folder, or free ones the first time.

    Each is held until its server is about to bind it, which may be seconds later, so that no other process gets it.

    Raises:
        SandboxError: another process holds one of them.
    """

    def __init__(self, state: Path, names: Iterable[str]) -> None:
        file = state / "ports.json"
        super().__init__(json.loads(file.read_text()) if file.exists() else {})
        self._probes = {name: socket.socket() for name in names}
        for name, probe in self._probes.items():
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.get(name, 0)))
            except OSError as error:
                raise SandboxError(
                    f"Port {self[name]}, which the sandbox on {state} used before, is taken. "
                    f"Stop the process that holds it, or remove {file} to get new ports."
                ) from error
            self[name] = int(probe.getsockname()[1])
        write(file, self)

    def release(self, *names: str) -> None:
        """Give up these ports, or all of them."""
        for name in names or self._probes:
            self._probes[name].close()
