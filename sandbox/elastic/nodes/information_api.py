"""What the cluster says about itself: its name and version, its licence, its health, counts in plain text."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route


def info(cluster: Cluster, _request: Request) -> dict[str, Any]:
    """`GET /`."""
    release = cluster.release
    return {
        "name": cluster.nodes[0].name,
        "cluster_name": cluster.name,
        "cluster_uuid": cluster.uuid,
        "version": {
            "number": release.number,
            "build_flavor": "default",
            "build_type": "docker",
            "build_hash": "sandbox",
            "build_date": "2026-01-01T00:00:00.000Z",
            "build_snapshot": False,
            "lucene_version": release.lucene,
            "minimum_wire_compatibility_version": release.wire,
            "minimum_index_compatibility_version": release.reads,
        },
        "tagline": "You Know, for Search",
    }


def ping(_cluster: Cluster, _request: Request) -> dict[str, Any]:
    """`HEAD /`."""
    return {}


def licence(cluster: Cluster, _request: Request) -> dict[str, Any]:
    """`GET /_license`."""
    kind = cluster.options.licence
    shown: dict[str, Any] = {"status": "active", "uid": cluster.uuid, "type": kind}
    shown |= {"issue_date": "2026-01-01T00:00:00.000Z", "issue_date_in_millis": 1767225600000}
    if kind != "basic":
        shown |= {"expiry_date": "2036-01-01T00:00:00.000Z", "expiry_date_in_millis": 2082758400000}
    shown |= {"max_nodes": 1000, "max_resource_units": None, "issued_to": cluster.name}
    return {"license": {**shown, "issuer": "elasticsearch", "start_date_in_millis": -1}}


ROUTES = (
    Route("ping", "HEAD", "/", ping),
    Route("info", "GET", "/", info),
    Route("license.get", "GET", "/_license", licence),
)
