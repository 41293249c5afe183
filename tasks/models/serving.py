"""Models that take time to start: the state of Databricks' model serving endpoints, and calls that wait until a model answers.

An endpoint that scales to zero is READY all the same: its first call takes minutes, and is answered 503 or 504 meanwhile. Databricks'
control plane lies beside its OpenAI-compatible routes; other servers have none, and show that they start by these statuses alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import quote

from tasks.calls import ServiceRefused, ServiceUnwell
from tasks.errors import InvalidInput, PermanentError
from tasks.models.clients import connect
from tasks.models.errors import NotAModelServer, calling
from tasks.models.settings import ModelSettings
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

T = TypeVar("T")
STARTING = (503, 504)
"""What a model that is starting answers (Databricks' endpoints that scale to zero; servers of one's own that load weights)."""
USUAL_START_SECONDS = 180.0
"""Of a start from zero; from memory: minutes."""
_GIVEN_UP = ("UPDATE_FAILED", "UPDATE_CANCELED")
"""`state.config_update` of an update that will not end well (databricks-sdk, `EndpointStateConfigUpdate`)."""


@dataclass(frozen=True, kw_only=True)
class ServingState:
    """The state of a model serving endpoint (databricks-sdk, `EndpointState` and `ServedModelState`)."""

    name: str
    ready: str
    """READY or NOT_READY; empty if the answer did not say."""
    update: str
    """NOT_UPDATING, IN_PROGRESS, UPDATE_FAILED or UPDATE_CANCELED."""
    said: str
    """What the deployment of its models says."""

    @property
    def is_ready(self) -> bool:
        """Whether it takes calls; the first may still have to wait."""
        return self.ready == "READY"

    @property
    def has_failed(self) -> bool:
        """Whether it will not become ready by waiting. One that is READY serves what it served before a failed update."""
        return not self.is_ready and self.update in _GIVEN_UP

    def __str__(self) -> str:
        known = (
            self.ready or "in an unknown state",
            f"update {self.update}" if self.update else "",
            self.said,
        )
        return ", ".join(filter(None, known))


class ServingFailed(PermanentError):
    """A model serving endpoint will not become ready by waiting."""

    def __init__(self, state: ServingState) -> None:
        self.state = state
        super().__init__(
            f"The model serving endpoint {state.name!r} does not take calls, and waiting does not change that: {state}. Look at its events "
            "and logs in the workspace (Serving), correct its configuration, or name another endpoint; then run the same command again."
        )


def serving_state(name: str, described: Mapping[str, Any]) -> ServingState:
    """The state that an endpoint's description has (`GET /api/2.0/serving-endpoints/NAME`)."""
    state = _object(described, "state")
    said: list[str] = []
    for config in ("config", "pending_config"):
        for served in cast("list[Any]", _object(described, config).get("served_entities") or []):
            deployment = _object(served, "state") if isinstance(served, dict) else {}
            said += [
                str(deployment[each])
                for each in ("deployment", "deployment_state_message")
                if deployment.get(each)
            ]
    ready, update = (str(state.get(each) or "") for each in ("ready", "config_update"))
    return ServingState(name=name, ready=ready, update=update, said=", ".join(dict.fromkeys(said)))


def read_serving_state(settings: ModelSettings, model: str) -> ServingState | None:
    """The state of a model's endpoint, or None where the routes are not Databricks'.

    Raises:
        Exception: as `tasks.models.errors.calling`; NotFound if there is no endpoint of this name.
    """
    if settings.control_plane is None:
        return None
    doing = f"read the model serving endpoint {model}"
    with calling(doing):
        found: object = connect(settings).get(
            f"{settings.control_plane}/{quote(model, safe='')}", cast_to=object
        )
    if not isinstance(found, dict):
        raise NotAModelServer(doing, said="the answer is no object")
    return serving_state(model, cast("dict[str, Any]", found))


@step("wait for the model {model}")
def wait_for_model(settings: ModelSettings, model: str, deadline: Deadline) -> str:
    """Wait until a model serving endpoint of Databricks is READY. Of other servers nothing is known before they are called.

    Returns:
        Its state, or empty where the routes are not Databricks'.

    Raises:
        ServingFailed: it will not become ready.
        DeadlinePassed: with its last state.
        Exception: as `read_serving_state`.
    """
    first = read_serving_state(settings, model)
    if first is None:
        return ""

    def look() -> Look[str]:
        nonlocal first
        state, first = first or read_serving_state(settings, model), None
        if state is None or state.is_ready:
            return Look(seen="READY", value="READY", done=True)
        if state.has_failed:
            raise ServingFailed(state)
        return Look(seen=str(state))

    if first.is_ready:
        return "READY"
    return wait_until(f"model serving endpoint {model}", look, deadline, usual=USUAL_START_SECONDS)


@contextmanager
def calling_model(settings: ModelSettings, model: str, doing: str) -> Generator[None]:
    """As `tasks.models.errors.calling`, for a call of a model: where it seems to start, the endpoint's state is in the error.

    Args:
        settings: where the model is.
        model: its name.
        doing: completes "Could not ...": `embed 16 passages`.

    Raises:
        ServingFailed: the model's endpoint will not become ready.
        Exception: as `calling`.
    """
    try:
        with calling(doing):
            yield
    except ServiceUnwell as error:
        state = _state_if_known(settings, model) if error.status in STARTING else None
        if state is None:
            raise
        if state.has_failed:
            raise ServingFailed(state) from error
        raise ServiceUnwell(
            doing, service=error.service, status=error.status, type=error.type, said=f"{error.said}; endpoint {model}: {state}"
        ) from error  # fmt: skip


def when_started(model: str, call: Callable[[], T], deadline: Deadline) -> T:
    """Call a model, again and again while it starts: until it does it answers 503 or 504. Every other failure is raised as it is.

    Raises:
        DeadlinePassed: it is still starting.
        Exception: as the call.
    """

    def look() -> Look[T]:
        try:
            return Look(seen="answers", value=call(), done=True)
        except ServiceUnwell as error:
            if error.status not in STARTING:
                raise
            return Look(seen=f"{error.status}, starting: {error.said}")

    first = look()
    if first.done:
        return cast("T", first.value)
    return wait_until(f"model {model}", look, deadline, usual=USUAL_START_SECONDS)


def _state_if_known(settings: ModelSettings, model: str) -> ServingState | None:
    """For an error that is being raised anyway: what cannot be read, or not by this key, is left out."""
    try:
        return read_serving_state(settings, model)
    except (ServiceUnwell, ServiceRefused, InvalidInput, NotAModelServer):
        return None


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
