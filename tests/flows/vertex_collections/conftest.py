"""Stand-ins of Vertex AI with the collections that flows build in them, and data of a few hundred rows."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import NotFound

from sandbox.vertex.options import VertexOptions
from tasks.vertex_collections.clients import connect
from tests.flows.engine_commands import build, command, found  # noqa: F401 -- fixtures
from tests.flows.vertex.conftest import VertexStandIn, write_vectors

GENRES = ("Drama", "Crime", "Horror")
WORDS = ("a lonely crew in space", "a thief and a detective", "the sea at night")


class CollectionsStandIn(VertexStandIn):
    """A stand-in of Vertex AI, asked through the official clients of Vector Search 2.0."""

    def __init__(self, state, options):
        super().__init__(state, options)
        self.collections = connect(self.settings)

    def parent(self, name):
        return f"{self.settings.parent}/collections/{name}"

    def collection(self, name):
        """The collection of a name, or None."""
        try:
            return self.collections.collections.get_collection(name=self.parent(name))
        except NotFound:
            return None

    def indexes_of(self, name):
        return list(self.collections.collections.list_indexes(parent=self.parent(name)))

    def data_objects(self, name):
        """The data objects of a collection by their ids."""
        fields = {"data_fields": ["*"], "vector_fields": ["*"]}
        pages = self.collections.searches.query_data_objects(
            request={"parent": self.parent(name), "output_fields": fields, "page_size": 1000}
        )
        return {each.data_object_id: each for each in pages}

    def files_of(self, name):
        """What lies in the bucket of a collection."""
        return self.generations(f"collection.{name}")

    def changes_since(self, before):
        """The methods of the changing calls at Vector Search itself after the first `before` changing calls."""
        return self.made_since(before)


@pytest.fixture
def service_with(shared_stand_in):
    """The session's sandbox of these options: `service_with(advance="reads")`."""
    return lambda **options: shared_stand_in(
        CollectionsStandIn, VertexOptions(**{"clock_factor": 20_000, **options})
    )


@pytest.fixture
def service(service_with):
    """The session's sandbox for tests that need no special one."""
    return service_with()


@pytest.fixture
def engine():
    return "vertex-collections"


@pytest.fixture
def vectors(tmp_path):
    """Writes vectors: `vectors("b.hdf5", seed=2)`."""
    return lambda file, **options: write_vectors(tmp_path / file, **options)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """300 films by number, with genre, year and plot."""
    rows = range(300)
    return write_vectors(
        tmp_path_factory.mktemp("data") / "films.hdf5",
        genre=[GENRES[row % 3] for row in rows],
        year=[1900 + row for row in rows],
        plot=[f"{WORDS[row % 3]} {row}" for row in rows],
    )


@pytest.fixture(scope="session")
def other_data(tmp_path_factory):
    """Other vectors for the first 250 of them."""
    return write_vectors(tmp_path_factory.mktemp("data") / "others.hdf5", rows=250, seed=2)
