"""Model serving endpoints of the workspace: waited for until they are READY and their model answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.databricks.clients import connect
from tasks.databricks.errors import calling
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import InvalidInput
from tasks.models.serving import ServingFailed, serving_state
from tasks.plurals import counted
from tasks.steps import step
from tasks.waiting import Deadline, Look, attempt_until

EMBEDDINGS, CHAT = "llm/v1/embeddings", "llm/v1/chat"
"""Tasks of endpoints (databricks-sdk, `ServingEndpointDetailed.task`)."""
_PROBES: Mapping[str, dict[str, Any]] = {
    EMBEDDINGS: {"input": ["ready?"]},
    CHAT: {"messages": [{"role": "user", "content": "ready?"}], "max_tokens": 1},
}
"""The least that wakes a model which was scaled to zero. Other tasks have no call that fits every model: only their state is read."""


@dataclass(frozen=True, kw_only=True)
class Awake:
    """An endpoint that is READY, and whose model has answered if there was a call for it."""

    task: str
    dimensions: int
    """Of the vectors of one that embeds; else 0."""

    def __str__(self) -> str:
        if self.task == EMBEDDINGS:
            return f"READY, embeds into {counted(self.dimensions, 'dimension')}"
        return (
            "READY, answers"
            if self.task in _PROBES
            else f"READY, not called: of the task {self.task or 'that it does not name'}"
        )


@step("wait for model serving endpoint {name}")
def wait_for_serving(settings: DatabricksSettings, name: str, deadline: Deadline) -> Awake:
    """Wait until an endpoint is READY, and then until its model answers: one that was scaled to zero takes minutes.

    Raises:
        ServingFailed: it will not become ready.
        NotFound: there is none of this name.
        DeadlinePassed: with its last state.
    """

    def look() -> Look[Awake]:
        with calling(f"read the model serving endpoint {name}"):
            described = connect(settings).serving_endpoint(name)
        state = serving_state(name, described)
        if state.has_failed:
            raise ServingFailed(state)
        if not state.is_ready:
            return Look(seen=str(state))
        task = str(described.get("task") or "")
        # While its model starts it answers 503 or 504, which is "not yet".
        return Look(seen="READY", value=_woken(settings, name, task), done=True)

    return attempt_until(f"model serving endpoint {name}", look, deadline)


@step("wait for the endpoint {name} that embeds")
def wait_for_embedder(settings: DatabricksSettings, name: str, deadline: Deadline) -> int:
    """How many numbers a vector of an endpoint has, once its model answers.

    Raises:
        InvalidInput: it does not embed.
        Exception: as `wait_for_serving`.
    """
    found = wait_for_serving.fn(settings, name, deadline)
    if not found.dimensions:
        raise InvalidInput(
            "This model serving endpoint does not embed texts", value=name, source="--embed-with",
            accepted=f"an endpoint of the task {EMBEDDINGS}; this one's is {found.task or 'not named'}",
        )  # fmt: skip
    return found.dimensions


def _woken(settings: DatabricksSettings, name: str, task: str) -> Awake:
    if task not in _PROBES:
        return Awake(task=task, dimensions=0)
    with calling(f"call the model serving endpoint {name}"):
        answer = connect(settings).invoke(name, _PROBES[task])
    return Awake(task=task, dimensions=_length(answer) if task == EMBEDDINGS else 0)


def _length(answer: Mapping[str, Any]) -> int:
    """Of the first vector of an answer; 0 if it has none."""
    data: Any = answer.get("data")
    first: Any = data[0] if isinstance(data, list) and data else {}
    vector: Any = first.get("embedding") if isinstance(first, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return len(vector) if isinstance(vector, list) else 0  # pyright: ignore[reportUnknownArgumentType]
