"""Elasticsearch as a service of the sandbox. The server is loaded when it starts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from sandbox.announced import SandboxError
from sandbox.elastic.options import ElasticOptions
from sandbox.keys import Keys
from sandbox.ports import Ports
from sandbox.service import Running, Service

_PORT = "elastic"


def _start(state: Path, options: ElasticOptions, ports: Ports, keys: Keys) -> Running:
    # numpy, SciPy and the tokenizers take half a second to load.
    from sandbox.elastic.server import ElasticServer  # noqa: PLC0415

    key = _key(options, keys)
    try:
        server = ElasticServer(state, options, ports.take(_PORT), key)
    except OSError as error:
        raise SandboxError(f"The Elasticsearch stand-in cannot start: {error}") from error
    server.start()
    announced = {"ELASTIC_API_KEY": key} if key else {}
    return Running(
        environment={"ELASTIC_URL": f"http://127.0.0.1:{ports[_PORT]}", **announced}, stop=server.stop
    )


def _key(options: ElasticOptions, keys: Keys) -> str:
    """The encoded API key that requests must send: the chosen one, or that of the folder; empty for none.

    Raises:
        SandboxError: keys are off, and one was chosen.
    """
    if options.api_key and keys.are_off:
        raise SandboxError(
            "With --open no key is asked for, but an API key was chosen. Leave one of them out."
        )
    made = keys.of("elastic")
    return options.api_key or (made and b64encode(f"sandbox:{made}".encode()).decode())


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
