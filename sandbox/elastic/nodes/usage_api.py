"""`_nodes/usage`: how often each handler of the REST layer was called. One node of ours answers everything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.nodes.descriptions import header, meant
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route
from sandbox.elastic.wire.usage import Usage

_HANDLERS: Mapping[str, str] = {
    "bulk": "bulk_action",
    "cat.allocation": "cat_allocation_action",
    "cat.count": "cat_count_action",
    "cat.indices": "cat_indices_action",
    "clear_scroll": "clear_scroll_action",
    "close_point_in_time": "close_point_in_time",
    "cluster.health": "cluster_health_action",
    "count": "count_action",
    "create": "document_create_action",
    "delete": "document_delete_action",
    "delete_by_query": "delete_by_query_action",
    "explain": "explain_action",
    "field_caps": "field_capabilities_action",
    "get": "document_get_action",
    "get_source": "document_get_source_action",
    "index": "document_index_action",
    "indices.create": "create_index_action",
    "indices.delete": "delete_index_action",
    "indices.get": "get_indices_action",
    "indices.get_alias": "get_aliases_action",
    "indices.get_mapping": "get_mapping_action",
    "indices.get_settings": "get_settings_action",
    "indices.put_mapping": "put_mapping_action",
    "indices.put_settings": "update_settings_action",
    "indices.refresh": "refresh_action",
    "indices.stats": "indices_stats_action",
    "indices.update_aliases": "index_aliases_action",
    "info": "main_action",
    "ingest.delete_pipeline": "ingest_delete_pipeline_action",
    "ingest.get_pipeline": "ingest_get_pipeline_action",
    "ingest.put_pipeline": "ingest_put_pipeline_action",
    "ingest.simulate": "ingest_simulate_pipeline_action",
    "mget": "document_mget_action",
    "nodes.hot_threads": "nodes_hot_threads_action",
    "nodes.info": "nodes_info_action",
    "nodes.stats": "nodes_stats_action",
    "nodes.usage": "nodes_usage_action",
    "open_point_in_time": "open_point_in_time",
    "ping": "main_action",
    "reindex": "reindex_action",
    "render_search_template": "render_search_template_action",
    "scroll": "search_scroll_action",
    "search": "search_action",
    "search_template": "search_template_action",
    "tasks.cancel": "cancel_tasks_action",
    "tasks.get": "get_task_action",
    "tasks.list": "list_tasks_action",
    "update": "document_update_action",
    "update_by_query": "update_by_query_action",
}
"""The name of each handler (`getName` of the `Rest*Action` classes), from memory; others are not counted."""


class UsageApi:
    """The use of features."""

    def __init__(self, nodes: Nodes, usage: Usage) -> None:
        self._nodes = nodes
        self._usage = usage

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("nodes.usage", "GET", "/_nodes/usage", self.get),
            Route("nodes.usage", "GET", "/_nodes/usage/{metric}", self.get),
            Route("nodes.usage", "GET", "/_nodes/{node_id}/usage", self.get),
            Route("nodes.usage", "GET", "/_nodes/{node_id}/usage/{metric}", self.get),
        )

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_nodes/usage`: calls of handlers, all of them on the data node; aggregations are not counted."""
        for metric in request.params.get("metric", "_all").split(","):
            if metric not in ("_all", "rest_actions"):
                raise errors.NOT_IMITATED.refusal(name="metric", value=metric, api="nodes.usage")
        found, counted = meant(self._nodes, request), Counter[str]()
        for api, calls in self._usage.calls().items():
            if handler := _HANDLERS.get(api):
                counted[handler] += calls
        now, since = int(time.time() * 1000), int(self._usage.since * 1000)
        shown = {
            node.id: {
                "timestamp": now,
                "since": since,
                "rest_actions": dict(sorted(counted.items())) if node == self._nodes.data else {},
            }
            for node in found
        }
        return {**header(self._nodes, len(found)), "nodes": shown}
