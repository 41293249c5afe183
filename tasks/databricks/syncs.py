"""A sync of a Delta Sync index: triggered, followed to its end, and compared with its source table.

`sync` is answered when it is accepted, so `detailed_state` decides. An index whose pipeline failed still answers queries, with the
rows of the last good sync; here that is the failure that it is.
"""

from __future__ import annotations

from databricks.sdk.errors import BadRequest

from tasks.calls import ServiceRefused
from tasks.databricks.clients import connect
from tasks.databricks.errors import calling
from tasks.databricks.indexes import IndexState, find_index
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, shown
from tasks.errors import GateNotMet, PermanentError
from tasks.steps import step
from tasks.waiting import Deadline, Look, Unchanged, wait_until

DONE = "ONLINE_NO_PENDING_UPDATE"
FAILED = ("ONLINE_PIPELINE_FAILED", "OFFLINE_FAILED")
SETTLED_SECONDS = 20.0
"""How long a state that should change may stay before it counts: what a trigger does shows a little later, up to some ten seconds."""
REFUSED_SECONDS = 15 * 60.0
"""How long a sync may be refused although the index looks idle: its pipeline may be waiting for a machine."""


class SyncFailed(PermanentError):
    """The pipeline of an index failed."""

    def __init__(self, index: IndexState) -> None:
        self.name, self.state, self.said = index.shown, index.state, index.said
        stale = " It still answers queries, with the rows of the last good sync." if index.is_online else ""
        super().__init__(
            f"The sync of index {self.name!r} ended as {index.state}: {index.said.removesuffix('.')}.{stale} The pipeline's page in "
            "the workspace says why. Correct the source table, then sync again."
        )


@step("trigger a sync of index {name}")
def apply_sync(settings: DatabricksSettings, name: str, deadline: Deadline, version: str = FIRST) -> None:
    """Trigger a sync. One that is under way is waited for first: the service refuses a second one until then.

    Raises:
        DeadlinePassed: another one is still running.
        ServiceRefused: the service keeps refusing it, although none is running.
    """
    refused = Unchanged()

    def attempt() -> Look[bool]:
        there = find_index(settings, name, version)
        state = there.state if there else "gone"
        if there is None or not (there.state == DONE or there.state in FAILED):
            refused.seconds(state)
            return Look(seen=state)
        try:
            with calling(f"sync index {shown(name, version)}"):
                connect(settings).indexes.sync_index(there.full_name)
        except ServiceRefused as error:
            # That one is running is said as a 400, under which code is not known, and the index's state may not show it yet.
            is_early = isinstance(error.__cause__, BadRequest)
            if not is_early or refused.seconds("refused") > REFUSED_SECONDS:
                raise
            return Look(seen=error.said)
        return Look(seen="accepted", value=True, done=True)

    wait_until(f"the sync of index {shown(name, version)} to be accepted", attempt, deadline)


@step("wait for the sync of index {name}")
def wait_for_sync(
    settings: DatabricksSettings,
    name: str,
    rows: int,
    deadline: Deadline,
    version: str = FIRST,
    *,
    is_triggered: bool = True,
) -> IndexState:
    """The index, once it holds as many rows as its source table.

    Args:
        settings: the target.
        name: of the index.
        rows: of its source table.
        deadline: of the waiting.
        version: which of the indexes of the name.
        is_triggered: whether a sync was triggered just now. The index may then still show how the one before ended, with as many
            rows; it counts once another state was seen, or it has stayed the same for `SETTLED_SECONDS`.

    Raises:
        SyncFailed: its pipeline failed.
        GateNotMet: it is done, and holds another number.
        DeadlinePassed: it is still under way; the same command follows it again.
    """
    unchanged, is_of_before = Unchanged(), is_triggered and not settings.is_sandbox

    def look() -> Look[IndexState]:
        nonlocal is_of_before
        there = find_index(settings, name, version)
        if there is None:
            return Look(seen="gone")
        since = unchanged.seconds((there.state, there.rows))
        if there.state not in (DONE, *FAILED) or since > SETTLED_SECONDS:
            is_of_before = False
        if there.state in FAILED and not is_of_before:
            raise SyncFailed(there)
        if there.state == DONE and there.rows != rows and since > SETTLED_SECONDS:
            raise GateNotMet(
                f"The number of rows in index {shown(name, version)}", measured=f"{there.rows:,}", wanted=f"{rows:,}",
                remedy="The source table was changed since, or has rows that the index cannot hold. Sync again.",
            )  # fmt: skip
        done = there.state == DONE and there.rows == rows and not is_of_before
        return Look(seen=f"{there.state}, {there.rows:,} of {rows:,} rows", value=there, done=done)

    return wait_until(f"the sync of index {shown(name, version)}", look, deadline)
