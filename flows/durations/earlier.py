"""How long the same took in earlier runs, as their reports on this machine say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from flows.console import duration
from flows.durations.documented import Timing
from flows.durations.expected import Expected

MOST_REPORTS = 60
"""The newest, of one engine: a plan waits for them to be read."""
_UNTIMED = ("unchanged", "was ours", "was there", "failed", "interrupted", "already", "0 ")
"""How a step's words begin that did not do it, or not to its end."""


class Told(NamedTuple):
    """What a report says of how long something took."""

    name: str
    on: str
    steps: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]


class Earlier:
    """The reports of one engine and place.

    Args:
        folder: where reports are.
        engine: its name.
        target, where: as in the reports.
        name: whose own reports are preferred.
    """

    def __init__(self, folder: Path, engine: str, *, target: str, where: str, name: str) -> None:
        self._folder, self._engine, self._place, self._name = folder, engine, (target, where), name

    def took(self, timing: Timing) -> Expected | None:
        """How long the newest such step took: of the same name, else of another."""
        if not timing.step:
            return None
        for one in self._reports:
            for step in one.steps:
                title, seen, seconds = step["step"], step["seen"], step["seconds"]
                is_it = title.startswith(f"{timing.step} ") and not seen.startswith(_UNTIMED)
                if is_it and timing.did in seen and "failed" not in seen:
                    return self._expected(one, seconds, f"took {duration(seconds)}")
        return None

    def paced(self, documents: int) -> Expected | None:
        """How long that many documents will take at the pace of the newest run that sent some."""
        for one in self._reports:
            pace = one.facts.get("pace")
            per_second = pace.get("per_second") if isinstance(pace, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(per_second, (int, float)) and per_second > 0:
                return self._expected(one, documents / per_second, f"{per_second:,.3g} per second")
        return None

    def _expected(self, told: Told, seconds: float, words: str) -> Expected:
        whose = "" if told.name == self._name else f" for {told.name}"
        return Expected(least_seconds=seconds, most_seconds=seconds, basis=f"{words} on {told.on}{whose}")

    @cached_property
    def _reports(self) -> list[Told]:
        """Newest first, those of the same name before others."""
        return sorted(self._read(), key=lambda one: one.name != self._name)

    def _read(self) -> Iterator[Told]:
        files = sorted(self._folder.glob(f"{self._engine}-*.json"), key=lambda one: one.stem[-21:])
        for file in reversed(files[-MOST_REPORTS:]):
            # A file that somebody has changed or removed is no report.
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                report = json.loads(file.read_bytes())
                is_here = (report["target"], report["where"]) == self._place
                if is_here and report["flow"].startswith(f"{self._engine} "):
                    on = f"{datetime.fromisoformat(report['started']):%Y-%m-%d}"
                    steps = tuple({"step": str(one["step"]), "seen": str(one["seen"]), "seconds": float(one["seconds"])} for one in report["steps"])  # fmt: skip
                    yield Told(str(report["name"]), on, steps, dict(report["facts"]))
