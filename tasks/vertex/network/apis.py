"""The APIs that a private endpoint needs, by Service Usage: read, enabled, awaited."""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud import service_usage_v1

from tasks.calls import ServiceRefused
from tasks.outcomes import Ensured
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import OperationFailed, calling
from tasks.vertex.network.clients import connect_networks
from tasks.vertex.network.compute import SERVICE_DISABLED, reason_of
from tasks.vertex.network.peering import read_connection
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look, wait_until

APIS = (
    "compute.googleapis.com",
    "servicenetworking.googleapis.com",
    "aiplatform.googleapis.com",
    "storage.googleapis.com",
)
"""Those that the notebook enables with gcloud."""


@dataclass(frozen=True)
class Apis:
    """What Service Usage says of a project."""

    number: str
    """The project's number, by which Service Networking and Vertex AI name networks."""
    disabled: tuple[str, ...]
    """Those of APIS that are not enabled."""


@step("read enabled APIs of {settings.project}")
def read_apis(settings: VertexSettings) -> Apis:
    """Which of the APIs are enabled, and the project's number."""
    names = [f"projects/{settings.project}/services/{api}" for api in APIS]
    with calling("read which APIs are enabled"):
        found = connect_networks(settings).service_usage.batch_get_services(
            request={"parent": f"projects/{settings.project}", "names": names},
            timeout=CALL_SECONDS,
            retry=None,
        )
    enabled = {
        service.name.rpartition("/")[2]
        for service in found.services
        if service.state == service_usage_v1.State.ENABLED
    }
    return Apis(
        number=found.services[0].parent.rpartition("/")[2],
        disabled=tuple(api for api in APIS if api not in enabled),
    )


@step("ensure APIs of {settings.project} are enabled")
def ensure_apis(settings: VertexSettings, deadline: Deadline) -> Ensured[Apis]:
    """The APIs, enabled in one call if any of them is not.

    Raises:
        OperationFailed: the service could not enable them.
    """
    found = read_apis.fn(settings)
    if not found.disabled:
        return Ensured(found)
    doing = f"enable {', '.join(found.disabled)}"
    with calling(doing):
        operation = connect_networks(settings).service_usage.batch_enable_services(
            request={"parent": f"projects/{settings.project}", "service_ids": list(found.disabled)},
            timeout=CALL_SECONDS,
            retry=None,
        )

    def look() -> Look[bool]:
        with calling(f"read the operation {operation.operation.name}"):
            done = operation.done(retry=None)
        return Look("done" if done else "running", value=True, done=done)

    wait_until(doing, look, deadline)
    ended = operation.operation
    if ended.HasField("error"):
        raise OperationFailed(doing, operation=ended.name, code=ended.error.code, said=ended.error.message)
    return Ensured(read_apis.fn(settings), "created")


@step("wait for the APIs of {settings.project} to answer")
def wait_for_apis(settings: VertexSettings, number: str, deadline: Deadline) -> None:
    """Wait until the APIs of networks answer: for minutes after they were enabled they still say that they are not."""

    def look() -> Look[bool]:
        try:
            with calling("read whether Compute Engine answers"):
                request = {"project": settings.project, "max_results": 1}
                next(
                    iter(connect_networks(settings).networks.list(request=request, timeout=CALL_SECONDS)),
                    None,
                )
            read_connection.fn(settings, f"projects/{number}/global/networks/default")
        except ServiceRefused as error:
            if reason_of(error) not in SERVICE_DISABLED:
                raise
            return Look("not yet: they were enabled a moment ago")
        return Look("they answer", value=True, done=True)

    wait_until("the newly enabled APIs", look, deadline)
