"""Ingest statistics of nodes."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.ingest.pipelines import Pipelines
from sandbox.elastic.nodes.descriptions import header, in_tasks, meant
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_METRICS = ("count", "time_in_millis", "current", "failed")


class IngestStatisticsApi:
    """Reports what the nodes have ingested."""

    def __init__(self, pipelines: Pipelines, nodes: Nodes) -> None:
        self._pipelines = pipelines
        self._nodes = nodes

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("nodes.stats", "GET", "/_nodes/stats/ingest", self.node_stats),
            Route("nodes.stats", "GET", "/_nodes/stats", self.node_stats),
            Route("nodes.stats", "GET", "/_nodes/{node_id}/stats/ingest", self.node_stats),
        )

    def node_stats(self, request: Request) -> dict[str, Any]:
        """`GET /_nodes/stats/ingest`: the data node ingests everything. Other metrics are not imitated."""
        pipelines = {pipeline.id: pipeline.statistics() for pipeline in self._pipelines.ready()}
        nothing = dict.fromkeys(_METRICS, 0)
        found = meant(self._nodes, request)
        shown = {}
        for node in found:
            first = node is self._nodes.data
            total = (
                {name: sum(each[name] for each in pipelines.values()) for name in _METRICS}
                if first
                else nothing
            )
            shown[node.id] = {
                "timestamp": 0,
                **in_tasks(node),
                "ingest": {"total": total, "pipelines": pipelines if first else {}},
            }
        return {**header(self._nodes, len(found)), "nodes": shown}
