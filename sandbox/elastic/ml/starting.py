"""Starting a deployment: what must hold before, and the wait after. Used by the start API and by inference endpoints."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml import packages
from sandbox.elastic.ml.deployments import Deployment, Deployments, new_deployment
from sandbox.elastic.ml.models import Models
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.sizes import size_in_bytes
from sandbox.models.missing import ModelMissing

LIMIT = 100
"""Deployments at the same time. The number is from memory."""
STATES = ("starting", "started", "fully_allocated")
RUN_TASKS = tuple(packages.TYPE_OF_TASK)
"""The tasks of models that something here answers for."""
_LOOK = 0.02


class DeploymentStarter:
    """Starts deployments of complete models."""

    def __init__(
        self,
        models: Models,
        deployments: Deployments,
        nodes: Nodes,
        release: Release,
        ending: threading.Event,
    ) -> None:
        self._models = models
        self._deployments = deployments
        self._nodes = nodes
        self._release = release
        self._ending = ending

    def start(self, parameters: dict[str, Any], adaptive: dict[str, Any] | None) -> Deployment:
        """Place a deployment; `parameters` are its task parameters, without the model's size.

        Raises:
            Refusal: the model is unknown, incomplete or cannot run here, the id is taken, or there is no room.
        """
        model = parameters["model_id"]
        record = self._startable(model, parameters["deployment_id"])
        size = self._models.size(record)
        parameters["model_bytes"] = size
        parameters["cache_size"] = parameters["cache_size"] or f"{size}b"
        size_in_bytes("cache_size", parameters["cache_size"])
        try:
            packages.load(self._models.task_type(model))
        except ModelMissing as error:
            raise ml_errors.NODE_FAILED.refusal(node=list(self._nodes)[-1].id, problem=error) from error
        return self._deployments.start(
            new_deployment(parameters, adaptive, elser=self._models.is_elser(model))
        )

    def _startable(self, model: str, deployment: str) -> dict[str, Any]:
        """The record of a model that can be deployed.

        Raises:
            Refusal: the model is unknown or incomplete, or the deployment's id is taken.
        """
        models = self._models
        if not models.exists(model):
            raise ml_errors.NO_SUCH_MODEL.refusal(model=model)
        if deployment != model and models.exists(deployment):
            raise ml_errors.DEPLOYMENT_ID_IS_MODEL.refusal(deployment=deployment)
        if self._deployments.find(deployment):
            raise ml_errors.DEPLOYMENT_EXISTS.refusal(deployment=deployment)
        if len(self._deployments.all()) >= LIMIT:
            raise ml_errors.TOO_MANY_DEPLOYMENTS.refusal(limit=LIMIT)
        return self._complete(model)

    def _complete(self, model: str) -> dict[str, Any]:
        models = self._models
        record = models.record(model)
        kind = record["config"]["model_type"]
        if kind != "pytorch":
            raise ml_errors.NOT_DEPLOYABLE.refusal(model=model, kind=kind)
        if not models.fully_defined(record):
            if models.download(model) and self._release.download_running_status == 408:
                raise ml_errors.DOWNLOAD_RUNNING.refusal(model=model)
            if models.is_packaged(model):
                raise ml_errors.DEFINITION_TRUNCATED.refusal(model=model)
            raise (
                ml_errors.DEFINITION_TRUNCATED.refusal(model=model)
                if record["parts"]
                else ml_errors.NO_DEFINITION.refusal(model=model)
            )
        if not models.is_packaged(model):
            if not record["vocabulary"]:
                raise ml_errors.NO_VOCABULARY.refusal(model=model)
            if sum(record["parts"].values()) != record["total_length"]:
                raise ml_errors.DEFINITION_TRUNCATED.refusal(model=model)
            _refuse_what_cannot_run(model, record["config"]["inference_config"])
        return record

    def wait(self, deployment: Deployment, wait_for: str, timeout: float, shown: str) -> None:
        """Wait until a deployment has reached a state; `shown` is the timeout as it was requested.

        Raises:
            Refusal: it failed, was removed, or the timeout has passed; after that it goes on starting.
        """
        deadline = time.monotonic() + timeout
        wanted = STATES.index(wait_for)
        while STATES.index(deployment.allocation_state()) < wanted:
            if deployment.failed:
                node = next(iter(deployment.queues), "")
                raise ml_errors.NODE_FAILED.refusal(node=node, problem=deployment.failed)
            if len(deployment.started()) == len(deployment.queues):
                return
            if self._deployments.find(deployment.id) is not deployment:
                raise ml_errors.REMOVED_WHILE_WAITING.refusal()
            if time.monotonic() >= deadline:
                raise ml_errors.START_TIMED_OUT.refusal(timeout=shown, deployment=deployment.id)
            if self._ending.wait(_LOOK):
                raise ml_errors.SHUT_DOWN.refusal()


def _refuse_what_cannot_run(model: str, inference_config: Mapping[str, Any]) -> None:
    """Refuse a model whose answers nothing here can give.

    Raises:
        Refusal: naming its task, or the length of its vectors.
    """
    (task, config), *_ = inference_config.items() or [("", {})]
    if task not in RUN_TASKS:
        raise ml_errors.TASK_CANNOT_RUN.refusal(model=model, task=task, tasks=", ".join(RUN_TASKS))
    size = config.get("embedding_size", packages.DIMENSIONS)
    if task == "text_embedding" and size != packages.DIMENSIONS:
        raise ml_errors.VECTORS_CANNOT_BE.refusal(model=model, size=size, dimensions=packages.DIMENSIONS)
