"""A yes before money is spent or something is destroyed. Asks only a person at a terminal, never under a worker."""

from __future__ import annotations

import sys

from prefect import runtime
from rich.prompt import Confirm

from tasks.errors import NotConfirmed
from tasks.progress import say
from tasks.settings import VertexSettings
from tasks.vertex.costs import HourlyCost


def confirm_cost(settings: VertexSettings, cost: HourlyCost, *, yes: bool) -> None:
    """Say what a deployment costs an hour, and go on only when that is agreed to. A sandbox costs nothing.

    Raises:
        NotConfirmed: nobody agreed.
    """
    say(str(cost))
    if settings.is_sandbox:
        say("The sandbox costs nothing.")
        return
    confirm("deploy the index", consequence=str(cost), yes=yes)


def confirm(step: str, *, consequence: str, yes: bool) -> None:
    """Go on only with a yes, given beforehand or typed now.

    Raises:
        NotConfirmed: nobody agreed.
    """
    if yes or (_a_person_is_there() and Confirm.ask(f"{consequence}\nGo on: {step}?", default=False)):
        return
    raise NotConfirmed(step, consequence=consequence)


def _a_person_is_there() -> bool:
    return sys.stdin.isatty() and runtime.deployment.id is None
