"""Stand-ins of Vertex AI by their options, and data of a few hundred rows."""

from __future__ import annotations

import time

import h5py
import numpy as np
import pytest
from google.api_core.exceptions import NotFound
from google.cloud import storage

from sandbox import process
from sandbox.vertex.options import VertexOptions
from tasks.vertex.connection.clients import connect
from tasks.vertex.imports.storage import files_root
from tasks.vertex.settings import vertex_settings
from tests.flows.stand_ins import StandIn


class VertexStandIn(StandIn):
    """A stand-in of Vertex AI, and what a test asks it through the official clients."""

    def __init__(self, state, options):
        super().__init__(state, options)
        self.settings = self.settings_by(vertex_settings)
        self.clients = connect(self.settings)

    def made_since(self, before):
        """The methods of the changing calls at Vertex AI itself after the first `before` changing calls; those at Cloud Storage are left out."""
        return [each for each in self.writes[before:] if not each.startswith("storage.")]

    def restart(self):
        self.process.kill()
        self.process = process.start(self.state, self.options)

    @property
    def unfinished(self):
        """The operations under way."""
        return list(self.clients.operations.list_operations(self.settings.parent, "done:false"))

    def drive(self, command):
        """Let a command run to its end where operations advance by looks: look at them again and again."""
        while not command.has_ended:
            time.sleep(0.2)
            self.advance()
        return command

    def advance(self):
        """Look until every operation has ended."""
        while self.unfinished:
            time.sleep(0.002)

    def look(self):
        """Look a few times, then give way."""
        for _ in range(5):
            self.unfinished  # noqa: B018 -- the look is what counts
        time.sleep(0.05)

    def indexes(self, name):
        return [
            each
            for each in self.clients.indexes.list_indexes(parent=self.settings.parent)
            if each.display_name == name
        ]

    def endpoints(self, name):
        listed = self.clients.endpoints.list_index_endpoints(parent=self.settings.parent)
        return [each for each in listed if each.display_name == name]

    def deployed(self, name):
        return [deployed.id for endpoint in self.endpoints(name) for deployed in endpoint.deployed_indexes]

    def generations(self, name):
        """The objects of a name in the bucket, with their generations."""
        blobs = self.storage.list_blobs(self.settings.bucket_name, prefix=files_root(self.settings, name))
        try:
            return {blob.name: blob.generation for blob in blobs}
        except NotFound:
            return {}

    @property
    def storage(self) -> storage.Client:
        return self.clients.storage

    def counts(self, name):
        """(indexes, endpoints, deployed indexes) of a name, once nothing moves any more and everything is listed."""
        self.advance()
        if not self.options.list_while_creating:
            time.sleep(self.options.listing_delay)
        return len(self.indexes(name)), len(self.endpoints(name)), len(self.deployed(name))


@pytest.fixture
def service_with(shared_stand_in):
    """The session's sandbox of these options: `service_with(advance="reads")`."""
    usual = {"clock_factor": 20_000, "upsert_delay": 0.05}
    return lambda **options: shared_stand_in(VertexStandIn, VertexOptions(**{**usual, **options}))


@pytest.fixture
def service(service_with):
    """The session's sandbox for tests that need no special one."""
    return service_with()


@pytest.fixture
def build(run, name, data):
    """Builds under the test's name: `build(service, "--endpoint", "vpc", data=other)`."""
    own = data

    def of(service, *options, data=None, name=name, code=0, begin=None):
        words = ["vertex", "build", "--name", name, "--data", data or own, "--target", "sandbox", *options]
        return begin(service, *words) if begin else run(service, *words, code=code)

    return of


@pytest.fixture
def teardown(run, name):
    """Tears down the test's name, confirmed."""
    return lambda service: run(service, "vertex", "teardown", "--name", name, "--target", "sandbox", "--yes")


def write_vectors(file, rows=300, dimensions=8, seed=1, queries=20, **datasets):
    """An HDF5 file in the ann-benchmarks layout."""
    random = np.random.default_rng(seed)
    vectors = {
        "train": random.normal(size=(rows, dimensions)).astype(np.float32),
        "test": random.normal(size=(queries, dimensions)).astype(np.float32),
    }
    with h5py.File(file, "w") as opened:
        for key, value in {**vectors, **datasets}.items():
            if value is not None:
                opened[key] = value
    return file


@pytest.fixture
def vectors(tmp_path):
    """Writes vectors: `vectors("b.hdf5", seed=2)`."""
    return lambda file, **options: write_vectors(tmp_path / file, **options)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The usual vectors."""
    return write_vectors(tmp_path_factory.mktemp("data") / "a.hdf5")


@pytest.fixture(scope="session")
def other_data(tmp_path_factory):
    """Other vectors of the same dimensions."""
    return write_vectors(tmp_path_factory.mktemp("data") / "b.hdf5", seed=2)
