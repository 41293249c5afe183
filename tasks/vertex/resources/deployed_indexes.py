"""Deployed indexes: the copies that serve and that cost by the hour. Keyed by the id that we choose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from google.cloud.aiplatform_v1 import DeployedIndex, IndexEndpoint, IndexEndpointServiceClient

from tasks.calls import NotFound
from tasks.errors import CannotChangeInPlace, PermanentError
from tasks.interruption import WhenInterrupted
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import AlreadyExists, calling
from tasks.vertex.operations.adoption import endpoint_name_of, find_ours
from tasks.vertex.operations.operations import Operation, end, follow, own_id, unfinished
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES, IndexState
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, Replicas, is_our_deployed_index_id
from tasks.waiting import Deadline, Look, wait_until

USUAL_DEPLOY_SECONDS = 20 * 60.0
USUAL_UNDEPLOY_SECONDS = 3 * 60.0
LISTING_SECONDS = 5 * 60.0
"""How long an endpoint may take to list what its operation has deployed; later, somebody has undeployed it."""
_AUTOMATIC = "automatic resources"
_DEFAULT_TIER = "the service's default"


@dataclass(frozen=True, kw_only=True)
class DeployedIndexState:
    """A deployed index as it was last read, or on its way."""

    id: str
    endpoint: str
    index: str
    private_address: str
    """Where private queries go, without the port; empty on a public endpoint."""
    making: str
    """The operation that deploys or changes it, or empty."""
    serves: bool
    """Whether it answers already; if so, `making` changes its replicas."""
    replicas: Replicas | None = None
    """None while it is being deployed."""
    service_attachment: str = ""
    """With Private Service Connect: the target of the user's forwarding rule."""

    @classmethod
    def on_its_way(cls, id_: str, endpoint: str, index: str, making: str) -> Self:
        """One that an operation is still deploying."""
        return cls(id=id_, endpoint=endpoint, index=index, private_address="", making=making, serves=False)


class NoLongerDeployed(PermanentError):
    """What was served is not any more: waiting for it would never end."""

    def __init__(self, name: str, deployed_index_id: str, *, endpoint: str) -> None:
        self.name, self.deployed_index_id, self.endpoint = name, deployed_index_id, endpoint
        super().__init__(
            f"The deployed index {deployed_index_id} is no longer on its endpoint {endpoint}: somebody undeployed it meanwhile. Deploy "
            f"it again with `{command('vertex build', name=name, data='FILE.hdf5')}`, then run this again."
        )


class DeployedElsewhere(PermanentError):
    """The id that a deployed index is to have is taken by another endpoint of the project."""

    def __init__(self, deployed_index_id: str, *, endpoint: str, index: str) -> None:
        self.deployed_index_id, self.endpoint, self.index = deployed_index_id, endpoint, index
        super().__init__(
            f"The deployed index id {deployed_index_id} is taken: somebody deployed the index {index} under it on the endpoint {endpoint}, "
            f"and an id is unique in the project. Undeploy it there, `{undeploy_command(endpoint, deployed_index_id)}`, then run this "
            "again; or choose another --name."
        )


def undeploy_command(endpoint: str, deployed_index_id: str) -> str:
    """The command by which people undeploy an index."""
    _, project, _, location, _, id_ = endpoint.split("/")
    return (
        f"gcloud ai index-endpoints undeploy-index {id_} --deployed-index-id={deployed_index_id} --project={project} "
        f"--region={location}"
    )


def refuse_elsewhere(deployed_index_id: str, index: IndexState, endpoint: str) -> None:
    """See that nobody moved our deployed index to another endpoint.

    Raises:
        DeployedElsewhere: somebody did.
    """
    for other, id_ in index.deployed:
        if id_ == deployed_index_id and own_id(other) != own_id(endpoint):
            raise DeployedElsewhere(id_, endpoint=other, index=index.resource)


@step("read deployed index {deployed_index_id}")
def read_deployed_index(
    settings: VertexSettings, deployed_index_id: str, endpoint: str
) -> DeployedIndexState | None:
    """A deployed index as it stands, or None when its endpoint does not list it."""
    there = _read(settings, deployed_index_id, endpoint)
    return None if there is None else _state(there, endpoint, making="")


