"""The parameters of flows, each defined once: name, type, default, constraint and help.

A flow's options are one model. Its fields are the options of its command, the fields of its form in Prefect, and what its
specifications are made from. Options that flows of several engines share are here, those of one engine in its own `options`
module, all others beside their flow.
"""

from __future__ import annotations

import os
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
    """How a command presents its work: options of every flow's command, not fields of its form. docs/scripts.md has what they print."""

    json: bool = Field(
        default=False, description="Print the result as JSON to standard output, and nothing else."
    )
    quiet: bool = Field(default=False, description="Print only the result and errors.")
    plan: bool = Field(
        default=False, description="Show what would change and what it would cost, and change nothing."
    )
    report: Path | None = Field(
        default=None,
        description="Write the report to this file too: a page if its name ends with .html, otherwise JSON. Failed runs have one as well.",
    )

    def refuse(self, *names: str, why: str) -> None:
        """Refuse options that a command does not have: an option is never ignored.

        Args:
            names: of the options.
            why: what the command says instead.

        Raises:
            InvalidInput: one of them is given.
        """
        for name in names:
            if getattr(self, name):
                raise InvalidInput(f"This command has no --{name}: {why}")

    def check_report(self) -> None:
        """Refuse a file for the report that cannot be written, before anything is done.

        Raises:
            InvalidInput: its folder is not there or may not be written, or it is a folder itself.
        """
        file = self.report
        if file is None:
            return
        if file.is_dir() or not file.parent.is_dir() or not os.access(file.parent, os.W_OK):
            raise InvalidInput(
                "The report cannot be written there",
                value=str(file),
                source="--report",
                accepted="a file in a folder that exists and may be written",
            )


RUN_OPTIONS = tuple(field.name for field in fields(RunOptions))
"""Their names, which no flow may use for an option of its own."""
