"""A report as one HTML file that asks for nothing else: for a browser, a phone, or a colleague by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from jinja2 import Template

from flows.console import duration
from flows.report_page.comparisons import Intervals
from flows.report_page.pictures import Picture, drawn
from flows.report_page.templates import template

_DRAWN_ONLY = ("latencies", "by_question", "samples")
"""Facts by the hundred: what they come to is drawn, and the JSON file has them."""
MOST_ROWS = 100
"""Of a table; the JSON file beside has all."""
_MOST_ITEMS = 20
"""Of a list in a cell."""


class StepTold(Protocol):
    """What a page shows of a step."""

    step: str
    seen: str
    began: float
    seconds: float


class Told(Protocol):
    """What a page shows: a report."""

    @property
    def title(self) -> str: ...  # noqa: D102 -- as in the report
    @property
    def steps(self) -> Sequence[StepTold]: ...  # noqa: D102
    @property
    def chapters(self) -> Sequence[StepTold]: ...  # noqa: D102

    results: list[dict[str, Any]]
    answer: str
    nothing: str
    started: datetime
    where: str
    seconds: float
    outcome: str
    resume: str


def page(report: Told, facts: Mapping[str, Any], pictures: Sequence[Picture | Intervals] = ()) -> str:
    """The report as HTML: steps on a common line of time, and facts. It loads nothing and runs nothing; all text is escaped.

    Args:
        report: the report.
        facts: its facts as JSON has them: mappings, lists, text, numbers.
        pictures: of its measurements.
    """
    whole = max(report.seconds, 1e-9)
    steps = [
        {
            "title": step.step,
            "seen": step.seen,
            "took": _time(step.seconds),
            "left": f"{100 * min(step.began / whole, 1):.2f}",
            "width": f"{100 * min(step.seconds / whole, 1):.2f}",
        }
        for step in report.steps
    ]
    return _template().render(
        report=report,
        facts=facts,
        steps=steps,
        took=_time(report.seconds),
        mood=_mood(report.outcome),
        most=MOST_ROWS,
        drawn_only=_DRAWN_ONLY,
        pictures=pictures,
    )


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _mood(outcome: str) -> str:
    if outcome == "done":
        return "good"
    return "bad" if outcome.startswith("failed") else "still"


@cache
def _template() -> Template:
    return template(
        "page.html",
        plain=_plain,
        words=_words,
        columns=_columns,
        matrix=_matrix,
        is_table=_is_table,
        is_deep=_is_deep,
        drawn=drawn,
    )


def _plain(value: Any) -> str:
    """A value as people write it: numbers with four digits at most behind the point, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)  # a year is no amount
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, Sequence) and not isinstance(value, str):
        shown = ", ".join(_plain(each) for each in value[:_MOST_ITEMS])
        return shown if len(value) <= _MOST_ITEMS else f"{shown} and {len(value) - _MOST_ITEMS:,} more"
    return str(value)


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _matrix(value: Any) -> list[dict[str, Any]]:
    """Records that are called by their names and have the same fields, as rows; empty for anything else."""
    if not isinstance(value, Mapping) or len(value) < 2 or not _is_table(list(value.values())):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return []
    rows = [
        {"": name} | {field: cell for field, cell in row.items() if field not in _DRAWN_ONLY}
        for name, row in value.items()  # pyright: ignore[reportUnknownVariableType]
    ]
    is_same = all(row.keys() == rows[0].keys() for row in rows)
    return rows if is_same and not _is_deep(rows) else []


def _is_table(value: Any) -> bool:
    """Whether it is a list of records."""
    return bool(value) and isinstance(value, list) and all(isinstance(row, Mapping) for row in value)  # pyright: ignore[reportUnknownVariableType]


def _is_deep(value: Any) -> bool:
    """Whether it is a list of records that hold others: no columns have room for them."""
    return _is_table(value) and any(isinstance(cell, Mapping) for row in value for cell in row.values())


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of all fields, in the order in which they come first."""
    return list(dict.fromkeys(name for row in rows for name in row))
