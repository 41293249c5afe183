"""Deployed indexes as they are read and compared: the copies that serve. Keyed by the id that we choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from google.cloud.aiplatform_v1 import DeployedIndex, IndexEndpoint

from tasks.errors import CannotChangeInPlace, PermanentError
from tasks.program import command
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.indexes import IndexState
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, Replicas
from tasks.waiting import Deadline, Look, wait_until

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
    there = find_deployed(settings, deployed_index_id, endpoint)
    return None if there is None else state_of(there, endpoint, making="")


@step("look at deployed index {spec.id} before it is changed")
def read_deployed_index_to_change(
    settings: VertexSettings, spec: DeployedIndexSpec, *, endpoint: str, index: str
) -> DeployedIndexState | None:
    """The deployed index of this id behind an endpoint, if there is one, seen to be what the specification wants.

    Raises:
        CannotChangeInPlace: the id serves another index, or runs on another machine or in another tier.
    """
    there = find_deployed(settings, spec.id, endpoint)
    if there is None:
        return None
    refuse_difference(spec, there, index)
    return state_of(there, endpoint, making="")


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
        there = find_deployed(settings, deployed_index_id, endpoint)
        if there is None:  # it served before, so it was undeployed
            raise NoLongerDeployed(name, deployed_index_id, endpoint=endpoint)
        synced = DeployedIndex.pb(there).index_sync_time.ToNanoseconds() >= overwritten
        return Look(
            seen="caught up" if synced else "still serving the old contents", done=synced, value=synced
        )

    wait_until(f"deployed index {deployed_index_id} to catch up with its index", look, deadline)


def read_endpoint(settings: VertexSettings, endpoint: str) -> IndexEndpoint:
    """The endpoint as the service has it."""
    with calling(f"read {endpoint}"):
        return connect(settings).endpoints.get_index_endpoint(name=endpoint, timeout=CALL_SECONDS)


def find_deployed(settings: VertexSettings, deployed_index_id: str, endpoint: str) -> DeployedIndex | None:
    """A deployed index as its endpoint lists it, or None."""
    deployed = read_endpoint(settings, endpoint).deployed_indexes
    return next((one for one in deployed if one.id == deployed_index_id), None)


def refuse_difference(spec: DeployedIndexSpec, there: DeployedIndex, index: str) -> None:
    """See that a deployed index is what the specification wants, up to its replicas.

    Raises:
        CannotChangeInPlace: it serves another index, or runs on another machine or in another tier.
    """
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


def replicas_of(there: DeployedIndex) -> Replicas:
    """Its bounds of automatic scaling."""
    resources = (
        there.dedicated_resources
        if there.dedicated_resources.machine_spec.machine_type
        else there.automatic_resources
    )
    return resources.min_replica_count, resources.max_replica_count


def state_of(there: DeployedIndex, endpoint: str, making: str) -> DeployedIndexState:
    """What the flows know of it; `making` is the operation that changes it, or empty."""
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
        replicas=replicas_of(there),
        service_attachment=private.service_attachment,
    )
