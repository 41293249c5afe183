"""A workspace for the session, as a process of its own, and the official SDK for it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import NotFound
from databricks.sdk.service.vectorsearch import (
    DirectAccessVectorIndexSpec,
    EmbeddingVectorColumn,
    EndpointStatusState,
    EndpointType,
    VectorIndexType,
)

from sandbox import faults, process, write_log
from sandbox.databricks.options import DatabricksOptions
from tests.polling import until

SCHEMA = {"id": "integer", "genre": "string", "year": "integer", "vector": "array<float>"}
_numbers = itertools.count()


@dataclass
class Workspace:
    """The unmodified SDK, and what tests do with it again and again."""

    state: Path
    environment: dict[str, str]

    def __post_init__(self):
        host, token = self.environment["DATABRICKS_HOST"], self.environment.get("DATABRICKS_TOKEN", "none")
        self.client = WorkspaceClient(
            config=Config(host=host, token=token, auth_type="pat", retry_timeout_seconds=5)
        )
        self.endpoints, self.indexes = (
            self.client.vector_search_endpoints,
            self.client.vector_search_indexes,
        )
        self.rest = httpx.Client(base_url=host, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def fault(self, method, kind, when="before", **how):
        faults.add(self.state, method, kind, when, **how)

    @property
    def writes(self):
        return [each.method for each in write_log.read(self.state)]

    def name(self, kind="things"):
        return f"{kind}-{next(_numbers)}"

    def endpoint(self):
        """The name of a new endpoint that is online."""
        name = self.name("endpoint")
        self.endpoints.create_endpoint(name, EndpointType.STANDARD)

        def is_online():
            return self.endpoints.get_endpoint(name).endpoint_status.state == EndpointStatusState.ONLINE

        until(is_online, f"endpoint {name}")
        return name

    def begin_index(self, endpoint, name="", schema=None, key="id", dimension=2):
        name = name or f"main.default.index_{next(_numbers)}"
        spec = DirectAccessVectorIndexSpec(
            embedding_vector_columns=[EmbeddingVectorColumn(embedding_dimension=dimension, name="vector")],
            schema_json=json.dumps(SCHEMA if schema is None else schema),
        )
        return self.indexes.create_index(
            name, endpoint, key, VectorIndexType.DIRECT_ACCESS, direct_access_index_spec=spec
        )

    def index(self, rows=(), **options):
        """The name of a new index that is ready and shows these rows."""
        name = self.begin_index(self.endpoint(), **options).name
        until(lambda: self.indexes.get_index(name).status.ready, f"index {name}")
        if rows:
            self.upsert(name, rows)
            self.shows(name, len(rows))
        return name

    def upsert(self, name, rows):
        return self.indexes.upsert_data_vector_index(name, json.dumps(rows))

    def shows(self, name, rows):
        """Wait until an index shows this many rows."""
        until(lambda: self.indexes.get_index(name).status.indexed_row_count == rows, f"{rows} rows in {name}")

    def found(self, name, *, columns=("id",), **query):
        """The rows that a query finds."""
        query = {"query_vector": [0.0, 0.0], **query}
        return self.indexes.query_index(name, list(columns), **query).result.data_array

    def is_gone(self, read, name):
        try:
            read(name)
        except NotFound:
            return True
        return False


def film(number, genre="Drama", year=1990):
    """A row whose distance from the origin is its number."""
    return {"id": number, "genre": genre, "year": year, "vector": [float(number), 0.0]}


@pytest.fixture(scope="session")
def _workspace(tmp_path_factory):
    state = tmp_path_factory.mktemp("databricks")
    with process.running(state, DatabricksOptions(clock_factor=20_000, write_delay=0.02)) as environment:
        yield Workspace(state, environment)


@pytest.fixture
def workspace(_workspace):
    yield _workspace
    faults.clear(_workspace.state)
