"""Confirmation before money is spent or something is deleted. A flow never asks: the command line does, if a person is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.report import listed
from tasks.errors import NotConfirmed


@dataclass(frozen=True)
class Question:
    """Something that needs agreement."""

    step: str
    consequence: str


def confirm(step: str, *, consequence: str, yes: bool) -> None:
    """Continue only with a `yes` that was given in advance.

    Raises:
        NotConfirmed: nobody agreed. The command line then asks the person at the terminal and runs the flow again.
    """
    if not yes:
        raise NotConfirmed(step, consequence=consequence)


def agree(questions: Sequence[Question], *, yes: bool) -> None:
    """Continue only if everything is agreed to.

    A run has one `yes` for all of its questions, so they are asked together: nobody agrees to something that was not shown.

    Raises:
        NotConfirmed: nobody agreed.
    """
    if questions:
        steps = listed(question.step for question in questions)
        confirm(steps, consequence=" ".join(question.consequence for question in questions), yes=yes)
