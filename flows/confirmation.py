"""A yes before money is spent or something is destroyed. A flow never asks: the command line does, where a person is."""

from __future__ import annotations

from tasks.errors import NotConfirmed
from tasks.progress import say
from tasks.settings import VertexSettings
from tasks.vertex.costs import HourlyCost


def confirm_cost(settings: VertexSettings, cost: HourlyCost, *, yes: bool) -> None:
    """Say what a deployment costs an hour, and go on only when that is agreed to. A sandbox costs nothing.

    Raises:
        NotConfirmed: nobody agreed.
    """
    if settings.is_sandbox:
        say(f"{cost} The sandbox costs nothing.")
        return
    say(str(cost))
    confirm("deploy the index", consequence=str(cost), yes=yes)


def confirm(step: str, *, consequence: str, yes: bool) -> None:
    """Go on only with a yes that was given beforehand.

    Raises:
        NotConfirmed: nobody agreed. The command line asks a person at its terminal then, and runs the flow again.
    """
    if not yes:
        raise NotConfirmed(step, consequence=consequence)
