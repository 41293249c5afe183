"""Elasticsearch's client: which generation these tests run with, the server that it is for, and one for a stand-in."""

import elasticsearch
import pytest
from elasticsearch import Elasticsearch

GENERATION = elasticsearch.__version__[0]
VERSION = {8: "8.19", 9: "9.5"}[GENERATION]
ONLY_CLIENT_8 = pytest.mark.skipif(GENERATION != 8, reason="every 8.x server refuses client 9")


def client_of(environment, **options):
    """The unmodified client of a stand-in, by what it announces; without retries, so that tests see every failure."""
    key = environment.get("ELASTIC_API_KEY")
    return Elasticsearch(
        environment["ELASTIC_URL"], api_key=key, **{"max_retries": 0, "request_timeout": 60, **options}
    )
