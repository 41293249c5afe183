"""The sandbox as one foreground process: its services, then the file that says where they are.

The file is written last and completely: a client that waits for it can use every service at once.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from sandbox import services
from sandbox.announced import SandboxError, announcement, held, write
from sandbox.keys import Keys
from sandbox.ports import Ports
from sandbox.service import Running

_LOOK_EVERY = 0.5


def run(state: Path, chosen: services.Chosen, *, without_keys: bool = False) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        state: the folder.
        chosen: the services and their options.
        without_keys: whether whoever reaches them may use them.

    Raises:
        SandboxError: the folder is in use, a port is taken, or a service cannot start or has failed.
    """
    # Rows are many small objects that stay: looking for garbage among them would take half of an import's time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    with held(state), ExitStack() as at_the_end:
        _set_native_messages_aside(state / "native.log")
        file = announcement(state)
        file.unlink(missing_ok=True)
        ports = Ports(state, [port for service in services.SERVICES for port in service.ports])
        at_the_end.callback(ports.release)
        keys = Keys(state, are_off=without_keys)
        for service in services.SERVICES:
            if service.name in chosen:
                service.check(chosen[service.name])
        running: list[Running] = []
        for service in services.SERVICES:
            if service.name in chosen:
                running.append(service.start(state, chosen[service.name], ports, keys))
                at_the_end.callback(running[-1].stop)
        at_the_end.callback(file.unlink, missing_ok=True)
        write(file, {"pid": os.getpid(), "environment": _environment(running)})
        while not ended.wait(_LOOK_EVERY):
            for failure in filter(None, (each.failure() for each in running)):
                raise SandboxError(failure)


def _environment(running: list[Running]) -> Mapping[str, str]:
    return {name: value for each in running for name, value in each.environment.items()}


def _set_native_messages_aside(file: Path) -> None:
    """ScaNN and gRPC write to file descriptor 2; our own messages still go to the terminal."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with file.open("ab") as log:
        os.dup2(log.fileno(), 2)
