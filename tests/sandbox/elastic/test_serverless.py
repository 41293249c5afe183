"""A stand-in of Elastic Cloud Serverless refuses what belongs to nodes and shards, and does the rest. Without a server."""

from __future__ import annotations

import json

import pytest

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.serverless import PRIVATE
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.wire.exchange import Request


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("project"), ElasticOptions(flavour="serverless"))
    yield cluster
    cluster.close()


@pytest.fixture
def ask(project):
    """Calls an API without the network: `ask("PUT", "/films", {...})`."""

    def call(method, path, body=None):
        route, params, _ = project.routes.find(method, path)
        return route.handler(
            Request(method, path, params, {}, {}, json.dumps(body).encode() if body else b"")
        )

    return call


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_tasks"),
        ("GET", "/_cluster/health"),
        ("GET", "/films/_stats"),
        ("GET", "/_nodes/stats"),
        ("POST", "/_reindex/a:1/_rethrottle"),
        ("GET", "/_ml/memory/_stats"),
    ],
)
def test_apis_of_nodes_shards_and_tasks_are_gone(ask, method, path):
    with pytest.raises(Refusal) as refused:
        ask(method, path)
    assert (refused.value.status, refused.value.kind) == (410, "api_not_available_exception")
    assert refused.value.reason == (
        f"Request for uri [{path}] with method [{method}] exists but is not available when running in serverless mode"
    )


def test_every_api_that_is_said_to_be_gone_is_one_of_the_stand_in(project):
    assert {route.api for route in project.routes.all} >= PRIVATE


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/films", {"settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0}}}),
        ("/_index_template/t", {"index_patterns": ["a*"], "template": {"settings": {"number_of_shards": 1, "index.number_of_replicas": 0}}}),
    ],
    ids=["an index", "a template"],
)  # fmt: skip
def test_settings_of_shards_and_replicas_are_refused(ask, path, body):
    with pytest.raises(Refusal) as refused:
        ask("PUT", path, body)
    assert (refused.value.status, refused.value.kind) == (400, "illegal_argument_exception")
    assert refused.value.reason == (
        "Settings [index.number_of_replicas,index.number_of_shards] are not available when running in serverless mode"
    )


def test_the_rest_works_and_shows_no_shards(ask):
    assert ask("GET", "/")["version"]["build_flavor"] == "serverless"
    ask(
        "PUT",
        "/films",
        {"settings": {"refresh_interval": "10s"}, "mappings": {"properties": {"plot": {"type": "text"}}}},
    )
    shown = ask("GET", "/films")["films"]["settings"]["index"]
    assert shown["refresh_interval"] == "10s"
    assert {"number_of_shards", "number_of_replicas"}.isdisjoint(shown)
    with pytest.raises(Refusal, match=r"\[index.number_of_replicas\]"):
        ask("PUT", "/films/_settings", {"index": {"number_of_replicas": 2}})
