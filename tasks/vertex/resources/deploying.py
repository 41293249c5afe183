"""Deploying an index behind an endpoint, and undeploying it: the copy serves, and costs by the hour."""

from __future__ import annotations

from dataclasses import dataclass, replace

from google.cloud.aiplatform_v1 import DeployedIndex

from tasks.calls import NotFound
from tasks.interruption import WhenInterrupted
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import AlreadyExists, calling
from tasks.vertex.operations.adoption import endpoint_name_of, find_ours
from tasks.vertex.operations.operations import Operation, end, follow, follow_earlier, own_id, unfinished
from tasks.vertex.resources.deployed_indexes import (
    DeployedElsewhere,
    DeployedIndexState,
    find_deployed,
    read_endpoint,
    refuse_difference,
    replicas_of,
    state_of,
)
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, Replicas, is_our_deployed_index_id
from tasks.waiting import Deadline, Look, wait_until

USUAL_DEPLOY_SECONDS = 20 * 60.0
USUAL_UNDEPLOY_SECONDS = 3 * 60.0
LISTING_SECONDS = 5 * 60.0
"""How long an endpoint may take to list what its operation has deployed; later, somebody has undeployed it."""


@step("read what is being deployed on {endpoint}")
def read_deploying(settings: VertexSettings, endpoint: str) -> tuple[str, ...]:
    """The deployed index ids that unfinished operations are still deploying on an endpoint."""
    return tuple(
        operation.deployed_index_id for operation in unfinished(settings, endpoint, kinds={"DeployIndex"})
    )


@step("ensure deployed index {spec.id}")
def ensure_deployed_index(
    settings: VertexSettings, spec: DeployedIndexSpec, *, endpoint: str, index: str, deadline: Deadline
) -> Ensured[DeployedIndexState]:
    """The index deployed behind the endpoint; deployed now unless it is there or on its way.

    Replicas change in place; those that the specification leaves open stay. What an earlier run is still undeploying is
    waited for first, because it is listed until it is gone.

    Raises:
        CannotChangeInPlace: the id serves another index, or runs on another machine or in another tier.
        DeployedElsewhere: the id is taken by another endpoint of the project.
        AlreadyExists: by one of another region, or by what is not listed yet.
    """
    for operation in unfinished(settings, endpoint, kinds={"UndeployIndex"}):
        # One that fails leaves its index deployed, which is seen below; on a shared endpoint it may be of another name.
        what = f"an undeployment from the endpoint of {spec.name}"
        follow_earlier(settings, operation, what, deadline, usual=USUAL_UNDEPLOY_SECONDS)
    if (found := _find(settings, spec.id, endpoint)) is not None:
        return _adopt(settings, spec, found, endpoint, index)
    wanted = DeployedIndex(
        id=spec.id,
        index=index,
        display_name=spec.name,
        deployment_tier=spec.deployment_tier,
        **spec.resources(),
    )
    try:
        with calling(f"deploy index {spec.name}"):
            deployment = connect(settings).endpoints.deploy_index(
                index_endpoint=endpoint, deployed_index=wanted, timeout=CALL_SECONDS, retry=None
            )
    except AlreadyExists:
        # An earlier call of ours may have been accepted while its reply was lost: look again and compare.
        if (found := _find(settings, spec.id, endpoint)) is None:
            _refuse_taken(settings, spec.id)
            raise
        return _adopt(settings, spec, found, endpoint, index)
    return Ensured(
        DeployedIndexState.on_its_way(spec.id, endpoint, index, deployment.operation.name), "created"
    )


