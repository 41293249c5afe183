"""Compute Engine's resources in one manner: read, ensured, removed, and their operations followed.

Networks and firewall rules have no labels, so our mark is JSON in the description, of all kinds alike. What does not bear
it is never changed or removed. A creation carries a request id, so that a repeated call is the same one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from google.cloud import compute_v1

from tasks.calls import NotFound, ServiceRefused
from tasks.errors import CannotChangeInPlace, NotOurs, PermanentError
from tasks.marks import is_ours
from tasks.outcomes import Did, Ensured
from tasks.vertex.connection.clients import CALL_SECONDS
from tasks.vertex.connection.errors import AlreadyExists, calling
from tasks.vertex.network.clients import NetworkClients, connect_networks
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look, attempt_until, wait_until

_NOT_READY = "resourceNotReady"
SERVICE_DISABLED = ("accessNotConfigured", "SERVICE_DISABLED")
"""The reasons of a 403 while an API is off, or was enabled minutes ago."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of resource."""

    noun: str
    """In plain words: `firewall rule`."""
    field: str
    """Its parameter in requests: `firewall`; its body is `firewall_resource`."""
    client: Callable[[NetworkClients], Any]
    facts: Callable[[Any], dict[str, object]]
    """What is requested and compared."""
    patched: bool = False
    """Whether a difference can be changed in place."""
    regional: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A resource that is to be there."""

    kind: Kind
    name: str
    """Its own name."""
    owner: str
    """The name that it is made under, in its mark."""
    resource: dict[str, Any]
    """The body of its creation, with our mark as the description."""
    remedy: str = field(default="Choose another --name, or tear this one down first.")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A resource that is to be there or to go, beside what is there."""

    noun: str
    name: str
    there: Mapping[str, object] | None
    """What is compared, as it is; None if there is no such resource."""
    wanted: Mapping[str, object] | None
    """The same as it is to be, empty where nothing is there to compare it with; None if the resource is to go."""


class ComputeOperationFailed(PermanentError):
    """An operation of Compute Engine is done, with an error."""

    def __init__(self, doing: str, *, operation: str, said: str) -> None:
        self.doing, self.operation, self.said = doing, operation, said
        super().__init__(
            f"Could not {doing}: the operation {operation} ended with an error: {said.rstrip('.')}. Remove the cause, then "
            "run it again."
        )


def reason_of(error: ServiceRefused) -> str:
    """Google's word for a refusal: `resourceInUseByAnotherResource`; empty if it has none."""
    if error.type:
        return error.type
    details: list[Any] = list(getattr(error.__cause__, "errors", ()) or ())
    return next((str(one["reason"]) for one in details if isinstance(one, dict) and "reason" in one), "")


def mark_of(resource: Any) -> dict[str, Any] | None:
    """The mark in a resource's description, or None."""
    try:
        found = json.loads(resource.description)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def read(settings: VertexSettings, kind: Kind, name: str) -> Any | None:
    """The resource of this name, whoever made it, or None."""
    try:
        with calling(f"read {kind.noun} {name}"):
            request = {**_where(settings, kind), kind.field: name}
            return _client(settings, kind).get(request=request, timeout=CALL_SECONDS, retry=None)
    except NotFound:
        return None


def list_ours(settings: VertexSettings, kind: Kind, owner: str) -> list[Any]:
    """The resources of a kind that bear our mark for a name."""
    with calling(f"list every {kind.noun}"):
        listed = _client(settings, kind).list(
            request=_where(settings, kind), timeout=CALL_SECONDS, retry=None
        )
        return [one for one in listed if is_ours(mark_of(one), owner)]


def check(settings: VertexSettings, wanted: Wanted) -> None:
    """Look at a resource before anything is changed.

    Raises:
        NotOurs: it is there without our mark.
        CannotChangeInPlace: it differs in what is fixed.
    """
    there = read(settings, wanted.kind, wanted.name)
    if there is not None:
        _refuse(wanted, there)


