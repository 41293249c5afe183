"""The parameters of flows, each defined once: name, type, default, constraint and help.

A flow's options are one model. Its fields are the options of its command, the fields of its form in Prefect, and what its
specifications are made from. Options that flows of several engines share are here, those of one engine in its own `options`
module, all others beside their flow.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, model_validator
from pydantic.dataclasses import dataclass

from flows.option_values import check_values
from tasks.errors import InvalidInput
from tasks.interruption import WhenInterrupted

MOST_MINUTES = 366 * 24 * 60
"""A year: longer waits are typing errors, and no clock can add the longest."""


class Options(BaseModel, frozen=True, extra="forbid"):
    """The options of a flow.

    Raises:
        InvalidInput: a value that no option can hold (`flows/option_values.py`).
    """

    @model_validator(mode="before")
    @classmethod
    def _can_hold(cls, values: Any) -> Any:
        if isinstance(values, dict):
            check_values(values)  # pyright: ignore[reportUnknownArgumentType]
        return values  # pyright: ignore[reportUnknownVariableType]

    def shared_with(self, model: type[BaseModel]) -> dict[str, Any]:
        """The options that a specification takes under the same name."""
        return {name: value for name, value in self if name in model.model_fields}


def timeout(minutes: float) -> Any:
    """The field `timeout_minutes` with the default of a flow."""
    return Field(
        default=minutes,
        gt=0,
        le=MOST_MINUTES,
        description="Stop waiting after this many minutes; what the target has accepted stays, and what it has started continues.",
    )


class Timed(Options, frozen=True):
    """Options of flows that wait."""

    timeout_minutes: float = timeout(60)


class Interruptible(Options, frozen=True):
    """Options of flows that wait for long operations of the target."""

    when_interrupted: WhenInterrupted = Field(
        default="leave-running",
        description="On Ctrl-C or cancel, leave the running operation or ask the target to cancel it.",
    )


def agreement(to: str) -> Any:
    """The field `yes` with what it agrees to."""
    return Field(default=False, description=f"Agree to {to} without being asked.")


class Confirmed(Options, frozen=True):
    """Options of flows that spend money or delete something."""

    yes: bool = agreement("the cost and the consequences")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a command presents its work: options of every flow's command, not fields of its form."""

    json: bool = Field(
        default=False, description="Print the result as JSON to standard output, and nothing else."
    )
    quiet: bool = Field(default=False, description="Print only the result and errors.")
    plan: bool = Field(default=False, description="Show what would change, and change nothing.")
    report: Path | None = Field(default=None, description="Write the report to this file too.")

    def refuse_what_is_not_supported(self) -> None:
        """Refuse each by name: none is supported yet, and an option is never ignored.

        Raises:
            InvalidInput: one is given.
        """
        for name in RUN_OPTIONS:
            if getattr(self, name):
                raise InvalidInput(f"--{name} is not supported yet")


RUN_OPTIONS = tuple(field.name for field in fields(RunOptions))
"""Their names, which no flow may use for an option of its own."""
