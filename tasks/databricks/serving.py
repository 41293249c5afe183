"""Model serving endpoints of the workspace: waited for until they are READY and their model answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.databricks.clients import connect
from tasks.databricks.errors import calling
from tasks.databricks.settings import DatabricksSettings
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


@step("wait for model serving endpoint {name}")
def wait_for_serving(settings: DatabricksSettings, name: str, deadline: Deadline) -> str:
    """Wait until an endpoint is READY, and then until its model answers: one that was scaled to zero takes minutes.

    Returns:
        What was seen.

    Raises:
        ServingFailed: it will not become ready.
        NotFound: there is none of this name.
        DeadlinePassed: with its last state.
    """

    def look() -> Look[str]:
        with calling(f"read the model serving endpoint {name}"):
            described = connect(settings).serving_endpoint(name)
        state = serving_state(name, described)
        if state.has_failed:
            raise ServingFailed(state)
        if not state.is_ready:
            return Look(seen=str(state))
        task = str(described.get("task") or "")
        # While its model starts it answers 503 or 504, which is "not yet".
        return Look(seen="READY", value=f"READY, {_woken(settings, name, task)}", done=True)

    return attempt_until(f"model serving endpoint {name}", look, deadline)


def _woken(settings: DatabricksSettings, name: str, task: str) -> str:
    if task not in _PROBES:
        return f"not called: of the task {task or 'that it does not name'}"
    with calling(f"call the model serving endpoint {name}"):
        answer = connect(settings).invoke(name, _PROBES[task])
    if task == EMBEDDINGS:
        return f"embeds into {counted(_length(answer), 'dimension')}"
    return "answers"


def _length(answer: Mapping[str, Any]) -> int:
    """Of the first vector of an answer; 0 if it has none."""
    data: Any = answer.get("data")
    first: Any = data[0] if isinstance(data, list) and data else {}
    vector: Any = first.get("embedding") if isinstance(first, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return len(vector) if isinstance(vector, list) else 0  # pyright: ignore[reportUnknownArgumentType]