def compare(settings: VertexSettings, wanted: Wanted, *, fixed: Kind | None = None) -> Compared:
    """A resource beside what is wanted.

    Args:
        settings: the target.
        wanted: what is to be there.
        fixed: the kind with the facts that cannot change, where what differs otherwise is replaced.

    Raises:
        NotOurs, CannotChangeInPlace: as `check`.
    """
    kind, there = wanted.kind, read(settings, wanted.kind, wanted.name)
    if there is None:
        return Compared(noun=kind.noun, name=wanted.name, there=None, wanted={})
    _refuse(replace(wanted, kind=fixed or kind), there)
    return Compared(
        noun=kind.noun, name=wanted.name, there=kind.facts(there), wanted=kind.facts(_asked(wanted, there))
    )


def ensure(settings: VertexSettings, wanted: Wanted, deadline: Deadline) -> Ensured[Any]:
    """The resource, created unless it is there or on its way, and changed where it differs.

    Raises:
        NotOurs: it is there without our mark.
        CannotChangeInPlace: it differs in what is fixed.
        ComputeOperationFailed: an operation ended with an error.
    """
    kind, request_id = wanted.kind, str(uuid4())
    did: Did = "nothing"

    def attempt() -> Look[Any]:
        nonlocal did
        there = read(settings, kind, wanted.name)
        if there is not None:
            return Look(f"{wanted.name} exists", there, done=True)
        try:
            operation = _insert(settings, wanted, request_id)
        except AlreadyExists:
            # Somebody's creation is under way, ours of a run that was killed most likely.
            did = "adopted"
            return Look(f"{wanted.name} is being created")
        except ServiceRefused as error:
            if reason_of(error) != _NOT_READY:
                raise
            return Look(error.said)
        did = "created"
        follow(settings, operation, f"create {kind.noun} {wanted.name}", deadline)
        there = read(settings, kind, wanted.name)
        return Look(f"{wanted.name} is not listed yet", there, done=there is not None)

    there = attempt_until(f"{kind.noun} {wanted.name}", attempt, deadline)
    _refuse(wanted, there)
    if not _different(wanted, there):
        return Ensured(there, did)
    return Ensured(_change(settings, wanted, deadline), "changed")


def remove(settings: VertexSettings, kind: Kind, name: str, owner: str, deadline: Deadline) -> bool:
    """Remove a resource of ours, if it is there. Returns whether it was.

    Raises:
        ServiceRefused: another resource uses it, which the message names.
    """
    request_id, was_there = str(uuid4()), False

    def attempt() -> Look[bool]:
        nonlocal was_there
        there = read(settings, kind, name)
        if there is None or not is_ours(mark_of(there), owner):
            return Look("gone", value=True, done=True)
        was_there = True
        try:
            with calling(f"delete {kind.noun} {name}"):
                request = {**_where(settings, kind), kind.field: name, "request_id": request_id}
                operation = _client(settings, kind).delete_unary(
                    request=request, timeout=CALL_SECONDS, retry=None
                )
        except NotFound:
            return Look("gone", value=True, done=True)
        except AlreadyExists as error:  # "conflict": something else changes it at the moment
            return Look(error.said)
        except ServiceRefused as error:
            if reason_of(error) != _NOT_READY:
                raise
            return Look(error.said)
        follow(settings, operation, f"delete {kind.noun} {name}", deadline)
        return Look("deleted", value=True, done=True)

    attempt_until(f"the removal of {kind.noun} {name}", attempt, deadline)
    return was_there


