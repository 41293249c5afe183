"""A model serving endpoint as Databricks describes it, with its state since the stand-in started.

Names and values as in databricks-sdk 0.162 (`service/serving.py`); an endpoint is READY or NOT_READY, and its update has a state too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Task = Literal["llm/v1/chat", "llm/v1/embeddings"]


@dataclass(frozen=True)
class ModelStart:
    """How models start."""

    seconds: float = 0.0
    """Real seconds from the start of the stand-in until its models answer; until then 503, and their endpoints are NOT_READY."""
    fails: bool = False
    """Whether they never answer, and the update of their endpoints ends as UPDATE_FAILED."""

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ValueError("The seconds of a start must not be negative.")


class ServingEndpoints:
    """The endpoints of a stand-in, each named as its model.

    Args:
        tasks: what each model does, by its name.
        start: how they start.
    """

    def __init__(self, tasks: Mapping[str, Task], start: ModelStart) -> None:
        self._tasks, self._start, self._began = tasks, start, time.time()

    @property
    def names(self) -> tuple[str, ...]:
        """Every endpoint."""
        return tuple(self._tasks)

    @property
    def are_ready(self) -> bool:
        """Whether models answer."""
        return self._is_over and not self._start.fails

    @property
    def have_failed(self) -> bool:
        """Whether they never will."""
        return self._is_over and self._start.fails

    @property
    def _is_over(self) -> bool:
        return time.time() >= self._began + self._start.seconds

    def described(self, name: str) -> dict[str, Any]:
        """One of them, as the control plane shows it.

        Raises:
            KeyError: there is none of this name.
        """
        deployment, message = self._deployment()
        served = {
            "name": f"{name}-1",
            "entity_name": f"system.ai.{name}",
            "entity_version": "1",
            "scale_to_zero_enabled": True,
            "state": {"deployment": deployment, "deployment_state_message": message},
        }
        config = {"served_entities": [served], "config_version": 1}
        return {
            "name": name,
            "id": name,
            "task": self._tasks[name],
            "creation_timestamp": int(self._began * 1000),
            "state": {"ready": "READY" if self.are_ready else "NOT_READY", "config_update": self._update()},
            # What is not served yet stands in the configuration that the endpoint is being updated to.
            ("config" if self.are_ready else "pending_config"): config,
        }

    def _update(self) -> str:
        if not self._is_over:
            return "IN_PROGRESS"
        return "UPDATE_FAILED" if self._start.fails else "NOT_UPDATING"

    def _deployment(self) -> tuple[str, str]:
        if not self._is_over:
            return "DEPLOYMENT_CREATING", "Loading the weights of the model"
        if self._start.fails:
            return "DEPLOYMENT_FAILED", "The sandbox was told that models do not start"
        return "DEPLOYMENT_READY", ""
