"""Finds what we created, including what a crashed run left unfinished, without a journal of our own.

A create call has no request id: its reply can be lost while the resource comes into being. So we look in two places,
the listing and the location's create operations, and rely on neither alone to be complete or up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from google.cloud.aiplatform_v1 import Index, IndexEndpoint

from tasks.calls import NotFound
from tasks.errors import NotOurs, PermanentError
from tasks.marks import is_ours
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.vertex.connection.errors import OperationFailed, calling
from tasks.vertex.marks import name_filter
from tasks.vertex.operations.operations import Operation, follow, follow_earlier, list_operations, resource_of
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST
from tasks.waiting import Deadline

LISTING_LAG = timedelta(hours=24)
"""How long after its creation a resource may be missing from the listing before we stop looking for it there."""


R = TypeVar("R", Index, IndexEndpoint)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[R]):
    """A kind of resource, and how it is read."""

    noun: str
    """In plain words: `index`."""
    create: str
    """The kind of operation that makes it: `CreateIndex`."""
    list: Callable[[VertexSettings, str], Iterable[R]]
    """The resources that match a list filter; all of the location when it is empty."""
    get: Callable[[VertexSettings, str], R]
    """Raises NotFound."""
    delete: Callable[[VertexSettings, str], str]
    """Starts the deletion and returns its operation's name."""
    option: str = "--name"
    """What to choose another name by."""
    version: str | None = None
    """The version that is meant, where a name has several; None for all."""

    def means(self, resource: R, name: str) -> bool:
        """Whether we created this under the name, and it is of the version that is meant."""
        return is_ours(resource.labels, name) and self.version in (None, version_of(resource))


def version_of(resource: Index | IndexEndpoint) -> str:
    """The version that a resource of ours is of."""
    return resource.labels.get("version", FIRST)


def endpoint_name_of(name: str, made: Iterable[Made[Index]]) -> str:
    """What the endpoint of a name was created under: the name itself, or what its indexes are marked with."""
    labels = (one.resource.labels for one in made)
    return next((one["endpoint"] for one in labels if "endpoint" in one), name)


@dataclass(frozen=True)
class Made(Generic[R]):
    """A resource of ours, and the operation that is still making it, if it is."""

    resource: R
    making: Operation | None


def list_ours(settings: VertexSettings, kind: Kind[R], name: str) -> list[Made[R]]:
    """What the listing shows of ours under a name, oldest first: enough for steps that only use what exists."""
    return _oldest_first(
        Made(resource, None)
        for resource in kind.list(settings, name_filter(name))
        if kind.means(resource, name)
    )


def find_ours(settings: VertexSettings, kind: Kind[R], name: str, deadline: Deadline) -> list[Made[R]]:
    """Everything of a kind that we made under a name, oldest first (create time, then id), half-made things too.

    For steps that create or remove something: it looks through everybody's operations, and may wait for somebody else's.
    An unfinished creation that cannot be read yet might be ours: we wait for it and never create a second. What an
    earlier run is still deleting is waited for too, and does not count. What has the name but not our mark is ignored: names are
    not unique at the service.

    Raises:
        DeadlinePassed: an unreadable creation or a deletion did not end.
    """
    # Strangers are listed too: what is known to be theirs need not be read, or waited for, to see whose it is.
    found = {resource.name: resource for resource in kind.list(settings, "")}
    making: dict[str, Operation] = {}
    operations = list_operations(settings, settings.parent, kinds={kind.create, "Delete"})
    for operation in _recent_creations(kind, operations):
        if operation.resource not in found:
            resource = _read_creation(settings, kind, operation, deadline)
            if resource is None:
                continue
            found[resource.name] = resource
        if not operation.done:
            making[operation.resource] = operation
    dying = {
        operation.resource: operation
        for operation in operations
        if operation.kind == "Delete" and not operation.done
    }
    return _oldest_first(
        Made(resource, making.get(resource.name))
        for resource in found.values()
        if kind.means(resource, name)
        and not _dies(settings, kind, resource, dying.get(resource.name), deadline)
    )


