"""The command `sweep`: what of ours is idle or expired on a target, and its removal on request."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from flows.command_line.listing import tell, what_cell
from flows.command_line.output import print_json
from flows.command_line.reaching import reach
from flows.console import plain
from flows.inventory import look, strangers
from flows.options import RunOptions
from flows.sweeping.candidates import Candidate, Limits, candidates, duration, in_words, now, refuse_unknown
from tasks.errors import NotConfirmed
from tasks.plurals import counted


def sweep(
    *,
    target: str,
    expires: str | None = None,
    idle: str = "24h",
    keep: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, negative_iterable="", show_default=False)
    ] = (),
    apply: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    yes: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> int:
    """List what is idle or expired of ours, with its cost a day, and remove it on request.

    Asks the services themselves. Everything under one name stays or goes together, by the engine's own teardown. What others made
    is listed apart and never touched. Without --apply nothing changes. Exit code 1 when a service could not be asked or something
    could not be removed.

    Args:
        target: Where to look: sandbox, a real service by the name that its commands have for it, or block:NAME.
        expires: Also mark what is in use, but whose youngest part is older than this: 36h, 14d, 2w. Default: never.
        idle: Mark what no search can reach once it is older than this; younger, it may be half of a build.
        keep: Names that stay, whatever their age.
        apply: Remove what is marked.
        yes: Agree to the removal without being asked.
        json: Print a JSON object instead of tables; with --apply that of the report.

    Example:
        vector-search sweep --target sandbox --expires 14d
    """
    limits = Limits(
        idle=duration(idle, source="--idle"),
        expires=None if expires is None else duration(expires, source="--expires"),
        keep=keep,
    )
    reach(target)
    found, errors = look(target)
    names = candidates(found)
    refuse_unknown(keep, names)
    marked = [one for one in names if one.verdict(limits, now())]
    others, unseen = strangers(target)
    if json and not apply:
        apart = [{"engine": engine.name, "kind": one.kind, "name": one.name} for engine, one in others]
        print_json({"target": target, "found": [_row(one, limits) for one in names], "strangers": apart})
    elif not json:
        plain().print(_table(names, limits) if names else f"Nothing of ours is on {target}.")
        plain().print(_sum(names, marked))
        for engine, one in others:
            plain().print(f"Not ours, and never touched: {engine.name} {one.kind} {one.name}", soft_wrap=True)
    code = tell(unseen | errors)
    if not apply or not marked:
        return code
    _agree(marked, yes=yes)
    from flows.command_line.run import run  # noqa: PLC0415 -- a list needs no server of Prefect's
    from flows.sweeping.sweep import sweep as flow  # noqa: PLC0415

    parameters: dict[str, object] = {
        "target": target,
        "expires": expires,
        "idle": idle,
        "keep": keep,
        "apply": True,
    }
    run(flow, parameters, options=RunOptions(json=json), debug=False, may_confirm=False)
    return code


def _agree(marked: list[Candidate], *, yes: bool) -> None:
    """Go on with a yes, given in advance or at the terminal.

    Raises:
        NotConfirmed: nobody agreed.
    """
    if yes:
        return
    names = ", ".join(f"{one.engine.name} {one.name}" for one in marked)
    consequence = f"It would remove everything under {counted(len(marked), 'name')}, for good: {names}."
    errors = Console(stderr=True)
    is_asked = sys.stdin.isatty() and errors.is_terminal
    if not is_asked or not Confirm.ask(
        Text(f"{consequence} Continue?", style="prompt"), console=errors, default=False
    ):
        raise NotConfirmed("sweep", consequence=consequence)


def _row(one: Candidate, limits: Limits) -> dict[str, Any]:
    age = one.age(now())
    return {
        "engine": one.engine.name,
        "name": one.name,
        "holds": one.holds,
        "serves": one.serves,
        "since": one.since,
        "age_hours": None if age is None else round(age.total_seconds() / 3600, 1),
        "usd_a_day": one.daily,
        "idle": one.is_idle,
        "swept_because": one.verdict(limits, now()),
    }


def _table(names: list[Candidate], limits: Limits) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("what", overflow="fold")
    table.add_column("age", no_wrap=True)
    table.add_column("USD a day", justify="right", no_wrap=True)
    table.add_column("sweep", no_wrap=True)
    for one in names:
        age, daily = one.age(now()), one.daily
        cost = "unknown" if daily is None else f"{daily:.2f}" if daily else "-"
        what = what_cell(f"{one.engine.name} {one.name}", f"{one.holds}; {one.serves}")
        why = one.verdict(limits, now()) or "stays"
        table.add_row(what, "unknown" if age is None else in_words(age), cost, why)
    return table


def _sum(names: list[Candidate], marked: list[Candidate]) -> str:
    """What all of it costs, and what of that is marked."""
    every, going = (sum(one.daily or 0.0 for one in several) for several in (names, marked))
    unknown = sum(one.daily is None for one in names)
    said = f"About {every:.2f} USD a day at list prices, {going:.2f} of it for what is marked; a sandbox costs nothing."
    return f"{said} Of {counted(unknown, 'name')} the price is not known here." if unknown else said
