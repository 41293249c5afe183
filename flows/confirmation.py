"""Confirmation before money is spent or something is deleted. A flow never asks: the command line does, if a person is there."""

from __future__ import annotations

from tasks.errors import NotConfirmed


def confirm(step: str, *, consequence: str, yes: bool) -> None:
    """Continue only with a `yes` that was given in advance.

    Raises:
        NotConfirmed: nobody agreed. The command line then asks the person at the terminal and runs the flow again.
    """
    if not yes:
        raise NotConfirmed(step, consequence=consequence)