@step("look at deployed index {spec.id} before it is changed")
def read_deployed_index_to_change(
    settings: VertexSettings, spec: DeployedIndexSpec, *, endpoint: str, index: str
) -> DeployedIndexState | None:
    """The deployed index of this id behind an endpoint, if there is one, seen to be what the specification wants.

    Raises:
        CannotChangeInPlace: the id serves another index, or runs on another machine or in another tier.
    """
    there = _read(settings, spec.id, endpoint)
    if there is None:
        return None
    _refuse_difference(spec, there, index)
    return _state(there, endpoint, making="")


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
        what = f"an undeployment from endpoint {spec.name} that an earlier run started"
        say(f"Waiting for {what}: {operation.name}.")
        follow(settings, operation.name, what, deadline, usual=USUAL_UNDEPLOY_SECONDS)
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
            deployment = _client(settings).deploy_index(
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
        there = _read(settings, spec.id, deployed.endpoint)
        if there is None:
            return Look(seen="not listed by its endpoint yet")
        return Look(seen="serving", done=True, value=_state(there, deployed.endpoint, making=""))

    soon = Deadline.after(seconds=min(LISTING_SECONDS, deadline.left))
    remedy = "Its deployment has ended, so somebody may have undeployed it. Run the same command again to deploy it."
    return wait_until(f"deployed index {spec.id} in its endpoint", look, soon, remedy=remedy)


@step("wait until {deployed_index_id} serves the new contents")
def wait_for_index_sync(
    settings: VertexSettings,
    name: str,
    endpoint: str,
    deployed_index_id: str,
    overwritten: int,
    deadline: Deadline,
) -> None:
    """Wait until the deployed copy has caught up with its index: index_sync_time >= the end of the last overwrite.

    A copy contains the operations whose update_time is no later (index_endpoint.proto, DeployedIndex). The index's own
    update_time does not serve: a change of labels moves it, and no copy follows that.

    Raises:
        NoLongerDeployed: somebody undeployed it meanwhile.
    """

    def look() -> Look[bool]:
        there = _read(settings, deployed_index_id, endpoint)
        if there is None:  # it served before, so it was undeployed
            raise NoLongerDeployed(name, deployed_index_id, endpoint=endpoint)
        synced = DeployedIndex.pb(there).index_sync_time.ToNanoseconds() >= overwritten
        return Look(
            seen="caught up" if synced else "still serving the old contents", done=synced, value=synced
        )

    wait_until(f"deployed index {deployed_index_id} to catch up with its index", look, deadline)


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
        for deployed in _endpoint(settings, endpoint).deployed_indexes:
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
    deployed = _read(settings, deployed_index_id, endpoint)
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
    _refuse_difference(spec, found.deployed, index)
    there = _replicas(found.deployed)
    if making:
        return Ensured(_state(found.deployed, endpoint, making), "adopted")
    if there == spec.replicas(there):
        return Ensured(_state(found.deployed, endpoint, making=""))
    return Ensured(_state(found.deployed, endpoint, _mutate(settings, spec, endpoint, there)), "changed")


def _mutate(settings: VertexSettings, spec: DeployedIndexSpec, endpoint: str, there: Replicas) -> str:
    wanted = DeployedIndex(id=spec.id, **spec.resources(there))
    with calling(f"change the replicas of {spec.id}"):
        mutation = _client(settings).mutate_deployed_index(
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
        if _read(settings, deployed_index_id, endpoint) is None:
            return
        with calling(what):
            undeployment = _client(settings).undeploy_index(
                index_endpoint=endpoint, deployed_index_id=deployed_index_id, timeout=CALL_SECONDS, retry=None
            )
        follow(settings, undeployment.operation.name, what, deadline, usual=USUAL_UNDEPLOY_SECONDS)
    except NotFound:
        pass


def _client(settings: VertexSettings) -> IndexEndpointServiceClient:
    return connect(settings).endpoints


def _endpoint(settings: VertexSettings, endpoint: str) -> IndexEndpoint:
    with calling(f"read {endpoint}"):
        return _client(settings).get_index_endpoint(name=endpoint, timeout=CALL_SECONDS)


def _read(settings: VertexSettings, deployed_index_id: str, endpoint: str) -> DeployedIndex | None:
    deployed = _endpoint(settings, endpoint).deployed_indexes
    return next((one for one in deployed if one.id == deployed_index_id), None)


def _refuse_difference(spec: DeployedIndexSpec, there: DeployedIndex, index: str) -> None:
    remedy = (
        "Choose another --name, build a new version beside it with --as-version, or tear this one down first."
    )
    # The service answers with the project's number where we may have asked with its id: compare the resource's own id.
    if own_id(there.index) != own_id(index):
        raise CannotChangeInPlace(
            "deployed index", spec.id, field="index", there=there.index, wanted=index, remedy=remedy
        )
    machine = there.dedicated_resources.machine_spec.machine_type or _AUTOMATIC
    wanted = spec.machine_type or _AUTOMATIC
    if machine != wanted:
        raise CannotChangeInPlace(
            "deployed index",
            spec.id,
            field="machine_type",
            there=machine,
            wanted=wanted,
            remedy=remedy,
        )
    tier = there.deployment_tier.name if there.deployment_tier else _DEFAULT_TIER
    if tier != (spec.deployment_tier or _DEFAULT_TIER):
        raise CannotChangeInPlace(
            "deployed index", spec.id, field="deployment_tier", there=tier,
            wanted=spec.deployment_tier or _DEFAULT_TIER, remedy=remedy,
        )  # fmt: skip


def _replicas(there: DeployedIndex) -> Replicas:
    resources = (
        there.dedicated_resources
        if there.dedicated_resources.machine_spec.machine_type
        else there.automatic_resources
    )
    return resources.min_replica_count, resources.max_replica_count


def _state(there: DeployedIndex, endpoint: str, making: str) -> DeployedIndexState:
    private = there.private_endpoints
    address = private.match_grpc_address
    if not address and private.psc_automated_endpoints:
        address = private.psc_automated_endpoints[0].match_address
    return DeployedIndexState(
        id=there.id,
        endpoint=endpoint,
        index=there.index,
        private_address=address,
        making=making,
        serves=True,
        replicas=_replicas(there),
        service_attachment=private.service_attachment,
    )
