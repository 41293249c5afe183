"""Asking a model for weights: which deployment an id means, waiting for its queue, and `_infer`.

Ingest and search come in here too. Every answer is entered into the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.errors import Refusal
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml import licence as ml_licence
from sandbox.elastic.ml.deployments import Deployment
from sandbox.elastic.ml.inference_queue import INGEST, SEARCH
from sandbox.elastic.ml.splade import Embedding
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

Purpose = Literal["ingest", "search", "infer"]
_SEARCH_TIMEOUT = 30.0
"""Seconds that a search waits for its query's weights [U]."""
_LOOK = 0.5


def deployment_of(cluster: Cluster, name: str) -> Deployment:
    """The deployment that an id means: a deployment's, a model's or an alias's.

    Of several deployments of a model the started one with the least to do answers.

    Raises:
        Refusal: nothing has that id, or the model has no deployment.
    """
    found = cluster.deployments.find(name)
    if found:
        return found
    model = cluster.models.aliases().get(name, name)
    if not cluster.models.exists(model):
        raise ml_errors.INFER_UNKNOWN.refusal(id=name)
    deployments = cluster.deployments.of_model(model)
    if not deployments:
        raise ml_errors.INFER_NOT_DEPLOYED.refusal(id=name)
    return min(deployments, key=_readiness)


def _readiness(deployment: Deployment) -> tuple[bool, float]:
    started = deployment.started()
    return not started, min((queue.load() for queue in started), default=0.0)


def asked(
    cluster: Cluster,
    name: str,
    texts: Sequence[str],
    purpose: Purpose,
    timeout: float | None,
    shown: str = "",
) -> list[Embedding | Refusal]:
    """The weights of each text, or why there are none; the texts enter the queue as a whole.

    Raises:
        Refusal: there is nobody to ask, or the time is up.
    """
    ml_licence.require(cluster)
    deployment = deployment_of(cluster, name)
    priority = SEARCH if purpose == "search" else INGEST
    inquiries, awaited = cluster.deployments.ask(deployment, texts, priority)
    deadline = None if timeout is None else time.monotonic() + timeout
    while not awaited.wait(_LOOK if deadline is None else max(0.0, min(_LOOK, deadline - time.monotonic()))):
        late = deadline is not None and time.monotonic() >= deadline
        if late or cluster.ending.is_set():
            for inquiry in inquiries:
                inquiry.abandoned = True
            if not late:
                raise ml_errors.SHUT_DOWN.refusal()
            _count_timeouts(deployment, sum(inquiry.outcome is None for inquiry in inquiries))
            raise ml_errors.INFER_TIMED_OUT.refusal(timeout=shown)
    outcomes = [inquiry.outcome for inquiry in inquiries if inquiry.outcome is not None]
    answered = [(each.text, each.cached) for each in inquiries if isinstance(each.outcome, Embedding)]
    cluster.ledger.append(deployment.id, purpose, answered)
    return outcomes


def _count_timeouts(deployment: Deployment, number: int) -> None:
    queues = deployment.started()
    if queues:
        queues[0].counts.timeouts += number


def for_search(cluster: Cluster, name: str, texts: Sequence[str]) -> list[dict[str, float]]:
    """The weights of query texts, before everything that waits for ingest.

    Raises:
        Refusal: there is nobody to ask, the queue is full, or the time is up.
    """
    return [_whole(each).weights for each in asked(cluster, name, texts, "search", _SEARCH_TIMEOUT, "30s")]


def _whole(outcome: Embedding | Refusal) -> Embedding:
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def infer(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /_ml/trained_models/{model_id}/_infer`: one refused document refuses the call."""
    name = request.params["model_id"]
    docs = request.json().get("docs") or []
    if not docs:
        raise ml_errors.NO_DOCS.refusal()
    deployment = deployment_of(cluster, name)
    field = cluster.models.record(deployment.model)["config"]["input"]["field_names"][0]
    texts = [_text(document, field) for document in docs]
    timeout = request.seconds("timeout", 10)
    outcomes = asked(cluster, name, texts, "infer", timeout, request.text("timeout", "10s"))
    return {"inference_results": [_shown(_whole(outcome)) for outcome in outcomes]}


def _text(document: dict[str, Any], field: str) -> str:
    if field not in document:
        raise ml_errors.INPUT_MISSING.refusal(field=field)
    if not isinstance(document[field], str):
        raise ml_errors.INPUT_NOT_STRING.refusal(value=document[field], field=field)
    return document[field]


def _shown(embedding: Embedding) -> dict[str, Any]:
    shown: dict[str, Any] = {"predicted_value": embedding.weights}
    if embedding.is_truncated:
        shown["is_truncated"] = True
    return shown


_MODEL = "/_ml/trained_models/{model_id}"
ROUTES = (
    Route("ml.infer_trained_model", "POST", f"{_MODEL}/_infer", infer),
    Route("ml.infer_trained_model", "POST", f"{_MODEL}/deployment/_infer", infer),
)
