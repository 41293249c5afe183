"""The two words for whoever calls: transient (try again) and permanent (give up, and say why).

    Exception
    +-- TransientError            a retry or a later look may succeed
    +-- PermanentError            it will not; the message says what to do          exit code 1
        +-- InvalidInput          the data, a parameter or a setting is wrong       exit code 2
        +-- NotConfirmed          a paid or destructive step needs a yes            exit code 2
        +-- CannotChangeInPlace   it exists, and differs in a field that is fixed
        +-- NotOurs               something with our name does not carry our mark
        +-- DeadlinePassed        a wait ran out of time
        +-- GateNotMet            what is served is not good enough

An error takes facts, keeps them as attributes and builds its own message, which shows no secret that was read. The
library's exception, if any, is its cause. Other exceptions pass `without_secrets` where they leave a step or a flow.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from tasks.redaction import redacted

_MOST_SHOWN = 1_000
"""Characters of a value in a message: a path or a list is whole, a file's content is not."""


class _WithoutSecrets(Exception):
    """Neither the message nor a fact shows a secret: both are printed, stored and pickled."""

    def __init__(self, message: str = "") -> None:
        for name, fact in vars(self).items():
            if isinstance(fact, str):
                setattr(self, name, redacted(fact))
        super().__init__(redacted(message))


class TransientError(_WithoutSecrets):
    """Try again: the same call may succeed."""


class PermanentError(_WithoutSecrets):
    """Give up: the message gives the bad value, what is accepted and what to do next."""


class Withheld(Exception):
    """An exception of a library whose text contained a secret: its kind and its text without it."""

    def __init__(self, error: Exception) -> None:
        self.kind = type(error).__name__
        super().__init__(f"{self.kind}: {redacted(str(error))}")


@contextmanager
def without_secrets() -> Generator[None]:
    """Raise `Withheld` in place of an exception that shows a secret: Prefect stores the text of what leaves a step or a flow."""
    try:
        yield
    except Exception as error:
        if redacted(said := f"{error} {error!r}") == said:
            raise
        raise Withheld(error).with_traceback(error.__traceback__) from None


class InvalidInput(PermanentError):
    """Data, a parameter or a setting that cannot be used. Raised before anything is created or paid for."""

    def __init__(
        self, what: str, *, value: object = None, source: str = "", accepted: str = "", remedy: str = ""
    ) -> None:
        self.what, self.value, self.source, self.accepted, self.remedy = what, value, source, accepted, remedy
        sentence = what if value is None else f"{what}: {_shown(value)}"
        if source:
            sentence += f" (from {source})"
        sentence += "."
        if accepted:
            sentence += f" Accepted: {accepted}."
        if remedy:
            sentence += f" {remedy}"
        super().__init__(sentence)


def _shown(value: object) -> str:
    """A value, of a long one its beginning."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text):,} characters)"


class NotConfirmed(PermanentError):
    """Nobody agreed to a step that costs money or destroys something."""

    def __init__(self, step: str, *, consequence: str, plan: object = None) -> None:
        self.step, self.consequence, self.plan = step, consequence, plan
        super().__init__(
            f"Not confirmed: {step}. {consequence} Nothing was done. Confirm with --yes (the parameter `yes`)."
        )


class CannotChangeInPlace(PermanentError):
    """What exists differs from what was requested in a field that the service does not let anyone change."""

    def __init__(
        self, kind: str, name: str, *, field: str, there: object, wanted: object, remedy: str
    ) -> None:
        self.kind, self.name, self.field, self.there, self.wanted = kind, name, field, there, wanted
        super().__init__(
            f"The {kind} {name!r} exists with {field}={there!r}, but {wanted!r} was requested, and {field} cannot be "
            f"changed in place. {remedy}"
        )


class NotOurs(PermanentError):
    """Something with the requested name was not created by this project. It is never touched."""

    def __init__(self, kind: str, name: str, *, resource: str, remedy: str) -> None:
        self.kind, self.name, self.resource = kind, name, resource
        super().__init__(
            f"The {kind} {name!r} already exists ({resource}) and was not created by this project (it has no managed_by "
            f"mark), so it is left alone. {remedy}"
        )


class DeadlinePassed(PermanentError):
    """A wait ran out of time."""

    def __init__(self, what: str, *, seconds: float, last_seen: str, remedy: str = "") -> None:
        self.what, self.seconds, self.last_seen = what, seconds, last_seen
        super().__init__(
            f"Gave up waiting after {seconds:.0f} s: {what}; last seen: {last_seen}. "
            + (remedy or "It may still finish. Run the same command again to continue from there.")
        )


class GateNotMet(PermanentError):
    """A measurement does not meet its gate. What was measured goes into the report's facts by name, as when it does."""

    def __init__(
        self,
        gate: str,
        *,
        measured: object,
        wanted: object,
        remedy: str = "",
        facts: Mapping[str, object] | None = None,
    ) -> None:
        self.gate, self.measured, self.wanted, self.facts = gate, measured, wanted, dict(facts or {})
        super().__init__(f"{gate} is {measured}, required: {wanted}. {remedy}".rstrip())
