"""What the cluster says about itself: name, version and licence."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.options import Flavour, Licence
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route


class InformationApi:
    """Name, version and licence."""

    def __init__(self, nodes: Nodes, release: Release, licence: Licence, flavour: Flavour) -> None:
        self._nodes = nodes
        self._flavour = flavour
        self._release = release
        self._licence = licence

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("ping", "HEAD", "/", self.ping),
            Route("info", "GET", "/", self.info),
            Route("license.get", "GET", "/_license", self.licence),
        )

    def info(self, _request: Request) -> dict[str, Any]:
        """`GET /`."""
        release = self._release
        if self._flavour == "serverless":
            return self._serverless()
        return {
            "name": self._nodes.data.name,
            "cluster_name": self._nodes.cluster_name,
            "cluster_uuid": self._nodes.cluster_uuid,
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

    def _serverless(self) -> dict[str, Any]:
        """Of a project, whose version number says nothing: it stays the same whatever is deployed."""
        return {
            "name": "serverless",
            "cluster_name": self._nodes.cluster_name,
            "cluster_uuid": self._nodes.cluster_uuid,
            "version": {
                "number": "8.11.0",
                "build_flavor": "serverless",
                "build_type": "docker",
                "build_hash": "00000000",
                "build_date": "2023-10-31",
                "build_snapshot": False,
                "lucene_version": "9.7.0",
                "minimum_wire_compatibility_version": "8.11.0",
                "minimum_index_compatibility_version": "8.11.0",
            },
            "tagline": "You Know, for Search",
        }

    def ping(self, _request: Request) -> dict[str, Any]:
        """`HEAD /`."""
        return {}

    def licence(self, _request: Request) -> dict[str, Any]:
        """`GET /_license`."""
        kind = self._licence
        shown: dict[str, Any] = {"status": "active", "uid": self._nodes.cluster_uuid, "type": kind}
        shown |= {"issue_date": "2026-01-01T00:00:00.000Z", "issue_date_in_millis": 1767225600000}
        if kind != "basic":
            shown |= {"expiry_date": "2036-01-01T00:00:00.000Z", "expiry_date_in_millis": 2082758400000}
        shown |= {"max_nodes": 1000, "max_resource_units": None, "issued_to": self._nodes.cluster_name}
        return {"license": {**shown, "issuer": "elasticsearch", "start_date_in_millis": -1}}
