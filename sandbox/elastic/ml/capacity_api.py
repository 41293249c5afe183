"""The capacity of the machine-learning nodes: `_ml/info` and `_ml/memory/_stats`."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.ml.assignments import MEGABYTE
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.nodes.descriptions import attributes, header, meant
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route


class CapacityApi:
    """Reports processors and memory for models."""

    def __init__(self, nodes: Nodes, deployments: Deployments, release: Release) -> None:
        self._nodes = nodes
        self._deployments = deployments
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("ml.info", "GET", "/_ml/info", self.info),
            Route("ml.get_memory_stats", "GET", "/_ml/memory/_stats", self.memory),
            Route("ml.get_memory_stats", "GET", "/_ml/memory/{node_id}/_stats", self.memory),
        )

    def info(self, request: Request) -> dict[str, Any]:
        """`GET /_ml/info`."""
        del request
        capacities = self._deployments.capacities()
        limits: dict[str, Any] = {
            "total_ml_processors": sum(capacity.processors for capacity in capacities),
            "max_single_ml_node_processors": max((capacity.processors for capacity in capacities), default=0),
            "total_ml_memory": f"{sum(capacity.memory for capacity in capacities) // MEGABYTE}mb",
            "effective_max_model_memory_limit": f"{max((capacity.memory for capacity in capacities), default=0) // MEGABYTE}mb",
        }
        defaults: dict[str, Any] = {
            "anomaly_detectors": {"model_memory_limit": "1gb"},
            "datafeeds": {"scroll_size": 1000},
        }
        if self._release.platform_variant:
            defaults["model_platform_variant"] = "linux-x86_64"
        return {
            "defaults": defaults,
            "upgrade_mode": False,
            "native_code": {"version": self._release.number, "build_hash": "sandbox"},
            "limits": limits,
        }

    def memory(self, request: Request) -> dict[str, Any]:
        """`GET /_ml/memory/[{node_id}/]_stats`."""
        found = meant(self._nodes, request)
        capacities = {capacity.id: capacity for capacity in self._deployments.capacities()}
        shown = {}
        for node in found:
            capacity = capacities.get(node.id)
            used = sum(each.memory for each in self._deployments.all() if node.id in each.queues)
            shown[node.id] = {
                "name": node.name,
                "transport_address": node.address,
                "attributes": attributes(node),
                "roles": list(node.roles),
                "ephemeral_id": node.ephemeral_id,
                "mem": {
                    "total_in_bytes": node.memory,
                    "adjusted_total_in_bytes": node.memory,
                    "ml": {
                        "max_in_bytes": capacity.memory if capacity else 0,
                        "native_code_overhead_in_bytes": 0,
                        "anomaly_detectors_in_bytes": 0,
                        "data_frame_analytics_in_bytes": 0,
                        "native_inference_in_bytes": used,
                    },
                },
                "jvm": {
                    "heap_max_in_bytes": 1 << 30,
                    "java_inference_max_in_bytes": 0,
                    "java_inference_in_bytes": 0,
                },
            }
        return {**header(self._nodes, len(found)), "nodes": shown}
