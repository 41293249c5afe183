"""One changing flow at a time per name: a Prefect concurrency slot, which the flow creates itself.

It only keeps two runs out of each other's way; correctness rests on reading the target. So a run that loses its slot,
with Prefect's server for instance, continues.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists

from tasks.artifact_keys import artifact_key
from tasks.errors import DeadlinePassed
from tasks.progress import say
from tasks.waiting import Deadline

LEASE_SECONDS = 60.0
"""How long the slot of a killed run stays occupied; Prefect renews the lease of a living one."""


@contextmanager
def holding(engine: str, name: str, deadline: Deadline) -> Generator[None]:
    """Hold the slot of a name while the block runs.

    Raises:
        DeadlinePassed: another run held it all that time.
    """
    slot = artifact_key(engine, name)
    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):  # another run created it at this very moment
            client.upsert_global_concurrency_limit_by_name(slot, 1)
        # Read, not tried with a short timeout: an abandoned acquisition may have been granted in the meantime.
        if client.read_global_concurrency_limit_by_name(slot).active_slots:
            say(
                f"Another run is working on {name!r} (concurrency limit {slot!r}); waiting for it. "
                f"The slot of a killed run becomes free within {LEASE_SECONDS:.0f} s; if Prefect's server was killed with it, "
                f"`prefect global-concurrency-limit update {slot} --active-slots 0` frees it."
            )
    with ExitStack() as held:
        try:
            held.enter_context(_acquired(slot, deadline.left))
        except TimeoutError as error:
            what = f"the run that is working on {name!r}"
            raise DeadlinePassed(what, seconds=deadline.seconds, last_seen="still running") from error
        yield


def _acquired(slot: str, seconds: float):  # noqa: ANN202 -- Prefect's own context manager type is private
    return concurrency(
        slot,
        occupy=1,
        timeout_seconds=seconds,
        lease_duration=LEASE_SECONDS,
        strict=True,
        raise_on_lease_renewal_failure=False,  # it would throw CancelledError into the middle of a step
    )
