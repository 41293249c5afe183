"""Pictures of evaluations compared: for each a point with its interval, one below the other, so that names of any length have room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from jinja2 import Template
from markupsafe import Markup

from flows.report_page.axes import Axis, number
from flows.report_page.templates import template

_MEASURES = ("nDCG@10", "right", "abstention")
_WIDTH, _ROW, _RIGHT, _BOTTOM = 640, 28, 24, 40
_CHARACTER = 7.4
"""Width of a character of 12 pixels, about."""
_MOST_LEFT, _LONGEST = 290, 36
"""Of the column of names; the whole name is in the point's title."""


class Interval(NamedTuple):
    """One of what is compared."""

    name: str
    value: float
    low: float
    high: float


class Intervals(NamedTuple):
    """A picture of one measure."""

    title: str
    x: str
    rows: Sequence[Interval]
    has_zero: bool = False
    """Whether zero is marked: what lies across it is no difference."""


def comparisons(facts: Mapping[str, Any]) -> list[Intervals]:
    """Measures of models or settings that were compared, and their differences to the first, where there are any.

    Args:
        facts: of a report, with `models` or `settings` as `tasks.answers.evaluation.comparison.compared` makes them.
    """
    found: list[Intervals] = []
    for kind in ("setting", "model"):
        records = _records(facts.get(f"{kind}s"), kind)
        first = str(records[0][kind]) if records else ""
        for name in _MEASURES:
            values = _intervals(records, kind, "measures", name)
            less = _intervals(records, kind, "difference", name)
            if len({row[1:] for row in values}) > 1:
                found.append(Intervals(f"{name} by {kind}", f"{name}, with 95% intervals", values))
            if any(row.low != row.high for row in less):
                x = "paired difference, with 95% intervals"
                found.append(Intervals(f"{name}, difference from {first}", x, less, has_zero=True))
    return found


def _records(fact: Any, kind: str) -> list[Mapping[str, Any]]:
    """The fact, if it is a comparison: other flows may have one of this name."""
    records: list[Any] = fact if isinstance(fact, list) else []
    is_comparison = all(
        isinstance(one, Mapping) and {kind, "measures", "difference"} <= one.keys() for one in records
    )  # pyright: ignore[reportUnknownMemberType]
    return records if is_comparison else []


def _intervals(records: Sequence[Mapping[str, Any]], kind: str, of: str, name: str) -> list[Interval]:
    return [
        Interval(str(record[kind]), measure["value"], measure["low"], measure["high"])
        for record in records
        if (measure := record[of].get(name))
    ]


def drawn_intervals(picture: Intervals, *, alone: bool = False) -> Markup:
    """A picture as SVG.

    Args:
        picture: with at least one row.
        alone: as `flows.report_page.pictures.drawn`.
    """
    low, high = min(row.low for row in picture.rows), max(row.high for row in picture.rows)
    if picture.has_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = (high - low) / 10 or 0.05
    longest = max(len(_short(row.name)) for row in picture.rows)
    left = min(_MOST_LEFT, 24 + longest * _CHARACTER)
    x = Axis.of(low - margin, high + margin, left, _WIDTH - _RIGHT)
    bottom = _ROW * len(picture.rows) + _ROW / 2
    rows = [
        {
            "y": _ROW * (place + 0.75), "name": _short(row.name), "x": x.at(row.value), "low": x.at(row.low), "high": x.at(row.high),
            "said": f"{row.name}: {number(row.value)} ({number(row.low)} to {number(row.high)})",
        }
        for place, row in enumerate(picture.rows)
    ]  # fmt: skip
    return Markup(  # noqa: S704 -- the template escapes
        _template().render(
            picture=picture, alone=alone, rows=rows, width=_WIDTH, height=bottom + _BOTTOM, left=left, right=_WIDTH - _RIGHT, bottom=bottom,
            columns=[(x.at(one), number(one)) for one in x.ticks()], zero=x.at(0.0) if picture.has_zero else None,
        )
    )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


@cache
def _template() -> Template:
    return template("intervals.svg")
