"""The deployment APIs: start, update, stop, clear the cache. And what makes a request invalid."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.deployments import Deployment, Deployments
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.pipeline_use import PipelineUse
from sandbox.elastic.ml.starting import STATES, DeploymentStarter
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

MOST_THREADS = 32
MOST_ADAPTIVE = 32
"""The most allocations that an adaptive deployment grows to if no maximum is set."""
_IN_BODY = {
    "model_id",
    "deployment_id",
    "timeout",
    "wait_for",
    "threads_per_allocation",
    "queue_capacity",
} | {"number_of_allocations", "cache_size", "priority"}
_DEPLOYMENT = "/_ml/trained_models/{model_id}/deployment"


class DeploymentApi:
    """Starts, updates and stops deployments."""

    def __init__(
        self,
        models: Models,
        deployments: Deployments,
        starter: DeploymentStarter,
        pipelines: PipelineUse,
        release: Release,
    ) -> None:
        self._models = models
        self._deployments = deployments
        self._starter = starter
        self._pipelines = pipelines
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route(
                "ml.start_trained_model_deployment",
                "POST",
                f"{_DEPLOYMENT}/_start",
                self.start,
                changes=True,
                at_end=("internal", "stall"),
            ),
            Route(
                "ml.update_trained_model_deployment",
                "POST",
                f"{_DEPLOYMENT}/_update",
                self.update,
                changes=True,
            ),
            Route(
                "ml.stop_trained_model_deployment", "POST", f"{_DEPLOYMENT}/_stop", self.stop, changes=True
            ),
            Route(
                "ml.clear_trained_model_deployment_cache",
                "POST",
                f"{_DEPLOYMENT}/cache/_clear",
                self.clear_cache,
            ),
        )

    def start(self, request: Request) -> dict[str, Any]:
        """`POST /_ml/trained_models/{model_id}/deployment/_start`.

        If the cluster can grow, a deployment without room is answered with 200, `starting` and a reason, regardless of
        `wait_for`: no node is loading it, so there is nothing to wait for.
        """
        adaptive = self._read_body(request)
        wait_for, timeout = request.text("wait_for", "started"), request.seconds("timeout", 30)
        if wait_for not in STATES:
            raise ml_errors.UNKNOWN_WAIT_FOR.refusal(value=wait_for)
        parameters = self._parameters(request, adaptive)
        deployment = self._starter.start(parameters, adaptive)
        self._starter.wait(deployment, wait_for, timeout, request.text("timeout", "30s"))
        request.resource = deployment.id
        return {"assignment": assignment(deployment)}

    def _read_body(self, request: Request) -> dict[str, Any] | None:
        """Return the body's `adaptive_allocations`; its other fields are defaults for the query string.

        Raises:
            Refusal: a field is unknown.
        """
        body = request.json()
        adaptive = body.pop("adaptive_allocations", None) if self._release.adaptive_allocations else None
        for name, value in body.items():
            if name not in _IN_BODY:
                raise errors.UNKNOWN_FIELD.refusal(
                    parser="start_trained_model_deployment_request", field=name
                )
            if value is not None:
                request.query.setdefault(name, str(value))
        return adaptive

    def _parameters(self, request: Request, adaptive: dict[str, Any] | None) -> dict[str, Any]:
        """The task parameters, with defaults.

        Raises:
            Refusal: they are invalid.
        """
        enabled = bool(adaptive and adaptive.get("enabled"))
        threads = request.number("threads_per_allocation", 1)
        capacity = request.number("queue_capacity", self._release.queue_capacity)
        priority = request.text("priority", "normal")
        initial = max(1, (adaptive or {}).get("min_number_of_allocations") or 1) if enabled else 1
        allocations = request.number("number_of_allocations", initial)
        low = priority == "low"
        checks = {
            "[number_of_allocations] must be a positive integer": allocations >= 1,
            "[threads_per_allocation] must be a positive integer": threads >= 1,
            f"[threads_per_allocation] must be a power of 2 less than or equal to {MOST_THREADS}": (
                threads < 1 or (threads <= MOST_THREADS and threads & (threads - 1) == 0)
            ),
            "[queue_capacity] must be a positive integer": capacity >= 1,
            f"[queue_capacity] must be less than {self._release.queue_capacity_limit}": (
                capacity <= self._release.queue_capacity_limit
            ),
            "[timeout] must be positive": request.seconds("timeout", 30) > 0,
            "[number_of_allocations] must be 1 when [priority] is low": not low or allocations == 1,
            "[threads_per_allocation] must be 1 when [priority] is low": not low or threads == 1,
            "[number_of_allocations] cannot be set if adaptive allocations is enabled": not (
                enabled and "number_of_allocations" in request.query
            ),
        }
        _refuse([text for text, holds in checks.items() if not holds])
        return {
            "model_id": request.params["model_id"],
            "deployment_id": request.text("deployment_id", request.params["model_id"]),
            "model_bytes": 0,
            "threads_per_allocation": threads,
            "number_of_allocations": allocations,
            "queue_capacity": capacity,
            "cache_size": request.text("cache_size"),
            "priority": priority,
            "per_deployment_memory_bytes": 0,
            "per_allocation_memory_bytes": 0,
        }

    def update(self, request: Request) -> dict[str, Any]:
        """`POST .../{deployment_id}/deployment/_update`: the number of allocations, or adaptive allocations."""
        deployment = self._known(request)
        body = request.fields("update_deployment", "adaptive_allocations", "number_of_allocations")
        adaptive = body.get("adaptive_allocations", deployment.adaptive)
        wanted = body.get("number_of_allocations", request.number("number_of_allocations", 0)) or None
        enabled = bool(adaptive and adaptive.get("enabled"))
        problems = []
        if wanted is not None and wanted < 1:
            problems.append("[number_of_allocations] must be a positive integer")
        if wanted is not None and enabled:
            problems.append("[number_of_allocations] cannot be set if adaptive allocations is enabled")
        _refuse(problems)
        allocations = wanted or deployment.parameters["number_of_allocations"]
        if enabled:
            least = adaptive.get("min_number_of_allocations") or 1
            most = adaptive.get("max_number_of_allocations") or MOST_ADAPTIVE
            allocations = max(least, min(allocations, most))
        self._deployments.update(deployment, allocations, adaptive)
        return {"assignment": assignment(deployment)}

    def stop(self, request: Request) -> dict[str, Any]:
        """`POST .../{deployment_id}/deployment/_stop`: by the deployment's id; refused while a pipeline references it."""
        name = request.params["model_id"]
        body = request.fields("stop_deployment_request", "allow_no_match", "force", "id")
        deployment = self._deployments.find(name)
        if deployment is None:
            if not request.flag("allow_no_match", bool(body.get("allow_no_match", True))):
                raise ml_errors.NO_SUCH_DEPLOYMENT.refusal(deployment=name)
            request.changed = False
            return {"stopped": True}
        if not request.flag("force", bool(body.get("force", False))):
            referenced = self._pipelines.referenced_models()
            if name in referenced:
                raise ml_errors.DEPLOYMENT_IN_PIPELINE.refusal(deployment=name)
            for alias in self._models.aliases_of(name):
                if alias in referenced:
                    raise ml_errors.DEPLOYMENT_ALIAS_IN_PIPELINE.refusal(deployment=name, alias=alias)
        self._deployments.stop(deployment)
        return {"stopped": True}

    def clear_cache(self, request: Request) -> dict[str, Any]:
        """`POST .../deployment/cache/_clear`."""
        deployment = self._known(request)
        if deployment.cache:
            deployment.cache.clear()
        return {"cleared": True}

    def _known(self, request: Request) -> Deployment:
        found = self._deployments.find(request.params["model_id"])
        if not found:
            raise ml_errors.NO_SUCH_DEPLOYMENT.refusal(deployment=request.params["model_id"])
        return found


def _refuse(problems: list[str]) -> None:
    if problems:
        numbered = "".join(f"{number}: {text};" for number, text in enumerate(problems, 1))
        raise errors.VALIDATION.refusal(problems=numbered)


def assignment(deployment: Deployment) -> dict[str, Any]:
    """The assignment, as start and update return it."""
    shown: dict[str, Any] = {
        "task_parameters": deployment.parameters,
        "routing_table": {
            node: {
                "current_allocations": queue.allocations,
                "target_allocations": queue.allocations,
                "routing_state": deployment.routing_state(node),
                "reason": deployment.failed,
            }
            for node, queue in deployment.queues.items()
        },
        "assignment_state": deployment.state(),
        "start_time": deployment.start_time,
        "max_assigned_allocations": deployment.most,
    }
    if deployment.reason:
        shown["reason"] = deployment.reason
    if deployment.adaptive:
        shown["adaptive_allocations"] = deployment.adaptive
    return shown
