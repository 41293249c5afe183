"""A Prefect server of a worker's own, that can be killed and started again where it was.

It has the settings of the local stack, without the services that only look at what has happened: they take more of a
processor than the flows themselves.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

import certifi

from flows.stack import api, key, prefect_settings, processes, server
from tests.polling import until

_BYSTANDERS = (
    "EVENT_PERSISTER",
    "TRIGGERS",
    "EVENT_LOGGER",
    "LATE_RUNS",
    "SCHEDULER",
    "FOREMAN",
    "PAUSE_EXPIRATIONS",
    "TASK_RUN_RECORDER",
)
_WITHOUT_BYSTANDERS = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _BYSTANDERS}


_OF_COMMANDS = {
    "PREFECT_LOGGING_TO_API_ENABLED": "false",  # the terminal's lines are the ones that are read
    "PREFECT_CLIENT_MAX_RETRIES": "3",  # what a command sets for itself, at the price of reading all settings again
}


_PR_SET_PDEATHSIG = 1
_PATIENCE = 600.0
"""Seconds for a start on a machine that does much else."""


def database(folder: Path) -> Path:
    """The folder of a database as a server makes it, to be copied: making one takes longer than all else of a start."""
    PrefectServer(folder).stop()
    return folder / "prefect"


class PrefectServer:
    """A Prefect server on a folder; with a database, on a copy of it."""

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self._folder, self._port = folder, api.free_port()
        if database is not None:
            shutil.copytree(database, folder / "prefect")
        key.ensure(folder)
        # A client loads its certificate authorities even where it speaks plain HTTP: all of them take 30 ms.
        self._one_authority = folder / "authority.pem"
        self._one_authority.write_text(
            Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")[0]
            + "-----END CERTIFICATE-----\n"
        )
        self.start()

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return prefect_settings.api_url(self._port)

    @property
    def key(self) -> str:
        """Its key."""
        return key.read(self._folder)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command that uses it."""
        settings = prefect_settings.environment(self._folder, self._port)
        return settings | _OF_COMMANDS | {"PREFECT_API_SSL_CERT_FILE": str(self._one_authority)}

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = processes.start(
            "Prefect server",
            [sys.executable, "-m", "tests.chaos.prefect_server"],
            environment=prefect_settings.environment(self._folder, self._port) | _WITHOUT_BYSTANDERS,
            folder=self._folder,
            log=self._folder / "server.log",
        )
        address = prefect_settings.api_url(self._port)
        until(lambda: api.is_healthy(address) or not self._process.is_alive, "the Prefect server", _PATIENCE)
        assert self._process.is_alive, self._process.tail()

    def kill(self) -> None:
        """Kill it as `kill -9` does, and what it has started."""
        os.killpg(self._process.pid, signal.SIGKILL)  # it has a session of its own
        until(lambda: not self._process.is_alive, "the end of the Prefect server")

    def stop(self) -> None:
        """Stop it."""
        processes.stop([self._process])


if __name__ == "__main__":
    # A worker that is killed leaves none behind.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    server.main()
