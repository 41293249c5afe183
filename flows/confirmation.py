"""A yes before money is spent or something is destroyed. A flow never asks: the command line does, where a person is."""

from __future__ import annotations

from tasks.errors import NotConfirmed


def confirm(step: str, *, consequence: str, yes: bool) -> None:
    """Go on only with a yes that was given beforehand.

    Raises:
        NotConfirmed: nobody agreed. The command line asks a person at its terminal then, and runs the flow again.
    """
    if not yes:
        raise NotConfirmed(step, consequence=consequence)
