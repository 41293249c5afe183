"""What DeployIndex and MutateDeployedIndex accept, and what the service fills in."""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Any

from google.cloud import aiplatform_v1 as v1

from sandbox.google_cloud.project import PROJECT, PROJECT_NUMBER
from sandbox.vertex import errors, names
from sandbox.vertex.fields import Treatment, treatments

DeployedIndex = v1.DeployedIndex.pb()
ATTACHMENTS = f"projects/p{PROJECT_NUMBER}-tp/regions/us-central1/serviceAttachments/sa-"
"""What the names of service attachments begin with; then comes the id of the deployed index, and what tells deployments apart."""
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_MOST_REPLICAS = 1000
_DEFAULT_REPLICAS = 2
_STORAGE_OPTIMIZED = "SHARD_SIZE_SO_DYNAMIC"
_KINDS = ("automatic_resources", "dedicated_resources")
# Which machines serve which shard sizes, as "Manage indexes" lists them (docs/sources.md).
_MACHINES = {
    "SHARD_SIZE_SMALL": (
        "e2-standard-2",
        "e2-standard-16",
        "e2-highmem-16",
        "n1-standard-16",
        "n1-standard-32",
        "n2d-standard-32",
    ),
    "SHARD_SIZE_MEDIUM": (
        "e2-standard-16",
        "e2-highmem-16",
        "n1-standard-16",
        "n1-standard-32",
        "n2d-standard-32",
    ),
    "SHARD_SIZE_LARGE": ("e2-highmem-16", "n1-standard-32", "n2d-standard-32"),
}


def check_deployed_index(deployed: Any, shard_size: str) -> None:
    """Refuse a malformed id, a machine or a tier that cannot serve the shards, or impossible replica counts."""
    if not _ID.fullmatch(deployed.id):
        raise errors.DEPLOYED_INDEX_ID.refusal(id=deployed.id)
    _check_resources(deployed, shard_size)
    if deployed.deployment_tier:
        machine = deployed.dedicated_resources.machine_spec.machine_type
        if shard_size != _STORAGE_OPTIMIZED or machine:
            raise errors.DEPLOYMENT_TIER.refusal(
                tier=v1.DeployedIndex.DeploymentTier(deployed.deployment_tier).name,
                given=f"{shard_size} {machine}".strip(),
            )


def check_mutation(wanted: Any, current: Any, shard_size: str) -> None:
    """Refuse a change of anything but the counts and machine of the same kind of resources."""
    given = _resources_kind(wanted)
    sent = DeployedIndex()
    sent.CopyFrom(wanted)
    sent.index = names.resource("Index", wanted.index) if wanted.index else ""
    if others := [name for name in _others(sent) if getattr(sent, name) != getattr(current, name)]:
        raise errors.MUTATE_OTHERS.refusal(fields=", ".join(others))
    if given is None:
        raise errors.MUTATE_FIELDS.refusal()
    if given != _resources_kind(current):
        raise errors.RESOURCES_KIND.refusal(current=_resources_kind(current), given=given)
    _check_resources(wanted, shard_size)


def fill_defaults(deployed: Any, index_name: str, display_name: str) -> None:
    """Fill in two replicas if none are requested, as the service does; the canonical name of the index; the group."""
    deployed.index = index_name
    deployed.display_name = deployed.display_name or display_name
    deployed.deployment_group = deployed.deployment_group or "default"
    kind = _resources_kind(deployed) or "automatic_resources"
    for other in _KINDS:
        if other != kind:
            deployed.ClearField(other)
    chosen = getattr(deployed, kind)
    chosen.min_replica_count = chosen.min_replica_count or _DEFAULT_REPLICAS
    chosen.max_replica_count = chosen.max_replica_count or chosen.min_replica_count


def fill_private_endpoints(deployed: Any, endpoint: Any, address: str, *, automated: bool) -> None:
    """Fill in where a deployed index answers: in the peered network, or through Private Service Connect.

    Args:
        deployed: the deployed index.
        endpoint: its endpoint.
        address: where it answers.
        automated: whether it has an automated endpoint although it was deployed without a configuration of one.
    """
    deployed.ClearField("private_endpoints")
    if endpoint.network:
        deployed.private_endpoints.match_grpc_address = address
        return
    # Undeployed and deployed again, an index has another attachment: what was connected to the old one is closed.
    deployed.private_endpoints.service_attachment = f"{ATTACHMENTS}{deployed.id}-{token_hex(4)}"
    networks = [(config.project_id, config.network) for config in deployed.psc_automation_configs]
    if automated and not networks:
        networks = [(PROJECT, f"projects/{PROJECT}/global/networks/sandbox")]
    for project_id, network in networks:
        deployed.private_endpoints.psc_automated_endpoints.add(
            project_id=project_id, network=network, match_address=address
        )


def _check_resources(deployed: Any, shard_size: str) -> None:
    kind = _resources_kind(deployed)
    if kind is None:
        return
    chosen = getattr(deployed, kind)
    low, high = chosen.min_replica_count, chosen.max_replica_count
    if kind == "dedicated_resources":
        machine = chosen.machine_spec.machine_type
        possible = _MACHINES.get(shard_size)
        if machine and possible and machine not in possible:
            raise errors.MACHINE_TYPE.refusal(machine=machine, shard=shard_size, possible=", ".join(possible))
        if low < 1:
            raise errors.REPLICAS.refusal(low=low, high=high)
    if low < 0 or high > _MOST_REPLICAS or (high and high < (low or 1)):
        raise errors.REPLICAS.refusal(low=low, high=high)


def _others(deployed: Any) -> list[str]:
    """The fields set that decide something and are not the resources."""
    known = treatments(deployed.DESCRIPTOR) or {}
    skipped = {*_KINDS, *(name for name, treatment in known.items() if treatment is Treatment.OUTPUT)}
    return [field.name for field, _ in deployed.ListFields() if field.name not in skipped]


def _resources_kind(deployed: Any) -> str | None:
    """The kind of resources given; an empty message beside a filled one is none."""
    given = [kind for kind in _KINDS if deployed.HasField(kind)]
    if len(given) > 1:
        given = [kind for kind in given if getattr(deployed, kind).ByteSize()] or given[:1]
    if len(given) > 1:
        raise errors.TWO_KINDS_OF_RESOURCES.refusal(id=deployed.id)
    return given[0] if given else None
