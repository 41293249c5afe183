"""The HTTP stand-ins, one row each, for the attacks that are tried on all of them: by programs and by a real browser."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sandbox import write_log
from sandbox.databricks.options import DatabricksOptions
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from sandbox.vertex.options import VertexOptions

Request = tuple[str, str, bytes]
"""Method, path and body."""


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """How to start it, where it answers, and a read and a change for which it is enough to get in."""

    options: object
    variable: str
    """The variable that holds its address; where a client can carry no key, the address holds it."""
    key: Callable[[dict[str, str]], dict[str, str]] = lambda _environment: {}
    """The headers of its owner, from what it announces."""
    refuses: int = 401
    """How it answers whoever has no key."""
    prepares: Request | None = None
    reads: Request
    changes: Request
    kind: str = "application/json"
    """The type of the change's body."""

    def of(self, state: Path, environment: dict[str, str]) -> Running:
        """This one, running."""
        address = environment[self.variable]
        url = address if "://" in address else f"http://{address}"
        found = Running(self, state, url, self.key(environment))
        if self.prepares:
            assert found.ask(self.prepares, **found.key) == 200
        return found


_numbers = count()


@dataclass(frozen=True)
class Running:
    """A stand-in that runs."""

    row: StandIn
    state: Path
    url: str
    """Its address, with the key if that is where its key is."""
    key: dict[str, str]

    @property
    def address(self) -> SplitResult:
        return urlsplit(self.url)

    def ask(self, request: Request, prefix: str | None = None, **headers: str) -> int:
        """Send one request with exactly these headers; returns its status. `prefix` replaces the key in the address.

        NUMBER in its body is another one each time, for what can be made only once.
        """
        method, path, body = request
        body = body.replace(b"NUMBER", str(next(_numbers)).encode())
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port)
        kind = {"Content-Type": self.row.kind} if body else {}
        connection.request(
            method, (self.address.path if prefix is None else prefix) + path, body, kind | headers
        )
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert "access-control-allow-origin" not in answer.headers
        return answer.status

    def gives(self, status: int, prefix: str | None = None, **headers: str) -> bool:
        """Whether a read and a change are both answered with this status, and nothing is changed."""
        before = self.writes
        found = {self.ask(request, prefix, **headers) for request in (self.row.reads, self.row.changes)}
        return found == {status} and self.writes == before

    @property
    def writes(self) -> int:
        """How many calls have changed something."""
        return write_log.count(self.state)


STAND_INS = {
    "elastic": StandIn(
        options=ElasticOptions(),
        variable="ELASTIC_URL",
        key=lambda environment: {"Authorization": f"ApiKey {environment['ELASTIC_API_KEY']}"},
        reads=("GET", "/", b""),
        changes=("POST", "/films/_doc", b'{"plot": "a change"}'),
    ),
    "databricks": StandIn(
        options=DatabricksOptions(),
        variable="DATABRICKS_HOST",
        key=lambda environment: {"Authorization": f"Bearer {environment['DATABRICKS_TOKEN']}"},
        reads=("GET", "/api/2.0/vector-search/endpoints", b""),
        changes=(
            "POST",
            "/api/2.0/vector-search/endpoints",
            b'{"name": "change-NUMBER", "endpoint_type": "STANDARD"}',
        ),
    ),
    "models": StandIn(
        options=ModelServerOptions(),
        variable="OPENAI_BASE_URL",
        key=lambda environment: {"Authorization": f"Bearer {environment['OPENAI_API_KEY']}"},
        reads=("GET", "/models", b""),
        changes=(
            "POST",
            "/chat/completions",
            b'{"model": "extractive-stand-in", "messages": [{"role": "user", "content": "Tell me a story."}]}',
        ),
    ),
    "vertex": StandIn(
        options=VertexOptions(),
        variable="VERTEX_PLAINTEXT_ENDPOINT",
        key=lambda environment: {"Authorization": f"Bearer {environment['VERTEX_ACCESS_TOKEN']}"},
        reads=("GET", "/v1/projects/sandbox-project/locations/us-central1/indexes", b""),
        changes=(
            "POST",
            "/v1/projects/sandbox-project/locations/us-central1/indexEndpoints",
            b'{"displayName": "a change", "publicEndpointEnabled": true}',
        ),
    ),
    "storage": StandIn(
        options=VertexOptions(),
        variable="STORAGE_EMULATOR_HOST",
        refuses=404,
        prepares=("POST", "/storage/v1/b?project=sandbox-project", b'{"name": "films"}'),
        reads=("GET", "/storage/v1/b?project=sandbox-project", b""),
        changes=("POST", "/upload/storage/v1/b/films/o?uploadType=media&name=film", b"a change"),
        kind="text/plain",
    ),
    "networks": StandIn(
        options=VertexOptions(),
        variable="VERTEX_NETWORKS_ENDPOINT",
        key=lambda environment: {"Authorization": f"Bearer {environment['VERTEX_ACCESS_TOKEN']}"},
        reads=("GET", "/compute/v1/projects/sandbox-project/global/networks", b""),
        changes=(
            "POST",
            "/compute/v1/projects/sandbox-project/global/networks",
            b'{"name": "change-NUMBER", "autoCreateSubnetworks": true}',
        ),
    ),
}
