"""Inference endpoints of the task type rerank: found, and seen to answer before a search depends on them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tasks.elastic.cluster.endpoints import (
    MARGIN_SECONDS,
    EndpointState,
    first_use_seconds,
    read_endpoint,
    read_endpoints,
)
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import GateNotMet, InvalidInput
from tasks.program import command
from tasks.steps import step
from tasks.waiting import Deadline

RERANK = "rerank"
_QUERY, _TEXT = "a question", "an answer"


@dataclass(frozen=True)
class RerankAnswer:
    """One text compared with a query, to see that an endpoint works."""

    score: float
    """What the model answered: of Elastic's and of uploaded cross-encoders a logit, which may be negative."""
    milliseconds: float

    def __str__(self) -> str:
        return f"answers a score in {self.milliseconds:.0f} ms"


@step("read reranker {endpoint_id}")
def read_reranker(settings: ElasticSettings, endpoint_id: str, *, source: str = "--rerank") -> EndpointState:
    """An endpoint that reranks.

    Args:
        settings: the target.
        endpoint_id: its id.
        source: the option that names it, for the error.

    Raises:
        InvalidInput: there is no such endpoint, or it does something else; lists those that rerank.
    """
    found = read_endpoint.fn(settings, endpoint_id)
    if found is not None and found.task_type == RERANK:
        return found
    rerankers = [each.id for each in read_endpoints.fn(settings) if each.task_type == RERANK]
    create = command("elastic endpoint-ensure", name="my-reranker", model_id=".rerank-v1")
    problem = (
        "There is no such inference endpoint"
        if found is None
        else f"This inference endpoint answers {found.task_type}, and reranking needs one of the task type {RERANK}"
    )
    raise InvalidInput(
        problem,
        value=endpoint_id,
        source=source,
        accepted=", ".join(rerankers),
        remedy=f"Create one with `{create}`.",
    )


@step("ask reranker {endpoint_id}")
def verify_reranker(
    settings: ElasticSettings, endpoint_id: str, *, deadline: Deadline | None = None
) -> RerankAnswer:
    """See that an endpoint reranks. The first use of a default endpoint waits for its model, which a search would not.

    It waits until the deadline at most.

    Raises:
        GateNotMet: it answers with nothing.
    """
    began, timeout = time.perf_counter(), first_use_seconds(deadline)
    client = connect(settings).options(request_timeout=timeout + MARGIN_SECONDS)
    with calling(f"ask the inference endpoint {endpoint_id} to rerank"):
        found: dict[str, Any] = client.inference.rerank(
            inference_id=endpoint_id, query=_QUERY, input=[_TEXT], timeout=f"{timeout:.0f}s"
        ).body
    answers = found.get(RERANK)
    if not answers:
        raise GateNotMet(f"The answers of {endpoint_id} to one text", measured=0, wanted="1")
    return RerankAnswer(float(answers[0]["relevance_score"]), (time.perf_counter() - began) * 1000)
