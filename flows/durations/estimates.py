"""What a plan expects of each thing that it announces: the newest report of the same wins over what is documented."""

from __future__ import annotations

from collections.abc import Iterable

from flows.durations.documented import durations
from flows.durations.earlier import Earlier
from flows.durations.expected import Expected
from tasks.settings import home

DATA = "data"
"""What is sent, as a kind."""
_QUICK = Expected(least_seconds=0, most_seconds=5, basis="single calls")


class Estimates:
    """The durations of one flow's plan.

    Args:
        engine: its name, as typed.
        target, where, name: as in its reports. Of the sandbox none is read: its clock is not that of the real service.
    """

    def __init__(self, engine: str, *, target: str, where: str, name: str) -> None:
        self._engine = engine
        told = target != "sandbox"
        self._earlier = (
            Earlier(home() / "reports", engine, target=target, where=where, name=name) if told else None
        )

    def of(self, kind: str, action: str, fields: Iterable[str] = ()) -> Expected | None:
        """How long it takes until a resource is as it should; None if that is not known.

        Args:
            kind: as the plan calls it.
            action: what becomes of it.
            fields: those that differ.
        """
        found = durations()
        differing = frozenset(fields)
        timing = next((one for one in found.steps if one.fits(self._engine, kind, action, differing)), None)
        if timing is None:
            return _QUICK if kind in found.seconds.get(self._engine, ()) else None
        expected = (self._earlier.took(timing) if self._earlier else None) or timing.expected
        if expected is None or action != "adopt":
            return expected
        return expected.model_copy(
            update={"least_seconds": 0.0}
        )  # an earlier run has waited for a part of it

    def sending(self, number: int, documented: Expected | None) -> Expected | None:
        """How long it takes to send that many documents, rows or vectors; None if that is not known."""
        paced = self._earlier.paced(number) if self._earlier else None
        return paced or self.of(DATA, "create") or documented
