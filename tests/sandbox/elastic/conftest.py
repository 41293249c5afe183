"""Elasticsearch stand-ins as processes of their own, and the unmodified official client for them."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from sandbox import process
from sandbox.elastic.options import ElasticOptions
from sandbox.options import Options


@dataclass
class Elastic:
    """A running stand-in; `client` does not retry by itself."""

    sandbox: process.SandboxProcess
    client: Elasticsearch
    state: Path


@pytest.fixture
def elastic_server(tmp_path):
    """Starts a stand-in: `elastic_server(version="9.5")`; on the same folder again after `kill()`, and stops it."""
    started = []

    def start(folder="state", **options):
        chosen = {"download_seconds": 0.2, "start_seconds": 0.1, "refresh_seconds": 0.05, **options}
        sandbox = process.start(tmp_path / folder, Options(vertex=False, elastic=ElasticOptions(**chosen)))
        client = Elasticsearch(sandbox.environment["ELASTIC_URL"], max_retries=0, request_timeout=60)
        started.append((sandbox, client))
        return Elastic(sandbox, client, tmp_path / folder)

    yield start
    for sandbox, client in started:
        client.close()
        sandbox.stop()
