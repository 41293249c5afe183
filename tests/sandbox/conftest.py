"""A sandbox for the session, as a separate process, and official clients for it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1
from google.cloud import storage as gcs
from google.cloud.aiplatform_v1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.aiplatform_v1.services.match_service.transports import MatchServiceGrpcTransport

from protos import match_service as container
from sandbox import process
from sandbox.vertex.options import VertexOptions
from tests.polling import SOON, until
from tests.vertex_channel import channel_to

OPTIONS = VertexOptions(clock_factor=20_000, upsert_delay=0.05)
_numbers = itertools.count()


@dataclass
class Clients:
    """Unmodified GAPIC clients over TLS, and what tests do with them again and again."""

    environment: dict[str, str]
    state: Path

    def __post_init__(self):
        self.channel = channel_to(self.environment)
        self.indexes = v1.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=self.channel))
        self.endpoints = v1.IndexEndpointServiceClient(
            transport=IndexEndpointServiceGrpcTransport(channel=self.channel)
        )
        self.match = v1.MatchServiceClient(transport=MatchServiceGrpcTransport(channel=self.channel))
        self.operations = self.indexes.transport.operations_client
        self.parent = f"projects/{self.environment['VERTEX_PROJECT']}/locations/us-central1"

    def bucket(self):
        client = gcs.Client(
            project="sandbox-project",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.environment["STORAGE_EMULATOR_HOST"]},
        )
        return client.create_bucket(f"bucket-{next(_numbers)}-{id(self)}")

    def begin_index(self, dimensions=4, /, *, stream=True, uri=None, labels=None, brute=True, **config):
        algorithm = {"bruteForceConfig": {}} if brute else {"treeAhConfig": {"leafNodeEmbeddingCount": 500}}
        metadata = {
            "config": {
                "dimensions": dimensions,
                "approximateNeighborsCount": 150,
                "algorithmConfig": algorithm,
                **config,
            }
        }
        if uri:
            metadata["contentsDeltaUri"] = uri
        method = (
            v1.Index.IndexUpdateMethod.STREAM_UPDATE if stream else v1.Index.IndexUpdateMethod.BATCH_UPDATE
        )
        index = {
            "display_name": f"index {next(_numbers)}",
            "labels": labels or {},
            "metadata": metadata,
            "index_update_method": method,
        }
        return self.indexes.create_index(parent=self.parent, index=index)

    def index(self, dimensions=4, /, **options):
        return self.begin_index(dimensions, **options).result(timeout=60, polling=SOON).name

    def endpoint(self, kind="public"):
        kinds = {
            "public": {"public_endpoint_enabled": True},
            "network": {"network": self.environment["VERTEX_NETWORK"]},
            "psc": {"private_service_connect_config": {"enable_private_service_connect": True}},
        }
        endpoint = {"display_name": f"endpoint {next(_numbers)}", **kinds[kind]}
        created = self.endpoints.create_index_endpoint(parent=self.parent, index_endpoint=endpoint)
        return created.result(timeout=60, polling=SOON).name

    def deploy(self, index, endpoint, **fields):
        deployed = {"id": f"deployed_{next(_numbers)}", "index": index, **fields}
        self.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed).result(
            timeout=60, polling=SOON
        )
        return deployed["id"]

    def synced(self, index):
        """Wait until every deployed copy serves what the index holds now."""
        there = self.indexes.get_index(name=index)
        for copy in there.deployed_indexes:
            until(
                lambda copy=copy: self.copy(copy.index_endpoint).index_sync_time >= there.update_time,
                "the copy's sync",
            )

    def copy(self, endpoint):
        """What is deployed on an endpoint, as the endpoint shows it."""
        (deployed,) = self.endpoints.get_index_endpoint(name=endpoint).deployed_indexes
        return deployed

    def public(self, index):
        endpoint = self.endpoint()
        return endpoint, self.deploy(index, endpoint)

    def private(self, index, kind="network", **fields):
        """A stub and the deployed index's id."""
        endpoint = self.endpoint(kind)
        deployed = self.deploy(index, endpoint, **fields)
        shown = self.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].private_endpoints
        address = shown.match_grpc_address or shown.psc_automated_endpoints[0].match_address
        return container.MatchServiceStub(grpc.insecure_channel(f"{address}:10000")), deployed


@pytest.fixture(scope="session")
def clients(tmp_path_factory) -> Iterator[Clients]:
    state = tmp_path_factory.mktemp("sandbox")
    with process.running(state, OPTIONS) as environment:
        yield Clients(environment, state)


@pytest.fixture
def connect():
    """Clients of a separate sandbox: `connect(fresh())`."""
    return lambda sandbox: Clients(sandbox.environment, sandbox.state)


@pytest.fixture
def fresh(tmp_path):
    """Starts separate sandboxes on one folder: `fresh(options)`; all are stopped afterwards."""
    started = []

    def start(options=OPTIONS):
        started.append(process.start(tmp_path / "state", options))
        return started[-1]

    yield start
    for each in started:
        each.stop()
