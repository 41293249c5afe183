"""Elasticsearch as a service of the sandbox. The server is loaded when it starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sandbox.announced import SandboxError
from sandbox.elastic.options import ElasticOptions
from sandbox.ports import Ports
from sandbox.service import Running, Service

_PORT = "elastic"


def _start(state: Path, options: ElasticOptions, ports: Ports) -> Running:
    # numpy, SciPy and the tokenizers take half a second to load.
    from sandbox.elastic.server import ElasticServer  # noqa: PLC0415

    ports.release(_PORT)
    try:
        server = ElasticServer(state, options, ports[_PORT])
    except OSError as error:
        raise SandboxError(f"The Elasticsearch stand-in cannot start: {error}") from error
    server.start()
    key = {"ELASTIC_API_KEY": options.api_key} if options.api_key else {}
    return Running(environment={"ELASTIC_URL": f"http://127.0.0.1:{ports[_PORT]}", **key}, stop=server.stop)


def _coverage() -> Iterable[str]:
    from sandbox.elastic import coverage  # noqa: PLC0415 - loads the server and the official client

    return coverage.lines()


ELASTIC = Service(
    name="elastic",
    title="Elasticsearch",
    options=ElasticOptions,
    prefix="elastic",
    ports=(_PORT,),
    start=_start,
    coverage=_coverage,
)
