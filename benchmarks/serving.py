"""What the benchmarks of datapoints and queries are measured against: a sandbox of their own and one served index."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.cloud import aiplatform_v1 as v1

from sandbox import process
from sandbox.announced import announcement
from sandbox.vertex.options import VertexOptions
from tasks.vertex.connection.clients import connect
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings, vertex_settings

DIMENSIONS = 100


@contextmanager
def empty_index() -> Iterator[tuple[VertexSettings, ServedIndex]]:
    """A streaming brute-force index behind a private endpoint of a sandbox that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        with process.running(state, VertexOptions(clock_factor=1e6, upsert_delay=0.01)):
            os.environ["VECTOR_SEARCH_SANDBOX"] = str(announcement(state))
            settings = vertex_settings("sandbox")
            yield settings, _serve(settings)


def _serve(settings: VertexSettings) -> ServedIndex:
    clients = connect(settings)
    config = {"dimensions": DIMENSIONS, "algorithmConfig": {"bruteForceConfig": {}}}
    index = v1.Index(
        display_name="benchmark",
        metadata={"config": config},
        index_update_method=v1.Index.IndexUpdateMethod.STREAM_UPDATE,
    )
    made = clients.indexes.create_index(parent=settings.parent, index=index).result(timeout=60)
    endpoint = v1.IndexEndpoint(display_name="benchmark", network=settings.network)
    behind = clients.endpoints.create_index_endpoint(parent=settings.parent, index_endpoint=endpoint).result(
        60
    )
    deployed = v1.DeployedIndex(id="benchmark", index=made.name)
    clients.endpoints.deploy_index(index_endpoint=behind.name, deployed_index=deployed).result(timeout=60)
    shown = clients.endpoints.get_index_endpoint(name=behind.name).deployed_indexes[0]
    return ServedIndex(
        name="benchmark",
        index=made.name,
        endpoint=behind.name,
        deployed_index_id="benchmark",
        kind="vpc",
        address=shown.private_endpoints.match_grpc_address,
        dimensions=DIMENSIONS,
        distance_measure="DOT_PRODUCT_DISTANCE",
        feature_norm="NONE",
        update_method="STREAM_UPDATE",
        vectors_count=0,
    )
