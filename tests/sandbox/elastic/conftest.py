"""Elasticsearch stand-ins, as separate processes or in this one, with the unmodified official client."""

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from sandbox import process
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.server import ElasticServer
from sandbox.ports import Ports
from tests.client import VERSION, client_of

ELSER = ".elser_model_2"


@dataclass
class Elastic:
    """A running stand-in; `client` does not retry by itself."""

    sandbox: process.SandboxProcess
    client: Elasticsearch
    state: Path


@pytest.fixture
def elastic_server(tmp_path):
    """Starts a stand-in: `elastic_server(version="9.5")`; again on the same folder after `kill()`. Stops it at the end."""
    started = []

    def start(folder="state", **options):
        chosen = {"download_seconds": 0.2, "start_seconds": 0.1, "refresh_seconds": 0.05, **options}
        sandbox = process.start(tmp_path / folder, ElasticOptions(**chosen))
        client = client_of(sandbox.environment)
        started.append((sandbox, client))
        return Elastic(sandbox, client, tmp_path / folder)

    yield start
    for sandbox, client in started:
        client.close()
        sandbox.stop()


@pytest.fixture
def with_model(elastic_server):
    """Starts a stand-in with the model downloaded and deployed, by default under its own id."""

    def start(deployment=None, **options):
        elastic = elastic_server(**{"download_seconds": 0.02, "start_seconds": 0.02, **options})
        ml = elastic.client.ml
        ml.put_trained_model(model_id=ELSER, input={"field_names": ["text_field"]}, wait_for_completion=True)
        ml.start_trained_model_deployment(model_id=ELSER, **(deployment or {}))
        return elastic

    return start


@pytest.fixture
def embedding_pipeline():
    """Puts a pipeline that embeds `plot` into `embedding`: `embedding_pipeline(client, model_id="ingest")`."""

    def put(client, name="embed", **settings):
        fields = {"input_field": "plot", "output_field": "embedding"}
        processor = {"inference": {"model_id": ELSER, "input_output": fields, **settings}}
        client.ingest.put_pipeline(id=name, processors=[processor])

    return put


@contextmanager
def served_here(state, **options):
    """A client of a stand-in in this process, which is up in 20 ms: for fast tests that need nothing killed."""
    ports = Ports(state, ["elastic"])
    quick = {"download_seconds": 0.01, "start_seconds": 0.01, "refresh_seconds": 3600.0}
    server = ElasticServer(state, ElasticOptions(**{**quick, **options}), ports.take("elastic"), "")
    server.start()
    client = client_of({"ELASTIC_URL": f"http://127.0.0.1:{ports['elastic']}"})
    try:
        yield client
    finally:
        client.close()
        server.stop()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A client of a stand-in in this process, for all tests of a file."""
    with served_here(tmp_path_factory.mktemp("elastic"), version=VERSION) as client:
        yield client


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A stand-in for all tests that only need an index of their own (`fresh_index`)."""
    state = tmp_path_factory.mktemp("elastic")
    sandbox = process.start(state, ElasticOptions(refresh_seconds=3600.0))
    client = client_of(sandbox.environment)
    yield Elastic(sandbox, client, state)
    client.close()
    sandbox.stop()


@pytest.fixture
def fresh_index(shared, request):
    """Creates an index for one test: `fresh_index(properties)`."""
    name = f"index-{abs(hash(request.node.nodeid))}"
    made = []

    def make(properties=None, *, documents=(), settings=None, **mapping):
        made.append(f"{name}-{len(made)}")
        mappings = {**mapping, **({"properties": properties} if properties else {})}
        shared.client.indices.create(index=made[-1], mappings=mappings, settings=settings)
        for number, document in enumerate(documents, start=1):
            shared.client.index(index=made[-1], id=str(number), document=document)
        shared.client.indices.refresh(index=made[-1])
        return made[-1]

    yield make
    for each in made:
        shared.client.indices.delete(index=each, ignore_unavailable=True)
