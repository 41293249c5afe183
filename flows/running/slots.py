"""One changing flow at a time per name: a Prefect concurrency slot, which the flow creates itself.

It only keeps two runs out of each other's way; correctness rests on reading the target. So a run that loses its slot,
with Prefect's server for instance, or cannot give it back, continues.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists

from tasks.artifact_keys import artifact_key
from tasks.errors import DeadlinePassed, TransientError
from tasks.progress import say
from tasks.waiting import Deadline

LEASE_SECONDS = 60.0
"""How long the slot of a killed run stays occupied; Prefect renews the lease of a living one."""


class SlotNotGranted(TransientError):
    """Prefect's API did not answer when a run asked for its slot."""

    def __init__(self, name: str, *, said: str) -> None:
        self.name, self.said = name, said
        super().__init__(
            f"Prefect's API did not grant the slot of {name!r} ({said}), so another run may be working on it. Nothing was "
            "changed."
        )


@contextmanager
def holding(engine: str, name: str, deadline: Deadline, *, where: str) -> Generator[None]:
    """Hold the slot of a name while the block runs.

    Args:
        engine: whose name it is.
        name: what is worked on.
        deadline: when to stop waiting for the run that holds it.
        where: what the name is unique in; the same name elsewhere has another slot.

    Raises:
        DeadlinePassed: another run held it all that time, or Prefect's server was too slow to grant it.
        SlotNotGranted: Prefect's API does not answer, so nobody knows whether another run holds it.
    """
    slot = artifact_key(engine, name, where)
    held = ExitStack()
    occupied = False
    try:
        occupied = _create(slot, name)
        held.enter_context(_acquired(slot, deadline.left))
    except TimeoutError as error:
        seen = "another run holds it" if occupied else "nobody held it, but Prefect's server did not grant it"
        raise DeadlinePassed(f"slot of {name!r}", seconds=deadline.seconds, last_seen=seen) from error
    except (
        HTTPError,
        ConcurrencySlotAcquisitionError,
        AssertionError,
    ) as error:  # a call cut short raises the last
        raise SlotNotGranted(name, said=str(error) or type(error).__name__) from error
    try:
        yield
    finally:
        try:
            held.close()
        except HTTPError as error:  # it becomes free by itself, and the work is done
            say(f"The slot {slot!r} could not be released: {error}", level=logging.DEBUG)


def _create(slot: str, name: str) -> bool:
    """See that the slot exists. Returns whether another run holds it."""
    with get_client(sync_client=True) as client:
        with suppress(ObjectAlreadyExists):  # another run created it at this very moment
            client.upsert_global_concurrency_limit_by_name(slot, 1)
        # Read, not tried with a short timeout: an abandoned acquisition may have been granted in the meantime.
        occupied = bool(client.read_global_concurrency_limit_by_name(slot).active_slots)
        if occupied:
            say(
                f"Another run is working on {name!r} (concurrency limit {slot!r}); waiting for it. "
                f"The slot of a killed run becomes free within {LEASE_SECONDS:.0f} s; if Prefect's server was killed with it, "
                f"`prefect global-concurrency-limit update {slot} --active-slots 0` frees it."
            )
        return occupied


def _acquired(slot: str, seconds: float):  # noqa: ANN202 -- Prefect's own context manager type is private
    return concurrency(
        slot,
        occupy=1,
        timeout_seconds=seconds,
        lease_duration=LEASE_SECONDS,
        strict=True,
        raise_on_lease_renewal_failure=False,  # it would throw CancelledError into the middle of a step
    )
