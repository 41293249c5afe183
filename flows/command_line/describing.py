"""The command `describe`: what is built under one name, what it costs, and how its last verification ended."""

from __future__ import annotations

import json as json_text
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.command_line.listing import price, tell
from flows.command_line.output import print_json
from flows.command_line.reaching import reach
from flows.console import plain
from flows.engine import Engine
from flows.inventory import look
from tasks.built import Built
from tasks.errors import InvalidInput
from tasks.program import PROGRAM
from tasks.settings import home


def describe(name: str, /, *, target: str, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Describe what is built under a name, with its cost an hour and its last verification.

    Asks the services themselves; the verification is that of the newest report in the home folder of this machine. Changes
    nothing. Exit code 1 when a service could not be asked.

    Args:
        name: What was given as --name; of an embedded index the alias.
        target: Where to look: sandbox, a real service by the name that its commands have for it, or block:NAME.
        json: Print a JSON object instead of text.

    Example:
        vector-search describe products --target sandbox
    """
    reach(target)
    everything, errors = look(target)
    found = [(engine, one) for engine, one in everything if is_of(name, one)]
    if not found:
        code = tell(errors)
        looked = " where it could be looked" if code else ""
        raise InvalidInput(
            f"Nothing of ours is built under this name{looked}",
            value=name,
            source="NAME",
            remedy=f"`{PROGRAM} list --target {target}` shows what there is.",
        )
    engines = {engine.name: engine for engine, _ in found}
    verified = {each: last_verification(engine, name, target) for each, engine in engines.items()}
    if json:
        built = [{"engine": engine.name, **asdict(one)} for engine, one in found]
        print_json({"name": name, "target": target, "built": built, "verified": verified})
    else:
        for engine, one in found:
            plain().print(_told(engine, one, verified[engine.name]))
    return tell(errors)


def is_of(name: str, built: Built) -> bool:
    """Whether something was built under a name: indices of an alias have it and twelve hex digits."""
    return re.fullmatch(rf"{re.escape(name)}(-[0-9a-f]{{12}})?", built.name) is not None


def last_verification(engine: Engine[Any], name: str, target: str) -> dict[str, Any] | None:
    """The newest report of a verification of a name that this machine has: when, outcome, facts and file; None without one."""
    where = engine.where(engine.settings(target))
    newest = None
    for file in (home() / "reports").glob(f"{engine.name}-verify-*.json"):
        report = _read(file)
        if (report.get("name"), report.get("target"), report.get("where")) != (name, target, where):
            continue
        if newest is None or report["started"] > newest["started"]:
            newest = {key: report[key] for key in ("started", "outcome", "facts")} | {"file": str(file)}
    return newest


def _read(file: Path) -> dict[str, Any]:
    """A report; empty if it is none, or another process is removing it."""
    try:
        found = json_text.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _told(engine: Engine[Any], one: Built, verified: dict[str, Any] | None) -> str:
    cost = price(one.hourly)
    lines = {
        "holds": one.holds,
        "serves": one.serves,
        "since": f"{one.since:%Y-%m-%d %H:%M} UTC" if one.since else "unknown",
        "costs": "nothing by the hour" if cost == "-" else f"{cost} USD an hour",
        "verified": _verified(verified),
    }
    said = "".join(f"\n  {title:<10}{text}" for title, text in lines.items())
    return f"{one.name}: {engine.title}, {one.kind}{said}"


def _verified(report: dict[str, Any] | None) -> str:
    if report is None:
        return f"no report of it in {home() / 'reports'}"
    when = datetime.fromisoformat(report["started"])
    recall = report["facts"].get("recall")
    measured = recall.get("recall") if isinstance(recall, dict) else recall  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    found = f", recall {measured:.3f}" if isinstance(measured, float) else ""
    return f"{when:%Y-%m-%d %H:%M} UTC, {report['outcome']}{found} ({report['file']})"
