"""`_stats` of trained models: one entry per deployment, although `count` counts models."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.elastic.ml import assignments
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.deployments import Deployment, Deployments
from sandbox.elastic.ml.inference_queue import NodeQueue
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.pipeline_use import PipelineUse
from sandbox.elastic.nodes.descriptions import in_model_statistics
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.expressions import chosen
from sandbox.elastic.wire.routing import Route
from sandbox.elastic.wire.sizes import shown_size, size_in_bytes


class ModelStatisticsApi:
    """Reports counts of models and deployments."""

    def __init__(
        self, models: Models, deployments: Deployments, pipelines: PipelineUse, nodes: Nodes, release: Release
    ) -> None:
        self._models = models
        self._deployments = deployments
        self._pipelines = pipelines
        self._nodes = nodes
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("ml.get_trained_models_stats", "GET", "/_ml/trained_models/_stats", self.stats),
            Route("ml.get_trained_models_stats", "GET", "/_ml/trained_models/{model_id}/_stats", self.stats),
        )

    def stats(self, request: Request) -> dict[str, Any]:
        """`GET /_ml/trained_models[/{model_id}]/_stats`: by id of a model, alias or deployment."""
        aliases = self._models.aliases()
        deployments = {each.id: each for each in self._deployments.all()}
        expression = request.params.get("model_id", "_all")
        found = chosen(expression, dict.fromkeys([*self._models.ids(), *aliases, *deployments]))
        if found.missing and (not found.wildcard or not request.flag("allow_no_match", True)):
            raise ml_errors.NO_SUCH_MODEL.refusal(model=",".join(found.missing))
        whole = {aliases.get(name, name) for name in found.names} & set(self._models.ids())
        named = [deployments[name] for name in found.names if name in deployments]
        models = sorted(whole | {each.model for each in named})
        first = request.number("from", 0)
        entries = []
        for model in models[first : first + request.number("size", 100)]:
            mine = [
                each
                for each in deployments.values()
                if each.model == model and (model in whole or each in named)
            ]
            entries += [self._entry(model, each) for each in mine] or [self._entry(model, None)]
        return {"count": len(models), "trained_model_stats": entries}

    def _entry(self, model: str, deployment: Deployment | None) -> dict[str, Any]:
        record = self._models.record(model)
        size = self._models.size(record)
        names = {model, *self._models.aliases_of(model)} | ({deployment.id} if deployment else set())
        pipelines = self._pipelines.statistics(names)
        memory = assignments.OVERHEAD + 2 * size
        if self._models.is_elser(model):
            memory = assignments.ELSER_MEMORY
        elif record["config"]["model_type"] != "pytorch":
            memory = 0  # no native process runs for it
        entry: dict[str, Any] = {
            "model_id": model,
            "model_size_stats": {"model_size_bytes": size, "required_native_memory_bytes": memory},
            "pipeline_count": len(pipelines),
        }
        if pipelines:
            names = ("count", "time_in_millis", "current", "failed")
            total = {name: sum(each[name] for each in pipelines.values()) for name in names}
            entry["ingest"] = {"total": total, "pipelines": pipelines}
        if deployment:
            counts = [queue.counts for queue in deployment.queues.values()]
            entry["inference_stats"] = {
                "failure_count": sum(each.errors for each in counts),
                "inference_count": sum(each.inferences for each in counts),
                "cache_miss_count": sum(each.inferences - each.cache_hits for each in counts),
                "missing_all_fields_count": 0,
                "timestamp": int(max((each.last_access for each in counts), default=0) * 1000),
            }
            entry["deployment_stats"] = self._deployment(deployment)
        return entry

    def _deployment(self, deployment: Deployment) -> dict[str, Any]:
        parameters = deployment.parameters
        queues = list(deployment.queues.values())
        nodes = {node.id: node for node in self._nodes.ml}
        shown = {
            "deployment_id": deployment.id,
            "model_id": deployment.model,
            "threads_per_allocation": parameters["threads_per_allocation"],
            "number_of_allocations": parameters["number_of_allocations"],
            "queue_capacity": parameters["queue_capacity"],
            "cache_size": shown_size(size_in_bytes("cache_size", parameters["cache_size"])),
            "priority": parameters["priority"],
            "state": deployment.state(),
            "allocation_status": {
                "allocation_count": sum(queue.allocations for queue in deployment.started()),
                "target_allocation_count": parameters["number_of_allocations"],
                "state": deployment.allocation_state(),
            },
            "start_time": _millis(deployment),
            "peak_throughput_per_minute": sum(queue.counts.peak for queue in queues),
            "nodes": [
                {
                    "node": in_model_statistics(nodes[queue.node], self._release.number),
                    **_on_node(deployment, queue),
                }
                for queue in queues
            ],
        }
        totals = {
            "error_count": sum(queue.counts.errors for queue in queues),
            "inference_count": sum(queue.counts.inferences for queue in queues),
            "rejected_execution_count": sum(queue.counts.rejected for queue in queues),
            "timeout_count": sum(queue.counts.timeouts for queue in queues),
        }
        if queues:
            shown |= totals
        if deployment.reason:
            shown["reason"] = deployment.reason
        if deployment.adaptive:
            shown["adaptive_allocations"] = deployment.adaptive
        return shown


def _on_node(deployment: Deployment, queue: NodeQueue) -> dict[str, Any]:
    if not deployment.started_on(queue.node):
        reason = {"reason": deployment.failed} if deployment.failed else {}
        return {"routing_state": {"routing_state": deployment.routing_state(queue.node), **reason}}
    counts = queue.counts
    shown: dict[str, Any] = {
        "routing_state": {"routing_state": "started"},
        "number_of_allocations": queue.allocations,
        "threads_per_allocation": deployment.parameters["threads_per_allocation"],
        "inference_count": counts.inferences,
        "inference_cache_hit_count": counts.cache_hits,
        "number_of_pending_requests": queue.pending(),
        "throughput_last_minute": counts.last_minute(),
        "peak_throughput_per_minute": counts.peak,
        "start_time": _millis(deployment),
    }
    troubles = {
        "error_count": counts.errors,
        "rejected_execution_count": counts.rejected,
        "timeout_count": counts.timeouts,
    }
    shown |= {name: count for name, count in troubles.items() if count}
    if counts.inferences:
        shown["last_access"] = int(counts.last_access * 1000)
        shown["average_inference_time_ms"] = counts.seconds * 1000 / counts.inferences
        misses = counts.inferences - counts.cache_hits
        if misses:
            shown["average_inference_time_ms_excluding_cache_hits"] = counts.seconds * 1000 / misses
    return shown


def _millis(deployment: Deployment) -> int:
    return int(datetime.fromisoformat(deployment.start_time).timestamp() * 1000)
