"""Endpoints at work: their models are downloaded and deployed, and texts embedded by endpoint, model, deployment or alias."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.inference import openai
from sandbox.elastic.inference.endpoints import Endpoint, Endpoints
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.inference import SEARCH_TIMEOUT, Inference, Purpose, embedding_of
from sandbox.elastic.ml.inference_ledger import InferenceLedger
from sandbox.elastic.ml.licence import MachineLearningLicence
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.starting import DeploymentStarter
from sandbox.elastic.versions import Release
from sandbox.models.embedding import Embedding

FIRST_USE = 30.0
"""Seconds that a call waits for a default endpoint's model, which is deployed when it is first used. From memory."""
_LOOK = 0.05


@dataclass
class _Start:
    """One attempt to bring an endpoint's model up, in a thread of its own."""

    ended: threading.Event = field(default_factory=threading.Event)
    problem: Refusal | None = None


class EndpointInference:
    """Inference by any id that a mapping, a pipeline or a query may name."""

    def __init__(
        self,
        endpoints: Endpoints,
        inference: Inference,
        models: Models,
        deployments: Deployments,
        starter: DeploymentStarter,
        release: Release,
        ending: threading.Event,
        licence: MachineLearningLicence,
        ledger: InferenceLedger,
    ) -> None:
        self._licence = licence
        self._ledger = ledger
        self._endpoints = endpoints
        self._inference = inference
        self._models = models
        self._deployments = deployments
        self._starter = starter
        self._release = release
        self._ending = ending
        self._lock = threading.Lock()
        self._starts: dict[str, _Start] = {}

    def input_field(self, name: str) -> str:
        """The name of the input field of the model behind an id.

        Raises:
            Refusal: as `Inference.input_field`.
        """
        return self._inference.input_field(self._ready(name))

    def embed(
        self, name: str, texts: Sequence[str], purpose: Purpose, timeout: float | None, shown: str = ""
    ) -> list[Embedding | Refusal]:
        """The embedding of each text, or its refusal; the texts are queued together.

        Raises:
            Refusal: as `Inference.embed`; and the model of a default endpoint did not start in time.
        """
        endpoint = self._endpoints.find(name)
        if endpoint is not None and endpoint.is_remote:
            self._licence.require()
            outcomes = _by_server(endpoint, texts)
            answered = [
                text for text, each in zip(texts, outcomes, strict=True) if isinstance(each, Embedding)
            ]
            self._ledger.append(name, purpose, [(text, False) for text in answered])
            return outcomes
        return self._inference.embed(self._ready(name), texts, purpose, timeout, shown)

    def for_search(self, name: str, texts: Sequence[str]) -> list[Embedding]:
        """The embeddings of query texts, with priority over ingest.

        Raises:
            Refusal: the model is not available, its queue is full, or the timeout has passed.
        """
        return [embedding_of(each) for each in self.embed(name, texts, "search", SEARCH_TIMEOUT, "30s")]

    def relevance(
        self,
        endpoint: Endpoint,
        query: str,
        texts: Sequence[str],
        purpose: Purpose,
        timeout: float,
        shown: str,
    ) -> list[float]:
        """How relevant each text is to a query: logits.

        Raises:
            Refusal: the endpoint's model is not available, its queue is full, or the timeout has passed.
        """
        ready = self._ready(endpoint.inference_id)
        found = self._inference.relevance(ready, query, texts, purpose, timeout, shown)
        return [float(next(iter(embedding_of(each).value))) for each in found]

    def relevance_for_search(self, name: str, query: str, texts: Sequence[str]) -> list[float]:
        """The same for a search, by an endpoint's id; without texts only the endpoint is looked for.

        Raises:
            Refusal: as `relevance`; or there is no such endpoint, or it has another task type.
        """
        endpoint = self._endpoints.get(name, "rerank")
        return self.relevance(endpoint, query, texts, "search", SEARCH_TIMEOUT, "30s") if texts else []

    def bring_up(self, endpoint: Endpoint, timeout: float, shown: str) -> None:
        """Download and deploy an endpoint's model, unless it is; what takes longer than the timeout goes on.

        Raises:
            Refusal: it cannot be deployed, or not in time.
        """
        if endpoint.is_remote or self._deployments.find(endpoint.deployment):
            return
        with self._lock:
            start = self._starts.get(endpoint.inference_id)
            if start is None or start.ended.is_set():
                start = self._starts[endpoint.inference_id] = _Start()
                threading.Thread(
                    target=self._run, args=(endpoint, start), name="inference-endpoint", daemon=True
                ).start()
        deadline = time.monotonic() + timeout
        while not start.ended.wait(_LOOK):
            if self._ending.is_set():
                raise ml_errors.SHUT_DOWN.refusal()
            if time.monotonic() >= deadline:
                raise ml_errors.START_TIMED_OUT.refusal(timeout=shown, deployment=endpoint.deployment)
        if start.problem:
            raise start.problem

    def _ready(self, name: str) -> str:
        """The id under which the model answers; that of a default endpoint is deployed first."""
        endpoint = self._endpoints.find(name)
        if endpoint is None:
            return name
        if self._endpoints.is_default(name):
            self.bring_up(endpoint, FIRST_USE, "30s")
        return endpoint.deployment

    def _run(self, endpoint: Endpoint, start: _Start) -> None:
        try:
            self._download(endpoint.model_id)
            deployment = self._starter.start(self._parameters(endpoint), _copy(endpoint.adaptive_allocations))
            self._starter.wait(deployment, "started", float("inf"), "")
        except Refusal as refusal:
            # Somebody else may have started it under the same id meanwhile.
            start.problem = None if self._deployments.find(endpoint.deployment) else refusal
        finally:
            start.ended.set()

    def _download(self, model: str) -> None:
        if not self._models.is_packaged(model):
            return
        self._models.put_package(model, ["text_field"])
        while download := self._models.download(model):
            download.ended.wait(_LOOK)
            if self._ending.is_set():
                raise ml_errors.SHUT_DOWN.refusal()

    def _parameters(self, endpoint: Endpoint) -> dict[str, Any]:
        least = (endpoint.adaptive_allocations or {}).get("min_number_of_allocations") or 1
        return {
            "model_id": endpoint.model_id,
            "deployment_id": endpoint.deployment,
            "model_bytes": 0,
            "threads_per_allocation": endpoint.num_threads,
            "number_of_allocations": endpoint.num_allocations or max(1, least),
            "queue_capacity": self._release.queue_capacity,
            "cache_size": "",
            "priority": "normal",
            "per_deployment_memory_bytes": 0,
            "per_allocation_memory_bytes": 0,
        }


def _by_server(endpoint: Endpoint, texts: Sequence[str]) -> list[Embedding | Refusal]:
    """One call for all; if it is refused, one for each text: the service asks for a document at a time, and one that is too long spoils no other."""
    try:
        return [*openai.embed(endpoint, texts)]
    except Refusal as refusal:
        if len(texts) == 1:
            return [refusal]
    return [each for text in texts for each in _by_server(endpoint, [text])]


def _copy(settings: Any) -> dict[str, Any] | None:
    return None if settings is None else dict(settings)
