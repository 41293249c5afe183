"""Taking down what we made: absent, and with no unfinished operation that would make it, counts as removed."""

from __future__ import annotations

from tasks.calls import NotFound
from tasks.errors import PermanentError
from tasks.progress import say
from tasks.vertex.operations.adoption import Kind, Made, R, find_ours
from tasks.vertex.operations.operations import end, follow, unfinished
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline


def remove_all(settings: VertexSettings, kind: Kind[R], name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove every resource of a kind that we made under a name, and end what would still make one.

    Returns:
        The resource names that went. Looks again after every round: what a dying create left behind goes too.
    """
    gone: list[str] = []
    while made := [m for m in find_ours(settings, kind, name, deadline) if m.resource.name not in gone]:
        for one in made:
            _remove(settings, kind, one, deadline)
            gone.append(one.resource.name)
    return tuple(gone)


def remove_twins(
    settings: VertexSettings, kind: Kind[R], name: str, keep: str, deadline: Deadline
) -> tuple[str, ...]:
    """Remove what a lost reply left double: same name and specification, nothing deployed. Returns what went.

    Raises:
        PermanentError: a twin serves; which one is wanted cannot be guessed.
    """
    twins = [m for m in find_ours(settings, kind, name, deadline) if m.resource.name != keep]
    for twin in twins:
        if twin.resource.deployed_indexes:
            raise PermanentError(
                f"There are two of kind {kind.noun} of ours named {name!r}, {keep} and {twin.resource.name}, and the second "
                f"one serves. Which one is wanted cannot be guessed: undeploy and delete one of them by hand."
            )
        say(f"Removing {twin.resource.name}: the twin that a lost reply left of {keep}.")
        _remove(settings, kind, twin, deadline)
    return tuple(twin.resource.name for twin in twins)


def _remove(settings: VertexSettings, kind: Kind[R], made: Made[R], deadline: Deadline) -> None:
    resource = made.resource.name
    for operation in unfinished(settings, resource, kinds={kind.create, "UpdateIndex"}):
        end(settings, operation, deadline)
    try:
        deletions = unfinished(settings, resource, kinds={"Delete"})
        operation_name = deletions[0].name if deletions else kind.delete(settings, resource)
        follow(settings, operation_name, f"delete {kind.noun} {made.resource.display_name}", deadline)
    except NotFound:
        pass
