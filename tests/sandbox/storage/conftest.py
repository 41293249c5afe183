"""The storage stand-in in this process, deep in a folder of its own, with the official client and with raw requests."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from sandbox.ports import bound
from sandbox.storage.server import StorageServer

KEY = "0123456789abcdef" * 2
DEEP = "a/b/c/d/e/state"
CONTENT = re.compile(r"[0-9a-f]{32}")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self):
        return json.loads(self.body)["error"]

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Stand:
    """A server and what can be done with it."""

    top: Path
    server: StorageServer

    @property
    def state(self):
        return self.top / DEEP

    @property
    def port(self):
        return int(self.server.url.split(":")[2].split("/")[0])

    def client(self, project="sandbox-project"):
        return storage.Client(
            project=project,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.server.url},
        )

    def send(self, verb, path, body=b"", *, key=KEY, ends=False, **headers) -> Answer:
        """One request as it is written here: nothing is encoded, nothing normalized. `ends` hangs up after the body."""
        fields = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)), "Connection": "close"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{verb} {f'/{key}' if key else ''}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
        if not answer:
            raise ConnectionResetError
        head, _, rest = answer.partition(b"\r\n\r\n")
        first, *named = head.decode().split("\r\n")
        shown = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in named)}
        return Answer(int(first.split()[1]), shown, rest)

    def files_elsewhere(self):
        """Files that are neither the stand-in's own nor contents with random names."""
        own = {self.state / name for name in ("faults.sqlite", "writes.sqlite", "buckets/buckets.sqlite")}
        own |= {Path(f"{file}{end}") for file in own for end in ("-wal", "-shm")}
        contents = self.state / "buckets" / "contents"
        return [
            path
            for path in self.top.rglob("*")
            if not path.is_dir()
            and path not in own
            and not (path.parent == contents and CONTENT.fullmatch(path.name))
        ]


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    top = tmp_path_factory.mktemp("top")
    server = StorageServer(top / DEEP, bound(), KEY)
    server.start()
    yield Stand(top, server)
    server.stop()


@pytest.fixture
def bucket(stand, request):
    """A bucket of the test's own."""
    return stand.client().create_bucket(f"bucket-{abs(hash(request.node.nodeid))}")
