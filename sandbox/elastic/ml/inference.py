"""Inference: which deployment an id refers to, and the weights of texts. Every answer is recorded in the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Literal

from sandbox.elastic.errors import Refusal
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.deployments import Deployment, Deployments
from sandbox.elastic.ml.inference_ledger import InferenceLedger
from sandbox.elastic.ml.inference_queue import INGEST, SEARCH
from sandbox.elastic.ml.licence import MachineLearningLicence
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.relevance import paired
from sandbox.models.embedding import Embedding

Purpose = Literal["ingest", "search", "infer"]
SEARCH_TIMEOUT = 30.0
"""Seconds that a search waits for its query's weights. The number is from memory."""
_LOOK = 0.5


class Inference:
    """The deployed models, as ingest, search and `_infer` use them."""

    def __init__(
        self,
        models: Models,
        deployments: Deployments,
        licence: MachineLearningLicence,
        ledger: InferenceLedger,
        ending: threading.Event,
    ) -> None:
        self._models = models
        self._deployments = deployments
        self._licence = licence
        self._ledger = ledger
        self._ending = ending

    def deployment_of(self, name: str) -> Deployment:
        """The deployment that an id of a deployment, model or alias refers to.

        If a model has several deployments, it is a started one with the lowest load.

        Raises:
            Refusal: the id is unknown, or the model is not deployed.
        """
        found = self._deployments.find(name)
        if found:
            return found
        model = self._models.aliases().get(name, name)
        if not self._models.exists(model):
            raise ml_errors.INFER_UNKNOWN.refusal(id=name)
        deployments = self._deployments.of_model(model)
        if not deployments:
            raise ml_errors.INFER_NOT_DEPLOYED.refusal(id=name)
        return min(deployments, key=_readiness)

    def input_field(self, name: str) -> str:
        """The name of a model's input field.

        Raises:
            Refusal: as `deployment_of`.
        """
        model = self.deployment_of(name).model
        return self._models.record(model)["config"]["input"]["field_names"][0]

    def embed(
        self,
        name: str,
        texts: Sequence[str],
        purpose: Purpose,
        timeout: float | None,
        shown: str = "",
    ) -> list[Embedding | Refusal]:
        """The embedding of each text, or its refusal; the texts are queued together.

        Raises:
            Refusal: the model is not available or compares texts with a query, or the timeout has passed.
        """
        deployment = self._available(name)
        if self._models.task_type(deployment.model) == "rerank":
            raise ml_errors.NO_EMBEDDINGS.refusal(model=deployment.model)
        prefixes = self._models.record(deployment.model)["config"].get("prefix_strings") or {}
        prefix = prefixes.get(purpose, "")  # none for `_infer` (InferModelAction.java)
        read = [prefix + text for text in texts]
        return self._answered(deployment, read, texts, purpose, timeout, shown)

    def relevance(
        self, name: str, query: str, texts: Sequence[str], purpose: Purpose, timeout: float | None, shown: str
    ) -> list[Embedding | Refusal]:
        """How relevant each text is to a query, as an answer of one number, or its refusal.

        Raises:
            Refusal: the model is not available or is no reranker, or the timeout has passed.
        """
        deployment = self._available(name)
        if self._models.task_type(deployment.model) != "rerank":
            raise ml_errors.NO_RELEVANCE.refusal(model=deployment.model)
        read = [paired(query, text) for text in texts]
        return self._answered(deployment, read, texts, purpose, timeout, shown)

    def _available(self, name: str) -> Deployment:
        self._licence.require()
        return self.deployment_of(name)

    def _answered(
        self,
        deployment: Deployment,
        read: Sequence[str],
        texts: Sequence[str],
        purpose: Purpose,
        timeout: float | None,
        shown: str,
    ) -> list[Embedding | Refusal]:
        """The answers to what the model reads, queued together; `texts` are what the ledger keeps."""
        priority = SEARCH if purpose == "search" else INGEST
        queued, countdown = self._deployments.ask(deployment, read, priority)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not countdown.wait(
            _LOOK if deadline is None else max(0.0, min(_LOOK, deadline - time.monotonic()))
        ):
            late = deadline is not None and time.monotonic() >= deadline
            if late or self._ending.is_set():
                for queued_text in queued:
                    queued_text.abandoned = True
                if not late:
                    raise ml_errors.SHUT_DOWN.refusal()
                _count_timeouts(deployment, sum(queued_text.outcome is None for queued_text in queued))
                raise ml_errors.INFER_TIMED_OUT.refusal(timeout=shown)
        outcomes = [queued_text.outcome for queued_text in queued if queued_text.outcome is not None]
        entries = [
            (text, each.cached)
            for text, each in zip(texts, queued, strict=True)
            if isinstance(each.outcome, Embedding)
        ]
        self._ledger.append(deployment.id, purpose, entries)
        return outcomes


def _readiness(deployment: Deployment) -> tuple[bool, float]:
    started = deployment.started()
    return not started, min((queue.load() for queue in started), default=0.0)


def _count_timeouts(deployment: Deployment, number: int) -> None:
    queues = deployment.started()
    if queues:
        queues[0].counts.timeouts += number


def embedding_of(outcome: Embedding | Refusal) -> Embedding:
    """The embedding of an outcome.

    Raises:
        Refusal: the outcome is one.
    """
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
