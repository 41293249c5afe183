"""The removal of an index."""

from __future__ import annotations

from tasks.calls import NotFound
from tasks.databricks.clients import connect
from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.errors import calling
from tasks.databricks.indexes import find_index, refuse_stranger
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, shown
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until


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