@step("wait for deployed index {spec.id}")
def wait_for_deployed_index(
    settings: VertexSettings,
    spec: DeployedIndexSpec,
    deployed: DeployedIndexState,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> DeployedIndexState:
    """The deployed index, once it serves.

    Raises:
        OperationFailed: the deployment ended with an error.
        DeadlinePassed: it keeps running; the same command follows it again.
    """
    what = f"change the replicas of {spec.id}" if deployed.serves else f"deploy index {spec.name}"
    if deployed.making:
        follow(
            settings,
            deployed.making,
            what,
            deadline,
            usual=USUAL_DEPLOY_SECONDS,
            when_interrupted=when_interrupted,
        )

    def look() -> Look[DeployedIndexState]:
        there = find_deployed(settings, spec.id, deployed.endpoint)
        if there is None:
            return Look(seen="not listed by its endpoint yet")
        return Look(seen="serving", done=True, value=state_of(there, deployed.endpoint, making=""))

    soon = Deadline.after(seconds=min(LISTING_SECONDS, deadline.left))
    remedy = "Its deployment has ended, so somebody may have undeployed it. Run the same command again to deploy it."
    return wait_until(f"deployed index {spec.id} in its endpoint", look, soon, remedy=remedy)


@step("undeploy index {name}")
def remove_deployed_index(
    settings: VertexSettings, name: str, deadline: Deadline, version: str | None = None
) -> tuple[str, ...]:
    """Undeploy our indexes, or those of one version, from the endpoints that we created under a name.

    Our unfinished deployment is ended first. What others deployed there stays; tasks/vertex/resources/inventory.py names
    it before the first change. An endpoint that we share was created under another name.

    Returns:
        The ids of the undeployed indexes.
    """
    gone: list[str] = []
    meant = replace(INDEXES, version=version)
    indexes = find_ours(settings, meant, name, deadline)
    own = {own_id(made.resource.name) for made in indexes}
    names = {name, endpoint_name_of(name, indexes)}
    for made in [one for each in sorted(names) for one in find_ours(settings, ENDPOINTS, each, deadline)]:
        endpoint = made.resource.name
        for operation in unfinished(settings, endpoint, kinds={"DeployIndex", "MutateDeployedIndex"}):
            if is_our_deployed_index_id(operation.deployed_index_id, name, settings.location, version):
                say(f"An earlier run is still deploying {operation.deployed_index_id}. Ending that first.")
                end(settings, operation, deadline)
        for deployed in read_endpoint(settings, endpoint).deployed_indexes:
            if own_id(deployed.index) in own:
                _undeploy(settings, endpoint, deployed.id, deadline)
                gone.append(deployed.id)
    return tuple(gone)


@dataclass(frozen=True)
class _Found:
    deployed: DeployedIndex | None
    operation: Operation | None


def _find(settings: VertexSettings, deployed_index_id: str, endpoint: str) -> _Found | None:
    operation = next(
        (
            operation
            for operation in unfinished(settings, endpoint, kinds={"DeployIndex", "MutateDeployedIndex"})
            if operation.deployed_index_id == deployed_index_id
        ),
        None,
    )
    deployed = find_deployed(settings, deployed_index_id, endpoint)
    return _Found(deployed, operation) if deployed or operation else None


def _refuse_taken(settings: VertexSettings, deployed_index_id: str) -> None:
    for endpoint in ENDPOINTS.list(settings, ""):
        for one in endpoint.deployed_indexes:
            if one.id == deployed_index_id:
                raise DeployedElsewhere(one.id, endpoint=endpoint.name, index=one.index)


def _adopt(
    settings: VertexSettings, spec: DeployedIndexSpec, found: _Found, endpoint: str, index: str
) -> Ensured[DeployedIndexState]:
    making = found.operation.name if found.operation is not None else ""
    if found.deployed is None:
        say(f"An earlier run is still deploying {spec.id}. Following {making}.")
        return Ensured(DeployedIndexState.on_its_way(spec.id, endpoint, index, making), "adopted")
    refuse_difference(spec, found.deployed, index)
    there = replicas_of(found.deployed)
    if making:
        return Ensured(state_of(found.deployed, endpoint, making), "adopted")
    if there == spec.replicas(there):
        return Ensured(state_of(found.deployed, endpoint, making=""))
    return Ensured(state_of(found.deployed, endpoint, _mutate(settings, spec, endpoint, there)), "changed")


def _mutate(settings: VertexSettings, spec: DeployedIndexSpec, endpoint: str, there: Replicas) -> str:
    wanted = DeployedIndex(id=spec.id, **spec.resources(there))
    with calling(f"change the replicas of {spec.id}"):
        mutation = connect(settings).endpoints.mutate_deployed_index(
            index_endpoint=endpoint, deployed_index=wanted, timeout=CALL_SECONDS, retry=None
        )
    return mutation.operation.name


def _undeploy(settings: VertexSettings, endpoint: str, deployed_index_id: str, deadline: Deadline) -> None:
    what = f"undeploy index {deployed_index_id}"
    running = unfinished(settings, endpoint, kinds={"UndeployIndex"})
    try:
        # An earlier run's undeployment may be of another id; the loop of the caller's retry looks again then.
        for operation in running:
            follow(settings, operation.name, what, deadline, usual=USUAL_UNDEPLOY_SECONDS)
        if find_deployed(settings, deployed_index_id, endpoint) is None:
            return
        with calling(what):
            undeployment = connect(settings).endpoints.undeploy_index(
                index_endpoint=endpoint, deployed_index_id=deployed_index_id, timeout=CALL_SECONDS, retry=None
            )
        follow(settings, undeployment.operation.name, what, deadline, usual=USUAL_UNDEPLOY_SECONDS)
    except NotFound:
        pass
