"""The two words for whoever calls: transient (try again) and permanent (give up, and say why).

    Exception
    +-- TransientError            a retry or a later look may succeed
    +-- PermanentError            it will not; the message says what to do          exit code 1
        +-- InvalidInput          the data, a parameter or a setting is wrong       exit code 2
        +-- NotConfirmed          a paid or destructive step wants a yes            exit code 2
        +-- CannotChangeInPlace   what is there differs in a field that is fixed
        +-- NotOurs               something under our name does not bear our mark
        +-- DeadlinePassed        a wait ran out of time
        +-- GateNotMet            what is served is not good enough

An error takes facts, keeps them as attributes and builds its own sentence. The library's exception, if any, is its cause.
"""

from __future__ import annotations


class TransientError(Exception):
    """Try again: the same call may well succeed."""


class PermanentError(Exception):
    """Give up: the message names the bad value, what would be accepted and what to do next."""


class InvalidInput(PermanentError):
    """Data, a parameter or a setting that cannot be used. Raised before anything is created or paid for."""

    def __init__(
        self, what: str, *, value: object = None, source: str = "", accepted: str = "", remedy: str = ""
    ) -> None:
        self.what, self.value, self.source, self.accepted, self.remedy = what, value, source, accepted, remedy
        sentence = what if value is None else f"{what}: {value!r}"
        if source:
            sentence += f" (from {source})"
        sentence += "."
        if accepted:
            sentence += f" Accepted: {accepted}."
        if remedy:
            sentence += f" {remedy}"
        super().__init__(sentence)


class NotConfirmed(PermanentError):
    """A step that costs money or destroys something was not agreed to."""

    def __init__(self, step: str, *, consequence: str) -> None:
        self.step, self.consequence = step, consequence
        super().__init__(
            f"Not confirmed: {step}. {consequence} Nothing of that was done. Agree with --yes (the parameter `yes`)."
        )


class CannotChangeInPlace(PermanentError):
    """What is there differs from what is wanted in a field that the service does not let anyone change."""

    def __init__(
        self, kind: str, name: str, *, field: str, there: object, wanted: object, remedy: str
    ) -> None:
        self.kind, self.name, self.field, self.there, self.wanted = kind, name, field, there, wanted
        super().__init__(
            f"The {kind} {name!r} is there with {field} = {there!r}, wanted is {wanted!r}, and that cannot be changed "
            f"in place. {remedy}"
        )


class NotOurs(PermanentError):
    """Something under the name that we want was not made by this project: it is never touched."""

    def __init__(self, kind: str, name: str, *, resource: str, remedy: str) -> None:
        self.kind, self.name, self.resource = kind, name, resource
        super().__init__(
            f"There is already {kind} {name!r} ({resource}) that does not bear our mark (managed_by), so it is left alone. "
            f"{remedy}"
        )


class DeadlinePassed(PermanentError):
    """A wait ended before what it waited for was there."""

    def __init__(self, what: str, *, seconds: float, last_seen: str, remedy: str = "") -> None:
        self.what, self.seconds, self.last_seen = what, seconds, last_seen
        super().__init__(
            f"Gave up waiting for {what} after {seconds:.0f} s; last seen: {last_seen}. "
            + (remedy or "It may still arrive: run the same command again, it goes on from what is there.")
        )


class GateNotMet(PermanentError):
    """A measurement of what is served stays below its gate."""

    def __init__(self, gate: str, *, measured: object, wanted: object, remedy: str = "") -> None:
        self.gate, self.measured, self.wanted = gate, measured, wanted
        super().__init__(f"{gate} is {measured}, wanted is {wanted}. {remedy}".rstrip())
