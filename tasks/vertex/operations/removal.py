"""Removes what we created: absent, and with no unfinished operation that would create it, counts as removed."""

from __future__ import annotations

from tasks.calls import NotFound
from tasks.errors import PermanentError
from tasks.progress import say
from tasks.vertex.operations.adoption import Kind, Made, R, find_ours
from tasks.vertex.operations.operations import end, follow, unfinished
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline


def remove_all(settings: VertexSettings, kind: Kind[R], name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove every resource of a kind that we created under a name, and end what would still create one.

    Returns:
        The names of the removed resources. It looks again after every round, to remove what a cancelled create left behind.
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
    """Remove the twins that lost replies left: same name and specification, nothing deployed. Returns their names.

    Raises:
        PermanentError: a twin serves; which one to keep cannot be guessed.
    """
    twins = [m for m in find_ours(settings, kind, name, deadline) if m.resource.name != keep]
    for twin in twins:
        if twin.resource.deployed_indexes:
            raise PermanentError(
                f"Two resources of kind {kind.noun} are named {name!r}, {keep} and {twin.resource.name}, and the second one "
                "serves. Which one to keep cannot be guessed: undeploy and delete one of them by hand."
            )
        say(f"Deleting {twin.resource.name}, a twin of {keep} that a lost reply left.")
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