def the_one(kind: Kind[R], made: list[Made[R]]) -> Made[R] | None:
    """The one that every run works with: the oldest; twins of a lost reply are removed by `remove_twins`."""
    if len(made) > 1 and len({m.resource.labels.get("spec") for m in made}) > 1:
        names = ", ".join(m.resource.name for m in made)
        raise PermanentError(
            f"{len(made)} resources of kind {kind.noun} exist under one name, with different configurations: {names}. Which one to "
            "use cannot be guessed: delete the others by hand, or run a teardown of the name."
        )
    return made[0] if made else None


def find_to_change(
    settings: VertexSettings, kind: Kind[R], name: str, deadline: Deadline, check: Callable[[R], None]
) -> Made[R] | None:
    """The one that we made under a name, looked at before anything is changed.

    Args:
        settings: the target.
        kind: what is looked for.
        name: the name that the user gave.
        deadline: bounds the look for half-made ones.
        check: raises when what is there cannot become what is wanted.

    Raises:
        NotOurs: there is none, and something else has the name.
    """
    made = the_one(kind, find_ours(settings, kind, name, deadline))
    if made is None:
        refuse_stranger(settings, kind, name)
        return None
    check(made.resource)
    return made


def refuse_stranger(settings: VertexSettings, kind: Kind[R], name: str) -> None:
    """Check that nobody else uses a name before we create something under it.

    Raises:
        NotOurs: something has the name but not our mark.
    """
    for there in kind.list(settings, ""):
        if there.display_name == name and not is_ours(there.labels, name):
            raise NotOurs(kind.noun, name, resource=there.name, remedy=f"Choose another {kind.option}.")


def find_or_create(
    settings: VertexSettings, kind: Kind[R], name: str, create: Callable[[], str], deadline: Deadline
) -> Ensured[Made[R]]:
    """What we created under a name; created now by `create` if there is none, and then looked up again.

    The second look finds the operation that the create began, and an older twin that the first look could not see.
    Where it finds nothing, the operation whose name `create` returned is followed to its end.

    Raises:
        NotOurs: something has the name but not our mark.
        OperationFailed: the creation ended with an error before the second look.
        DeadlinePassed: the service shows no resource yet, and its creation did not end.
    """
    made = the_one(kind, find_ours(settings, kind, name, deadline))
    if made is not None:
        if made.making is None:
            return Ensured(made)
        say(f"An earlier run is still creating this {kind.noun}: following {made.making.name}.")
        return Ensured(made, "adopted")
    refuse_stranger(settings, kind, name)
    with calling(f"create {kind.noun} {name}"):
        operation = create()
    made = the_one(kind, find_ours(settings, kind, name, deadline))
    if made is None:
        # Neither list shows it, but the reply names it: created again, it would exist, and cost, twice.
        follow(settings, operation, f"create {kind.noun} {name}", deadline)
        made = Made(kind.get(settings, resource_of(operation)), None)
    return Ensured(made, "created")


def _oldest_first(made: Iterable[Made[R]]) -> list[Made[R]]:
    return sorted(made, key=lambda one: (one.resource.create_time, one.resource.name))


def _recent_creations(kind: Kind[R], operations: Sequence[Operation]) -> list[Operation]:
    """Those that may have made something which no listing shows yet, and which nobody has deleted since."""
    since = datetime.now(UTC) - LISTING_LAG
    gone = {o.resource for o in operations if o.kind == "Delete" and o.done and o.code == 0}
    creations = (o for o in operations if o.kind == kind.create)
    return [
        o for o in creations if not o.done or (o.code == 0 and o.created > since and o.resource not in gone)
    ]


def _dies(
    settings: VertexSettings, kind: Kind[R], resource: R, deletion: Operation | None, deadline: Deadline
) -> bool:
    if deletion is None:
        return False
    what = f"the deletion of {kind.noun} {resource.display_name}"
    try:
        return follow_earlier(settings, deletion, what, deadline) is not None
    except NotFound:
        return True


def _read_creation(
    settings: VertexSettings, kind: Kind[R], operation: Operation, deadline: Deadline
) -> R | None:
    try:
        return kind.get(settings, operation.resource)
    except NotFound:
        if operation.done:
            return None
    say(f"An unfinished {kind.create} cannot be read yet and might be ours. Waiting for {operation.name}.")
    try:
        follow(settings, operation.name, f"end of {kind.create} {operation.resource}", deadline)
        return kind.get(settings, operation.resource)
    except (OperationFailed, NotFound):
        return None
