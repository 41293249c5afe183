"""Counts of pipelines and processors, as node and model statistics show them."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.ingest.execution import Pipeline, Step
from sandbox.elastic.nodes.api import header, in_tasks, meant
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

_METRICS = ("count", "time_in_millis", "current", "failed")


def shown_pipeline(pipeline: Pipeline) -> dict[str, Any]:
    """A pipeline and its processors; bytes are not counted."""
    return {
        **pipeline.counts.shown(),
        "ingested_as_first_pipeline_in_bytes": 0,
        "produced_as_first_pipeline_in_bytes": 0,
        "processors": [_shown_step(step) for step in pipeline.steps],
    }


def _shown_step(step: Step) -> dict[str, Any]:
    name = f"{step.kind}:{step.tag}" if step.tag else step.kind
    return {name: {"type": step.kind, "stats": step.counts.shown()}}


def node_stats(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /_nodes/stats/ingest`: everything is ingested on the first node. Other metrics are not imitated."""
    pipelines = {pipeline.id: shown_pipeline(pipeline) for pipeline in cluster.pipelines.ready()}
    nothing = dict.fromkeys(_METRICS, 0)
    found = meant(cluster, request)
    shown = {}
    for node in found:
        first = node is cluster.nodes[0]
        total = (
            {name: sum(each[name] for each in pipelines.values()) for name in _METRICS} if first else nothing
        )
        shown[node.id] = {
            "timestamp": 0,
            **in_tasks(node),
            "ingest": {"total": total, "pipelines": pipelines if first else {}},
        }
    return {**header(cluster, len(found)), "nodes": shown}


ROUTES = (
    Route("nodes.stats", "GET", "/_nodes/stats/ingest", node_stats),
    Route("nodes.stats", "GET", "/_nodes/stats", node_stats),
    Route("nodes.stats", "GET", "/_nodes/{node_id}/stats/ingest", node_stats),
)