def remove_ours(settings: VertexSettings, kind: Kind, owner: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove every resource of a kind that bears our mark for a name. Returns what went."""
    ours = [one.name for one in list_ours(settings, kind, owner)]
    return tuple(one for one in ours if remove(settings, kind, one, owner, deadline))


def follow(settings: VertexSettings, operation: compute_v1.Operation, doing: str, deadline: Deadline) -> None:
    """Wait until an operation is done, and was successful: DONE alone says nothing.

    Raises:
        ComputeOperationFailed: it was not.
    """
    clients = connect_networks(settings)
    region = operation.region.rpartition("/")[2]
    client: Any = clients.region_operations if region else clients.global_operations
    request = {
        "project": settings.project,
        "operation": operation.name,
        **({"region": region} if region else {}),
    }

    def look() -> Look[compute_v1.Operation]:
        with calling(f"read the operation {operation.name}"):
            found = client.get(request=request, timeout=CALL_SECONDS, retry=None)
        done = found.status == compute_v1.Operation.Status.DONE
        return Look(found.status.name, found, done=done, fraction=found.progress / 100)

    ended = wait_until(doing, look, deadline)
    if ended.error.errors or ended.http_error_status_code >= 400:
        said = (
            "; ".join(f"{one.code}: {one.message}" for one in ended.error.errors) or ended.http_error_message
        )
        raise ComputeOperationFailed(doing, operation=operation.name, said=said)


def unfinished(settings: VertexSettings, *, region: str = "") -> list[compute_v1.Operation]:
    """The operations under way in the project, or in one of its regions."""
    clients = connect_networks(settings)
    client: Any = clients.region_operations if region else clients.global_operations
    request = {
        "project": settings.project,
        "filter": 'status != "DONE"',
        **({"region": region} if region else {}),
    }
    with calling("list the operations under way"):
        return list(client.list(request=request, timeout=CALL_SECONDS, retry=None))


def _insert(settings: VertexSettings, wanted: Wanted, request_id: str) -> compute_v1.Operation:
    kind = wanted.kind
    with calling(f"create {kind.noun} {wanted.name}"):
        request = {
            **_where(settings, kind),
            f"{kind.field}_resource": {"name": wanted.name, **wanted.resource},
            "request_id": request_id,
        }
        return _client(settings, kind).insert_unary(request=request, timeout=CALL_SECONDS, retry=None)


def _different(wanted: Wanted, there: Any) -> list[str]:
    facts, found = wanted.kind.facts(_asked(wanted, there)), wanted.kind.facts(there)
    return [fact for fact, value in facts.items() if value != found[fact]]


def _asked(wanted: Wanted, there: Any) -> Any:
    """What is asked for, in the type of what is there."""
    return type(there)({"name": wanted.name, **wanted.resource})


def _refuse(wanted: Wanted, there: Any) -> None:
    kind = wanted.kind
    if not is_ours(mark_of(there), wanted.owner):
        raise NotOurs(kind.noun, wanted.name, resource=there.self_link, remedy=wanted.remedy)
    if kind.patched or not (different := _different(wanted, there)):
        return
    fact, found = different[0], kind.facts(there)
    asked = kind.facts(_asked(wanted, there))
    raise CannotChangeInPlace(
        kind.noun, wanted.name, field=fact, there=found[fact], wanted=asked[fact], remedy=wanted.remedy
    )


def _change(settings: VertexSettings, wanted: Wanted, deadline: Deadline) -> Any:
    kind = wanted.kind
    with calling(f"change {kind.noun} {wanted.name}"):
        request = {
            **_where(settings, kind),
            kind.field: wanted.name,
            f"{kind.field}_resource": {"name": wanted.name, **wanted.resource},
            "request_id": str(uuid4()),
        }
        operation = _client(settings, kind).patch_unary(request=request, timeout=CALL_SECONDS, retry=None)
    follow(settings, operation, f"change {kind.noun} {wanted.name}", deadline)
    return read(settings, kind, wanted.name)


def _client(settings: VertexSettings, kind: Kind) -> Any:
    return kind.client(connect_networks(settings))


def _where(settings: VertexSettings, kind: Kind) -> dict[str, str]:
    where = {"project": settings.project}
    return where | {"region": settings.location} if kind.regional else where
