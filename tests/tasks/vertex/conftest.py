"""A sandbox for the session, as a process of its own, and indexes served by it, built with the official clients."""

import itertools

import pytest

from sandbox import process
from sandbox.announced import announcement
from sandbox.vertex.options import VertexOptions
from tasks.vertex.connection.clients import connect
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import vertex_settings
from tasks.vertex.specs import deployed_index_id
from tasks.waiting import Deadline
from tests.polling import SOON

DIMENSIONS = 4
_numbers = itertools.count()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    options = VertexOptions(clock_factor=20_000, upsert_delay=0.05)
    running = process.start(tmp_path_factory.mktemp("sandbox"), options)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def settings(sandbox):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(sandbox.state)))
        return vertex_settings("sandbox")


@pytest.fixture
def deadline():
    return Deadline.after(seconds=30)


@pytest.fixture(scope="session")
def serve(settings):
    """Builds and deploys an index: `serve("public", dimensions=4, uri=None, **config)`."""

    def build(kind, *, dimensions=DIMENSIONS, uri=None, method="STREAM_UPDATE", **config):
        clients, number = connect(settings), next(_numbers)
        metadata = {
            "config": {"dimensions": dimensions, "algorithmConfig": {"bruteForceConfig": {}}, **config}
        }
        if uri:
            metadata["contentsDeltaUri"] = uri
        index = clients.indexes.create_index(
            parent=settings.parent,
            index={"display_name": f"i{number}", "metadata": metadata, "index_update_method": method},
        ).result(timeout=60, polling=SOON)
        reach = {
            "public": {"public_endpoint_enabled": True},
            "vpc": {"network": settings.network},
            "private-service-connect": {
                "private_service_connect_config": {"enable_private_service_connect": True}
            },
        }
        endpoint = clients.endpoints.create_index_endpoint(
            parent=settings.parent, index_endpoint={"display_name": f"e{number}", **reach[kind]}
        ).result(timeout=60, polling=SOON)
        deployed = {"id": deployed_index_id(f"served-{number}", settings.location), "index": index.name}
        clients.endpoints.deploy_index(index_endpoint=endpoint.name, deployed_index=deployed).result(
            timeout=60, polling=SOON
        )
        shown = clients.endpoints.get_index_endpoint(name=endpoint.name)
        private = shown.deployed_indexes[0].private_endpoints
        address = shown.public_endpoint_domain_name or private.match_grpc_address
        return ServedIndex(
            name=f"served-{number}",
            index=index.name,
            endpoint=endpoint.name,
            deployed_index_id=deployed["id"],
            kind=kind,
            address=address or private.psc_automated_endpoints[0].match_address,
            dimensions=dimensions,
            distance_measure=config.get("distanceMeasureType", "DOT_PRODUCT_DISTANCE"),
            feature_norm=config.get("featureNormType", "NONE"),
            update_method=method,
            vectors_count=0,
        )

    return build


@pytest.fixture(scope="session", params=["public", "vpc"])
def served(request, serve):
    """A streaming index of four dimensions, empty at first, behind a public and behind a private endpoint."""
    return serve(request.param)
