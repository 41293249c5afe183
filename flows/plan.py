"""What a flow would do, made from what it reads before it changes anything: resource by resource, with data and cost.

A flow makes its plan where it asks for agreement (`flows/confirmation.py`). `--plan` ends there; Prefect has no part in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from pydantic import BaseModel, SerializeAsAny, computed_field
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.durations.expected import Expected, between, total
from tasks.plurals import listed
from tasks.steps import plain_calls

Action = Literal["create", "change", "remove", "keep", "adopt"]
"""`adopt`: an earlier run began it, and it is followed to its end, not begun again."""

_SIGNS: dict[Action, tuple[str, str, str]] = {
    "create": ("+", "green", "to create"),
    "change": ("~", "yellow", "to change"),
    "remove": ("-", "red", "to remove"),
    "adopt": (">", "cyan", "to adopt from an earlier run"),
    "keep": ("=", "dim", "unchanged"),
}


class Difference(BaseModel, frozen=True):
    """A field that would change."""

    field: str
    there: SerializeAsAny[Any]
    wanted: SerializeAsAny[Any]

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.there)} -> {_shown(self.wanted)}"


class Resource(BaseModel, frozen=True):
    """A resource of the target, and what would become of it."""

    action: Action
    kind: str
    """As the service calls it: `index`, `deployed index`."""
    name: str
    detail: str = ""
    """For people."""
    differences: tuple[Difference, ...] = ()
    expected: Expected | None = None
    """How long that takes; None if it is not known."""


class Duration(BaseModel, frozen=True):
    """How long a plan takes, one thing after the other."""

    least_seconds: float
    most_seconds: float
    unknown: tuple[str, ...]
    """What of it is not counted, because nothing is known of it."""

    def __str__(self) -> str:
        known = between(self.least_seconds, self.most_seconds) if self.most_seconds else ""
        unknown = f"not known: {listed(self.unknown)}" if self.unknown else ""
        return "; ".join(filter(None, (known, unknown)))


class Plan(BaseModel, frozen=True):
    """What a flow would do."""

    flow: str
    """`vertex build`."""
    name: str
    target: str
    resources: tuple[Resource, ...] = ()
    sends: str = ""
    """The data that would be sent, in words; empty if none."""
    sends_count: int = 0
    """How many vectors, rows or documents, at most: what an earlier run has sent is not sent again."""
    sends_expected: Expected | None = None
    """How long it takes to send them; None if it is not known."""
    hourly: str = ""
    """What is new in cost by the hour, in words."""
    hourly_usd: float | None = None
    """The same in USD, about; 0 for none, None where the price is not known here."""
    once: str = ""
    """What is paid once, in words."""
    asks: tuple[str, ...] = ()
    """What needs a yes, with its consequence."""

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return any(one.action != "keep" for one in self.resources) or bool(self.sends_count)

    @computed_field
    @property
    def duration(self) -> Duration:
        """How long everything takes that would change, as far as it is known."""
        parts = {one.kind: one.expected for one in self.resources if one.action != "keep"}
        timed = [one.expected for one in self.resources if one.action != "keep"]
        if self.sends_count:
            parts["sending the data"] = self.sends_expected
            timed.append(self.sends_expected)
        least, most = total(one for one in timed if one)
        unknown = tuple(kind for kind, expected in parts.items() if expected is None)
        return Duration(least_seconds=least, most_seconds=most, unknown=unknown)

    def render(self) -> RenderableType:
        """For the terminal. Everything is `Text`, so that names in brackets are not read as markup."""
        table = Table.grid(padding=(0, 2, 0, 0))
        # A resource's path may be longer than the line: it is folded, and what becomes of it stays readable.
        for no_wrap in (True, True, False, False):
            table.add_column(no_wrap=no_wrap, overflow="fold")
        for one in self.resources:
            sign, style, _ = _SIGNS[one.action]
            is_long = one.action != "keep" and one.expected is not None and one.expected.most_seconds >= 60
            takes = f"takes {one.expected}" if is_long else ""
            more = "\n".join(filter(None, (one.detail, *map(str, one.differences), takes)))
            table.add_row(Text(sign, style), Text(one.kind, style), Text(one.name), Text(more))
        sends = f"{self.sends}; takes {self.sends_expected}" if self.sends_expected else self.sends
        duration = str(self.duration) if self.changes else ""
        if duration and self.target == "sandbox":
            duration += ". The sandbox takes seconds."
        told = (
            ("sends", sends),
            ("duration", duration),
            ("cost an hour", self.hourly),
            ("cost once", self.once),
        )
        said = Table.grid(padding=(0, 2, 0, 0))
        said.add_column(no_wrap=True)
        said.add_column(overflow="fold")
        for title, text in (*told, *(("asks for a yes", ask) for ask in self.asks)):
            if text:
                said.add_row(Text(title, "bold"), Text(text))
        title = Text(f"Plan of {self.flow} {self.name} on {self.target}", style="bold")
        parts = [Padding(part, (0, 0, 0, 2)) for part in (table, said) if part.row_count]
        return Group(title, *parts, Text(self._sum()))

    def _sum(self) -> str:
        if not self.changes:
            return "Nothing would change."
        counts = Counter(one.action for one in self.resources)
        return ", ".join(
            f"{sign} {counts[action]} {words}"
            for action, (sign, _, words) in _SIGNS.items()
            if counts[action]
        )


class Planned(Exception):
    """A flow that was only to say what it would do has said it. Nothing was changed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__(f"planned: {plan.flow}")


class NoPlan(Exception):
    """A flow ended without a plan. The catalog says that it makes one, so this is our mistake."""


_PLANNING: ContextVar[bool] = ContextVar("_PLANNING", default=False)


def is_planning() -> bool:
    """Whether the running flow is only to say what it would do."""
    return _PLANNING.get()


def plan_of(flow: Any, parameters: Mapping[str, object]) -> Plan:
    """Run a flow until it has made its plan, without a run of Prefect's.

    Args:
        flow: a Prefect flow whose entry in the catalog says that it plans.
        parameters: by name.

    Raises:
        NoPlan: it has not made one.
    """
    with _only_planning():
        try:
            flow.fn(**parameters)
        except Planned as made:
            return made.plan
    raise NoPlan(f"{flow.name} ended without a plan.")


@contextmanager
def _only_planning() -> Generator[None]:
    token = _PLANNING.set(True)
    try:
        with plain_calls():
            yield
    finally:
        _PLANNING.reset(token)


def differences(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields of `wanted` that differ, in its order; a field that is not there counts as None."""
    return tuple(
        Difference(field=field, there=there.get(field), wanted=value)
        for field, value in wanted.items()
        if there.get(field) != value
    )


def _shown(value: Any) -> str:
    return "none" if value in (None, "", (), {}) else str(value)
