"""The command `list`: what bears our mark on a target, what it serves and what it costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.command_line.output import print_json
from flows.command_line.reaching import reach
from flows.console import plain
from flows.engine import Engine
from flows.inventory import Errors, look
from tasks.built import Built


def list_built(*, target: str, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """List what was built, under which name, what it serves and about what it costs an hour.

    Asks the services themselves, so it also shows what another machine or a killed run has left. Changes nothing.
    Exit code 1 when a service could not be asked.

    Args:
        target: Where to look: sandbox, a real service by the name that its commands have for it, or block:NAME.
        json: Print a JSON list instead of a table.

    Example:
        vector-search list --target sandbox
    """
    reach(target)
    found, errors = look(target)
    if json:
        rows = [{"engine": engine.name, **asdict(one)} for engine, one in found]
        print_json(rows)
    else:
        plain().print(_table(found) if found else f"Nothing of ours is on {target}.")
        if found:
            plain().print(_sum([one for _, one in found]))
    return tell(errors)


def tell(errors: Errors) -> int:
    """Say which engines could not be asked. Returns the exit code."""
    for name, error in errors.items():
        Console(stderr=True).print(Text(f"{name} was not looked at. {error}"), soft_wrap=True)
    return int(bool(errors))


def _table(found: list[tuple[Engine[Any], Built]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("what", overflow="fold")
    table.add_column("since (UTC)", no_wrap=True)
    table.add_column("USD an hour", justify="right", no_wrap=True)
    for engine, one in found:
        since = f"{one.since:%Y-%m-%d %H:%M}" if one.since else "unknown"
        what = what_cell(f"{engine.name} {one.name}: {one.kind}", f"{one.holds}; {one.serves}")
        table.add_row(what, since, price(one.hourly))
    return table


def what_cell(name: str, about: str) -> RenderableType:
    """A name with what is known of it beneath, so that ids and versions stay whole at 80 columns. Nothing in it is read as markup."""
    return Group(
        Text(name, overflow="fold"), Padding(Text(about, style="dim", overflow="fold"), (0, 0, 0, 2))
    )


def price(hourly: float | None) -> str:
    """A price an hour in a cell: `0.09`, `-` for none, `unknown`."""
    if hourly is None:
        return "unknown"
    return f"{hourly:.2f}" if hourly else "-"


def _sum(found: list[Built]) -> str:
    known = sum(one.hourly or 0.0 for one in found)
    unknown = sum(one.hourly is None for one in found)
    said = f"About {known:.2f} USD an hour at list prices; a sandbox costs nothing."
    return f"{said} Of {unknown} the price is not known here." if unknown else said
