"""Inference endpoints: created with their model deployed, scaled, asked, and deleted when nothing uses them.

An endpoint has no `_meta`, so there is no mark to tell ours by: one that exists is compared with what is wanted, and only
deleted by its name, when neither a pipeline nor an index names it. Its model runs in a deployment that bears its id. A
creation that takes longer than its call goes on in the cluster; what it left undone is found and finished.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from tasks.calls import NotFound, ServiceUnwell
from tasks.elastic.cluster.deployment_states import adaptive_of, read_deployment
from tasks.elastic.cluster.deployment_waits import wait_until_started
from tasks.elastic.cluster.deployments import NoCapacity, ensure_deployment, remove_deployment
from tasks.elastic.connection.clients import CALL_SECONDS, connect
from tasks.elastic.connection.errors import BadRequest, calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec, Name, Threads
from tasks.errors import CannotChangeInPlace, GateNotMet, InvalidInput, PermanentError
from tasks.outcomes import Did, Ensured
from tasks.plurals import counted
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

TaskType = Literal["sparse_embedding", "text_embedding", "rerank"]
PUT_SECONDS = 30
"""A creation answers when its model is started, or after this."""
FIRST_USE_SECONDS = 10 * CALL_SECONDS
"""At most: the first use of a default endpoint waits for the download and the start of its model."""
MARGIN_SECONDS = 10.0
EMBEDDINGS = ("sparse_embedding", "text_embedding")
"""The task types of endpoints that embed texts."""
_DENSE = ("text_embedding",)


class EndpointSpec(BaseModel, frozen=True):
    """An inference endpoint of the service elasticsearch. Allocations can change in place, all else cannot."""

    id: Name
    task_type: TaskType
    model_id: str
    allocations: int = Field(default=1, ge=1)
    threads: Threads = 1
    adaptive: AdaptiveAllocations | None = None
    """In place of a fixed number of allocations."""

    @property
    def deployment(self) -> DeploymentSpec:
        """The deployment that its model runs in."""
        return DeploymentSpec(
            id=self.id,
            model_id=self.model_id,
            allocations=self.allocations,
            threads=self.threads,
            adaptive=self.adaptive,
        )


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """An inference endpoint as it was last read."""

    id: str
    task_type: str
    service: str
    model_id: str
    """Empty for a service that does not say it."""
    deployment_id: str
    """The deployment that answers; empty for a service outside the cluster."""
    threads: int | None
    allocations: int | None
    adaptive: AdaptiveAllocations | None
    url: str = ""
    """Where texts are sent; empty for a model in the cluster, and for a service that does not say it."""
    dimensions: int | None = None
    """Of its vectors, where the service says it."""

    @property
    def is_dense(self) -> bool:
        """Whether it answers vectors, not weights of tokens."""
        return self.task_type in _DENSE

    @property
    def is_local(self) -> bool:
        """Whether a model in the cluster answers."""
        return self.service in ("elasticsearch", "elser")


@dataclass(frozen=True)
class EndpointAnswer:
    """One text embedded, to see that an endpoint works."""

    task_type: str
    size: int
    """Tokens of a sparse embedding, dimensions of a dense one."""
    milliseconds: float

    def __str__(self) -> str:
        unit = "dimension" if self.task_type in _DENSE else "token"
        return f"answers {counted(self.size, unit)} in {self.milliseconds:.0f} ms"


class EndpointInUse(PermanentError):
    """An endpoint that pipelines or indices name is not deleted."""

    def __init__(self, endpoint: str, *, pipelines: list[str], indexes: list[str]) -> None:
        self.endpoint, self.pipelines, self.indexes = endpoint, pipelines, indexes
        uses = [f"pipeline {one}" for one in pipelines] + [f"index {one}" for one in indexes]
        super().__init__(
            f"The inference endpoint {endpoint!r} is used by {', '.join(uses)}, so it was not deleted: their documents could not "
            "be embedded or searched any more, and an endpoint of the same id with another model would break them. Remove "
            "these first, for example with "
            f"`{command('elastic teardown', name='NAME')}`, then run the same command again."
        )


@step("read inference endpoint {endpoint_id}")
def read_endpoint(settings: ElasticSettings, endpoint_id: str) -> EndpointState | None:
    """An endpoint by its id, or None. A pattern (`*`, `_all`) is no id."""
    try:
        with calling(f"read the inference endpoint {endpoint_id}"):
            found = connect(settings).inference.get(inference_id=endpoint_id)
    except NotFound:
        return None
    return next((each for each in map(_state, found["endpoints"]) if each.id == endpoint_id), None)


@step("list the inference endpoints")
def read_endpoints(settings: ElasticSettings) -> tuple[EndpointState, ...]:
    """All endpoints, by id."""
    with calling("list the inference endpoints"):
        found = connect(settings).inference.get()
    return tuple(sorted(map(_state, found["endpoints"]), key=lambda each: each.id))


@step("ensure inference endpoint {spec.id}")
def ensure_endpoint(
    settings: ElasticSettings, spec: EndpointSpec, deadline: Deadline
) -> Ensured[EndpointState]:
    """The endpoint of this specification; its allocations are set in place, a deployment that it lacks is started.

    The model must be complete: a creation that waits for a download times out.

    Raises:
        CannotChangeInPlace: it exists with another model, task, service or threads.
        NoCapacity: the nodes cannot hold its model. Nothing of it remains.
        BadRequest: the id is taken by a model or a deployment, or is not valid.
    """
    there = read_endpoint.fn(settings, spec.id)
    did: Did = "nothing"
    if there is None:
        there, did = _create(settings, spec), "created"
    check_endpoint(spec, there)
    deployment = read_deployment.fn(settings, spec.id)
    if deployment is None or deployment.has_failed:
        # Its creation was cut off, it crashed or somebody stopped it: under this id the endpoint finds it again.
        say(f"The inference endpoint {spec.id} has no deployment that answers. Starting one under its id.")
        ensure_deployment.fn(settings, spec.deployment, deadline)
        did = did if did == "created" else "changed"
    elif not _is_scaled(spec, there):
        wait_until_started(settings, spec.id, 1, deadline, may_grow=False)
        _update(settings, spec)
        did = did if did == "created" else "changed"
    return Ensured(read_endpoint.fn(settings, spec.id) or there, did)


@step("wait for inference endpoint {spec.id}")
def wait_for_endpoint(settings: ElasticSettings, spec: EndpointSpec, deadline: Deadline) -> None:
    """Wait until the model of an endpoint is started with all its allocations.

    Raises:
        DeploymentFailed, DeploymentStopped, NoRoom, DeadlinePassed: as `wait_for_deployment`.
    """
    wait_until_started(settings, spec.id, spec.deployment.least_allocations, deadline, may_grow=False)


@step("read inference endpoint {endpoint_id}")
def read_embedding_endpoint(settings: ElasticSettings, endpoint_id: str) -> EndpointState:
    """An endpoint that embeds texts.

    Raises:
        InvalidInput: there is no such endpoint, or it answers something else; lists those that embed.
    """
    known = {each.id: each for each in read_endpoints.fn(settings)}
    there = known.get(endpoint_id)
    if there is not None and there.task_type in EMBEDDINGS:
        return there
    create = command("elastic endpoint-ensure", name=endpoint_id, model_id="MODEL")
    remedy = (
        f"Create it with `{create}`: the model decides whether it answers vectors or tokens with weights."
    )
    raise InvalidInput(
        f"This inference endpoint answers {there.task_type}, which is no embedding of a text"
        if there
        else "There is no such inference endpoint",
        value=endpoint_id,
        source="--endpoint",
        accepted=", ".join(each.id for each in known.values() if each.task_type in EMBEDDINGS),
        remedy="" if there else remedy,
    )


@step("ask inference endpoint {endpoint_id}")
def verify_endpoint(
    settings: ElasticSettings, endpoint_id: str, *, deadline: Deadline | None = None
) -> EndpointAnswer:
    """See that an endpoint answers. The first use of a default endpoint waits for its model, until the deadline at most.

    Raises:
        InvalidInput: there is no such endpoint, or it embeds no texts; lists those that do.
        GateNotMet: it answers with nothing.
    """
    began, timeout = time.perf_counter(), first_use_seconds(deadline)
    client = connect(settings).options(request_timeout=timeout + MARGIN_SECONDS)
    try:
        with calling(f"ask the inference endpoint {endpoint_id}"):
            found: dict[str, Any] = client.inference.inference(
                inference_id=endpoint_id, input=["a question"], timeout=f"{timeout:.0f}s"
            ).body
    except (BadRequest, NotFound) as error:
        try:
            read_embedding_endpoint.fn(settings, endpoint_id)
        except InvalidInput as missing:
            raise missing from error
        raise
    kind, answers = next(iter(found.items()))
    embedding: Any = answers[0].get("embedding") if answers else None
    if not embedding:
        raise GateNotMet(f"The size of the embedding from {endpoint_id}", measured=0, wanted="at least 1")
    return EndpointAnswer(kind, len(embedding), (time.perf_counter() - began) * 1000)


def first_use_seconds(deadline: Deadline | None) -> float:
    """How long the first use of an endpoint may take: `FIRST_USE_SECONDS`, but not beyond the deadline; at least a second, for a try."""
    return FIRST_USE_SECONDS if deadline is None else min(FIRST_USE_SECONDS, max(deadline.left, 1.0))


@step("remove inference endpoint {endpoint_id}")
def remove_endpoint(settings: ElasticSettings, endpoint_id: str, deadline: Deadline) -> tuple[str, ...]:
    """Delete an endpoint that nothing uses, and stop its deployment. Returns its id, or nothing if neither existed.

    Raises:
        EndpointInUse: pipelines or indices name it; nothing was deleted.
        Conflict: there is no endpoint of this id, only a deployment, and an ingest pipeline names that.
    """
    there = read_endpoint.fn(settings, endpoint_id)
    if there is not None:
        try:
            client = connect(settings)
            verify_unused.fn(settings, endpoint_id)
            with calling(f"delete the inference endpoint {endpoint_id}"):
                client.inference.delete(inference_id=endpoint_id)
        except NotFound:
            pass
    # A deletion that was cut off, or forced, leaves the deployment behind.
    left = there is None or there.deployment_id == endpoint_id
    stopped = remove_deployment.fn(settings, endpoint_id, deadline) if left else ()
    return (endpoint_id,) if there is not None or stopped else ()


@step("see that nothing uses inference endpoint {endpoint_id}")
def verify_unused(settings: ElasticSettings, endpoint_id: str) -> None:
    """Refuse to delete an endpoint that is used. Asked of the service, which deletes nothing with `dry_run`.

    Raises:
        EndpointInUse: pipelines or indices name it.
        NotFound: there is no such endpoint.
    """
    with calling(f"see what uses the inference endpoint {endpoint_id}"):
        uses: dict[str, Any] = connect(settings).inference.delete(inference_id=endpoint_id, dry_run=True).body
    if uses.get("pipelines") or uses.get("indexes"):
        raise EndpointInUse(
            endpoint_id, pipelines=uses.get("pipelines") or [], indexes=uses.get("indexes") or []
        )


def _create(settings: ElasticSettings, spec: EndpointSpec) -> EndpointState:
    scaling: dict[str, Any] = (
        {"num_allocations": spec.allocations}
        if spec.adaptive is None
        else {"adaptive_allocations": spec.adaptive.body()}
    )
    service = {"model_id": spec.model_id, "num_threads": spec.threads, **scaling}
    config = {"service": "elasticsearch", "service_settings": service}
    client = connect(settings).options(request_timeout=PUT_SECONDS + MARGIN_SECONDS)
    try:
        with calling(f"create the inference endpoint {spec.id}"):
            client.inference.put(
                inference_id=spec.id,
                task_type=spec.task_type,
                inference_config=config,
                timeout=f"{PUT_SECONDS}s",
            )
    except ServiceUnwell as error:
        if error.status == 429 and error.type == "status_exception":
            raise NoCapacity(spec.deployment, said=error.said) from error
        there = read_endpoint.fn(settings, spec.id)
        if there is None:
            raise
        say(f"The creation of {spec.id} goes on in the cluster ({error.said}).")
        return there
    except BadRequest:
        # A lost reply, or somebody else was faster: then it exists, and is compared like any other.
        there = read_endpoint.fn(settings, spec.id)
        if there is None:
            raise
        return there
    there = read_endpoint.fn(settings, spec.id)
    if there is None:
        raise GateNotMet(
            f"The inference endpoint {spec.id} after its creation", measured="gone", wanted="there"
        )
    return there


def _update(settings: ElasticSettings, spec: EndpointSpec) -> None:
    wanted: dict[str, Any] = (
        {"num_allocations": spec.allocations}
        if spec.adaptive is None
        else {"adaptive_allocations": spec.adaptive.body()}
    )
    with calling(f"set the allocations of the inference endpoint {spec.id}"):
        connect(settings).inference.update(
            inference_id=spec.id, task_type=spec.task_type, inference_config={"service_settings": wanted}
        )


def _is_scaled(spec: EndpointSpec, there: EndpointState) -> bool:
    if spec.adaptive is not None:
        return there.adaptive == spec.adaptive
    return there.allocations == spec.allocations and there.adaptive is None


def check_endpoint(spec: EndpointSpec, there: EndpointState) -> None:
    """Refuse an endpoint that differs in what cannot change.

    Raises:
        CannotChangeInPlace: its service, task, model or threads are others.
    """
    wanted: dict[str, Any] = {
        "service": "elasticsearch",
        "task_type": spec.task_type,
        "model_id": spec.model_id,
        "threads": spec.threads,
    }
    for field, value in wanted.items():
        present = getattr(there, field)
        if present != value:
            kept = "fields that use this one hold embeddings of its model"
            delete = command("elastic endpoint-delete", name=spec.id)
            raise CannotChangeInPlace(
                "inference endpoint", spec.id, field=field, there=present, wanted=value,
                remedy=f"Choose another id, or delete it first with `{delete}`." if there.task_type == "rerank" else f"Choose another id: {kept}.",
            )  # fmt: skip


def _state(raw: dict[str, Any]) -> EndpointState:
    chosen: dict[str, Any] = raw.get("service_settings") or {}
    local = raw["service"] in ("elasticsearch", "elser")
    return EndpointState(
        id=raw["inference_id"],
        task_type=raw["task_type"],
        service=raw["service"],
        model_id=chosen.get("model_id", ""),
        deployment_id=(chosen.get("deployment_id") or raw["inference_id"]) if local else "",
        threads=chosen.get("num_threads"),
        allocations=chosen.get("num_allocations"),
        adaptive=adaptive_of(chosen.get("adaptive_allocations") or {}),
        url=chosen.get("url", ""),
        dimensions=chosen.get("dimensions"),
    )
