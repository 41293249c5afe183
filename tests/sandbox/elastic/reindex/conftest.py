"""A stand-in for the tests of reindex that need neither a model nor a restart."""

import pytest

from sandbox import process
from sandbox.elastic.options import ElasticOptions
from tests.client import client_of
from tests.sandbox.elastic.reindex.films import fill


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    options = ElasticOptions(refresh_seconds=0.05, reindex_whitelist="127.0.0.1:*, old.example.org:9200")
    with process.running(tmp_path_factory.mktemp("reindex"), options) as environment:
        client = client_of(environment)
        yield client
        client.close()


@pytest.fixture
def filled(server):
    """A client of a stand-in that has only an index `films` with documents: `filled(50)`."""

    def start(count=10):
        fill(server, count)
        return server

    yield start
    server.tasks.cancel(wait_for_completion=True)
    server.indices.delete(index="films,copy", ignore_unavailable=True)
