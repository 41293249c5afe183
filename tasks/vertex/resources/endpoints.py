"""Index endpoints: ensured, waited for, removed. The kind of the endpoint decides how queries travel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from google.cloud.aiplatform_v1 import (
    DeployedIndex,
    IndexEndpoint,
    IndexEndpointServiceClient,
    PrivateServiceConnectConfig,
)

from tasks.errors import CannotChangeInPlace, InvalidInput
from tasks.interruption import WhenInterrupted
from tasks.outcomes import Ensured
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.marks import SERVED_MARKS, labels_of, mark_for
from tasks.vertex.operations.adoption import Kind, Made, find_or_create, find_ours, find_to_change, the_one
from tasks.vertex.operations.operations import follow, own_id
from tasks.vertex.operations.removal import remove_twins
from tasks.vertex.resources.encryption import encryption, refuse_other_key
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, EndpointKind, EndpointSpec
from tasks.waiting import Deadline

USUAL_CREATE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """An index endpoint as it was last read."""

    resource: str
    kind: EndpointKind
    network: str
    public_domain: str
    deployed_index_ids: tuple[str, ...]
    making: str
    """The operation that still creates it, or empty."""
    name: str = ""
    """What it was created under."""
    serves: str = FIRST
    """The version that queries go to."""
    replaced: str = ""
    """The version that was served before the last swap; empty after a rollback."""
    rolled_back_from: str = ""
    """The version that was served before the last rollback; empty after a swap."""
    served_since: float = 0
    """When the last swap or rollback was, seconds since 1970; 0 if there was none."""
    indexes: Mapping[str, str] = field(default_factory=dict[str, str])
    """The own ids of the indexes that are served, by deployed index id."""
    machine_types: Mapping[str, str] = field(default_factory=dict[str, str])
    """By deployed index id; empty for automatic resources, and for a tier other than the default its name."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """All of them, our marks too."""


def _list(settings: VertexSettings, filter_: str) -> Iterable[IndexEndpoint]:
    with calling(f"list the index endpoints of {settings.parent}"):
        request = {"parent": settings.parent, "filter": filter_}
        return list(_client(settings).list_index_endpoints(request, timeout=CALL_SECONDS))


def _get(settings: VertexSettings, resource: str) -> IndexEndpoint:
    with calling(f"read {resource}"):
        return _client(settings).get_index_endpoint(name=resource, timeout=CALL_SECONDS)


def _delete(settings: VertexSettings, resource: str) -> str:
    with calling(f"delete {resource}"):
        deletion = _client(settings).delete_index_endpoint(name=resource, timeout=CALL_SECONDS, retry=None)
    return deletion.operation.name


def _client(settings: VertexSettings) -> IndexEndpointServiceClient:
    return connect(settings).endpoints


ENDPOINTS: Kind[IndexEndpoint] = Kind(
    noun="endpoint",
    create="CreateIndexEndpoint",
    list=_list,
    get=_get,
    delete=_delete,
    option="--name, or another --endpoint-name",
)


def endpoint_spec(
    settings: VertexSettings, name: str, kind: EndpointKind, kms_key: str | None = None
) -> EndpointSpec:
    """The specification of an endpoint of a kind, with what the settings say of the network or of who may connect.

    Raises:
        InvalidInput: a VPC endpoint without its network, or a network that is not named by the project's number.
    """
    if kind == "public":
        return EndpointSpec(name=name, kind=kind, kms_key=kms_key)
    if kind == "private-service-connect":
        allowed = tuple(sorted(settings.psc_projects or (settings.project,)))
        return EndpointSpec(name=name, kind=kind, project_allowlist=allowed, kms_key=kms_key)
    parts = (settings.network or "").split("/")
    if (
        len(parts) != 5
        or parts[0] != "projects"
        or not parts[1].isdigit()
        or parts[2:4] != ["global", "networks"]
    ):
        raise InvalidInput(
            "An endpoint of kind vpc needs a peered network",
            value=settings.network or "",
            source="VERTEX_NETWORK",
            accepted="projects/NUMBER/global/networks/NAME, with the project's number and not its id",
            remedy="`gcloud projects describe PROJECT --format='value(projectNumber)'` prints the number.",
        )
    return EndpointSpec(name=name, kind=kind, network=settings.network, kms_key=kms_key)


@step("read endpoint {name}")
def read_endpoint(settings: VertexSettings, name: str, deadline: Deadline) -> EndpointState | None:
    """The endpoint that we made under a name, or None."""
    made = the_one(ENDPOINTS, find_ours(settings, ENDPOINTS, name, deadline))
    return None if made is None else endpoint_state(made)


@step("look at endpoint {spec.name} before it is changed")
def read_endpoint_to_change(
    settings: VertexSettings, spec: EndpointSpec, name: str, deadline: Deadline
) -> EndpointState | None:
    """The endpoint of this specification, and what it says of a name, if there is one, seen to be what the specification wants.

    Raises:
        CannotChangeInPlace: it is there as another kind, in another network or with other allowed projects.
        NotOurs: there is none, and an endpoint of that name that we did not make.
    """
    made = find_to_change(settings, ENDPOINTS, spec.name, deadline, partial(_refuse_difference, spec))
    return None if made is None else endpoint_state(made, name)


@step("ensure endpoint {spec.name}")
def ensure_endpoint(
    settings: VertexSettings, spec: EndpointSpec, deadline: Deadline, labels: Mapping[str, str] | None = None
) -> Ensured[EndpointState]:
    """The endpoint of this specification, created unless it is there or on its way.

    Args:
        settings: the target.
        spec: what is wanted.
        deadline: bounds the look for half-made ones.
        labels: the user's own, if it is created; of one that is there `ensure_endpoint_labels` changes them.

    Raises:
        CannotChangeInPlace: it is there as another kind, in another network or with other allowed projects.
        NotOurs: an endpoint of that name is there that we did not make.
    """
    endpoint = IndexEndpoint(
        display_name=spec.name,
        labels={**(labels or {}), **labels_of(spec)},
        encryption_spec=encryption(spec.kms_key),
        **_connectivity(spec),
    )

    def create() -> str:
        creation = _client(settings).create_index_endpoint(
            parent=settings.parent, index_endpoint=endpoint, timeout=CALL_SECONDS, retry=None
        )
        return creation.operation.name

    ensured = find_or_create(settings, ENDPOINTS, spec.name, create, deadline)
    _refuse_difference(spec, ensured.there.resource)
    return Ensured(endpoint_state(ensured.there), ensured.did)


@step("wait for endpoint {spec.name}")
def wait_for_endpoint(
    settings: VertexSettings,
    spec: EndpointSpec,
    endpoint: EndpointState,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
) -> EndpointState:
    """The endpoint, once its creation has ended."""
    if endpoint.making:
        what = f"create endpoint {spec.name}"
        follow(
            settings,
            endpoint.making,
            what,
            deadline,
            usual=USUAL_CREATE_SECONDS,
            when_interrupted=when_interrupted,
        )
    return endpoint_state(Made(_get(settings, endpoint.resource), None))


@step("remove twins of endpoint {name}")
def remove_endpoint_twins(
    settings: VertexSettings, name: str, keep: str, deadline: Deadline
) -> tuple[str, ...]:
    """Remove what a lost reply left double: same name and specification, nothing deployed. Returns what went.

    Raises:
        PermanentError: a twin serves an index; which one is wanted cannot be guessed.
    """
    return remove_twins(settings, ENDPOINTS, name, keep, deadline)


def _connectivity(spec: EndpointSpec) -> dict[str, Any]:
    match spec.kind:
        case "public":
            return {"public_endpoint_enabled": True}
        case "vpc":
            return {"network": spec.network}
        case "private-service-connect":
            config = PrivateServiceConnectConfig(
                enable_private_service_connect=True, project_allowlist=list(spec.project_allowlist)
            )
            return {"private_service_connect_config": config}


def _refuse_difference(spec: EndpointSpec, there: IndexEndpoint) -> None:
    kind = _kind(there)
    remedy = "Choose another --name or --endpoint-name, or tear this one down first."
    if kind != spec.kind:
        raise CannotChangeInPlace(
            "endpoint", spec.name, field="endpoint", there=kind, wanted=spec.kind, remedy=remedy
        )
    refuse_other_key("endpoint", spec.name, there.encryption_spec.kms_key_name, spec.kms_key, remedy=remedy)
    if spec.network and there.network != spec.network:
        raise CannotChangeInPlace(
            "endpoint", spec.name, field="network", there=there.network, wanted=spec.network, remedy=remedy
        )
    # Created from the same specification it is the same, even if the service shows a project number for its id.
    allowed = sorted(there.private_service_connect_config.project_allowlist)
    if there.labels.get("spec") != spec.spec and allowed != list(spec.project_allowlist):
        raise CannotChangeInPlace(
            "endpoint",
            spec.name,
            field="project_allowlist (VERTEX_PSC_PROJECTS)",
            there=", ".join(allowed),
            wanted=", ".join(spec.project_allowlist),
            remedy=remedy,
        )


def _kind(endpoint: IndexEndpoint) -> EndpointKind:
    if endpoint.private_service_connect_config.enable_private_service_connect:
        return "private-service-connect"
    return "vpc" if endpoint.network else "public"


def endpoint_state(made: Made[IndexEndpoint], name: str = "") -> EndpointState:
    """What was read of an endpoint, as a value.

    Args:
        made: what was read.
        name: whose versions it is asked for; by default those of the name that it was created under.
    """
    endpoint = made.resource
    own = endpoint.labels.get("name", "")
    serves, replaced, rolled_back_from, since = (
        endpoint.labels.get(mark_for(mark, own, name or own), "") for mark in SERVED_MARKS
    )
    return EndpointState(
        resource=endpoint.name,
        kind=_kind(endpoint),
        network=endpoint.network,
        public_domain=endpoint.public_endpoint_domain_name,
        deployed_index_ids=tuple(deployed.id for deployed in endpoint.deployed_indexes),
        making=made.making.name if made.making is not None else "",
        name=own,
        serves=serves or FIRST,
        replaced=replaced,
        rolled_back_from=rolled_back_from,
        served_since=float(since or 0),
        indexes={deployed.id: own_id(deployed.index) for deployed in endpoint.deployed_indexes},
        machine_types={
            deployed.id: deployed.dedicated_resources.machine_spec.machine_type
            or ("STORAGE" if deployed.deployment_tier == DeployedIndex.DeploymentTier.STORAGE else "")
            for deployed in endpoint.deployed_indexes
        },
        labels=dict(endpoint.labels),
    )
