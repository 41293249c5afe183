"""Indexes made, waited for and removed."""

from __future__ import annotations

from typing import Any

from databricks.sdk.service.vectorsearch import VectorIndexType

from tasks.calls import NotFound
from tasks.databricks.clients import connect
from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.errors import AlreadyExists, CreationFailed, calling
from tasks.databricks.indexes import (
    DIRECT_ACCESS,
    IndexState,
    find_index,
    is_unfilled,
    refuse_differences,
    refuse_stranger,
)
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, KEY, IndexSpec, index_name, shown, table_name
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

USUAL_SECONDS = 120.0
"""Until a Direct Vector Access index takes rows; a guess."""


@step("ensure index {spec.name}")
def ensure_index(settings: DatabricksSettings, spec: IndexSpec, deadline: Deadline) -> Ensured[IndexState]:
    """The index of this specification on our endpoint, created unless it is there.

    One that failed before it held anything is removed and created again.

    Raises:
        CannotChangeInPlace, NotOurs: as `read_index_to_change`.
    """
    _wait_until_gone(settings, spec.name, deadline, spec.version)
    _remove_failed(settings, spec, deadline)
    created = False
    if find_index(settings, spec.name, spec.version) is None:
        try:
            with calling(f"create index {shown(spec.name, spec.version)}"):
                connect(settings).indexes.create_index(
                    index_name(settings.catalog_schema, spec.name, spec.version),
                    spec.name,
                    KEY,
                    VectorIndexType(spec.index_type),
                    **_specification(settings, spec),
                )
            created = True
        except AlreadyExists:
            say(f"The index {shown(spec.name, spec.version)} was created in the meantime.")
    there = _there(settings, spec.name, spec.version)
    refuse_differences(settings, spec, own_endpoint(settings, spec.name), there)
    return Ensured(there, "created" if created else "nothing")


@step("wait for index {name}")
def wait_for_index(
    settings: DatabricksSettings, name: str, deadline: Deadline, version: str = FIRST
) -> IndexState:
    """The index, once it takes rows and answers.

    Raises:
        CreationFailed: it is offline for good.
        DeadlinePassed: it is still being made; the same command waits on.
    """

    def look() -> Look[IndexState]:
        there = _there(settings, name, version)
        if there.has_failed:
            endpoint = own_endpoint(settings, name)
            again = endpoint is not None and is_unfilled(endpoint, version)
            remedy = (
                "The same command again removes it and makes it again."
                if again
                else f"Remove it with `{command('databricks teardown', name=name)}`, then build it again."
            )
            raise CreationFailed("index", there.shown, state=there.state, said=there.said, remedy=remedy)
        return Look(seen=there.state, value=there, done=there.is_online)

    return wait_until(
        f"index {shown(name, version)}", look, deadline, usual=None if settings.is_sandbox else USUAL_SECONDS
    )


@step("remove index {name}")
def remove_index(
    settings: DatabricksSettings, name: str, deadline: Deadline, version: str = FIRST
) -> tuple[str, ...]:
    """Remove an index that we made, with its rows, and wait until it is gone.

    Returns:
        Its full name, if it was there.

    Raises:
        NotOurs: somebody else made it.
    """
    there = find_index(settings, name, version)
    if there is None:
        return ()
    refuse_stranger(settings, there, own_endpoint(settings, name))
    try:
        with calling(f"delete index {there.shown}"):
            connect(settings).indexes.delete_index(there.full_name)
    except NotFound:
        return (there.full_name,)

    def look() -> Look[bool]:
        left = find_index(settings, name, version)
        return Look(seen=left.state if left else "gone", value=True, done=left is None)

    wait_until(f"the deletion of index {shown(name, version)}", look, deadline)
    return (there.full_name,)


def _remove_failed(settings: DatabricksSettings, spec: IndexSpec, deadline: Deadline) -> None:
    there, endpoint = find_index(settings, spec.name, spec.version), own_endpoint(settings, spec.name)
    if there is None or not there.has_failed or endpoint is None:
        return
    refuse_differences(settings, spec, endpoint, there)
    if is_unfilled(endpoint, spec.version):
        say(
            f"The index {there.shown} is {there.state} and holds nothing ({there.said}): it is removed and made again."
        )
        remove_index.fn(settings, spec.name, deadline, spec.version)


def _wait_until_gone(
    settings: DatabricksSettings, name: str, deadline: Deadline, version: str = FIRST
) -> None:
    """Wait for the end of a deletion that an earlier run began: until then the name is taken."""

    def look() -> Look[bool]:
        there = find_index(settings, name, version)
        # OFFLINE alone is what an index that is being deleted shows, or one whose endpoint is not up.
        is_going = there is not None and there.state == "OFFLINE"
        return Look(seen=there.state if there else "gone", value=True, done=not is_going)

    if not look().done:
        wait_until(f"the deletion of index {shown(name, version)}", look, deadline)


def _specification(settings: DatabricksSettings, spec: IndexSpec) -> dict[str, Any]:
    if spec.index_type == DIRECT_ACCESS:
        return {"direct_access_index_spec": spec.direct_access()}
    source = table_name(settings.catalog_schema, spec.name, spec.version)
    return {"delta_sync_index_spec": spec.delta_sync(source)}


def _there(settings: DatabricksSettings, name: str, version: str = FIRST) -> IndexState:
    found = find_index(settings, name, version)
    if found is None:
        raise NotFound(
            f"read index {shown(name, version)}",
            service="Databricks",
            status="RESOURCE_DOES_NOT_EXIST",
            said="it is gone",
        )
    return found
