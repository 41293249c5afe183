"""Pictures of a report's measurements, as SVG: within its page, which knows light and dark, and for Prefect's UI.

Drawn by a template of our own: two simple kinds of chart do not earn the 100 MB of Matplotlib, and what draws in the browser is
megabytes of script in every page. The numbers come from the report's facts, so its JSON has what they show.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from jinja2 import Template
from markupsafe import Markup

from flows.report_page.templates import template
from tasks.measures.latency import round_up

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 16, 56
_TICKS = 4
"""Of an axis, about."""
_MOST_NAMES = 6
"""Of points, written below them."""
_QUALITY = ("nDCG@10", "right", "abstention")
"""Measures of answers."""
Facts = Mapping[str, Any]
Earlier = Sequence[tuple[str, Facts]]
"""Facts of earlier reports of the same, oldest first, each with its day."""


class Picture(NamedTuple):
    """A chart of one measure over another."""

    title: str
    kind: Literal["bars", "line"]
    x: str
    """What the horizontal axis shows, with its unit: `latency, ms`."""
    y: str
    points: Sequence[tuple[float, float]]
    """From left to right. Those of bars lie in their middle, at equal distances."""
    names: Sequence[str] = ()
    """Of the points, in place of numbers on the horizontal axis."""
    most: float = math.inf
    """Beyond which there is nothing on the vertical axis: 1 for a recall."""


def pictures(facts: Facts, earlier: Earlier = ()) -> list[Picture]:
    """What a report's facts let one see.

    Args:
        facts: measurements of recall, whatever their names are, what a tour tried, and measures of answers.
        earlier: of the same name and place, for the trend.
    """
    found: list[Picture] = []
    if leaves := facts.get("recall_by_leaves"):
        points = sorted({(one["leaves"], one["recall"]) for one in leaves})
        title = "Recall by the part of the leaves that is searched"
        found.append(Picture(title, "line", "part of the leaves", "recall", points, most=1))
    if tried := facts.get("recall_by_candidates"):
        points = sorted((float(one["num_candidates"]), one["recall"]) for one in tried)
        title = "Recall of kNN against exact search by num_candidates"
        found.append(Picture(title, "line", "num_candidates", "recall", points, most=1))
    for name, fact in facts.items():
        if _is_measured(fact):
            what = "" if name == "recall" else f", {name.replace('_', ' ')}"
            if fact.get("latencies"):
                found.append(_histogram(f"Latency of {fact['queries']:,} queries{what}", fact))
            found += _trends(what, name, fact, earlier)
    return found + _quality(facts.get("measures"), earlier)


def _quality(measures: Any, earlier: Earlier) -> list[Picture]:
    """What gates look at in an evaluation of answers, beside earlier runs."""
    found: list[Picture] = []
    for name in _QUALITY:
        runs = [
            (day, value) for day, one in earlier if (value := _mean(one.get("measures"), name)) is not None
        ]
        now = _mean(measures, name)
        if runs and now is not None:
            days, values = zip(*runs, ("now", now), strict=True)
            points = [(float(number), value) for number, value in enumerate(values)]
            found.append(Picture(f"{name} over {len(days)} runs", "line", "run", name, points, days, most=1))
    return found


def _mean(measures: Any, name: str) -> float | None:
    fact = measures.get(name) if isinstance(measures, Mapping) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    value = fact.get("value") if isinstance(fact, Mapping) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return float(value) if isinstance(value, (int, float)) else None


def _is_measured(fact: Any) -> bool:
    return isinstance(fact, Mapping) and "recall" in fact and "p90" in fact


def _trends(what: str, name: str, fact: Facts, earlier: Earlier) -> list[Picture]:
    """The measurement beside those of earlier runs, if there are any of as many neighbors."""
    runs = [
        (day, one[name])
        for day, one in earlier
        if _is_measured(one.get(name)) and one[name].get("k") == fact.get("k")
    ]
    if not runs:
        return []
    runs.append(("now", fact))
    days, over = [day for day, _ in runs], f"over {len(runs)} runs{what}"
    recall, slow = (
        [(float(number), float(one[key])) for number, (_, one) in enumerate(runs)]
        for key in ("recall", "p90")
    )
    return [
        Picture(f"Recall {over}", "line", "run", "recall", recall, days, most=1),
        Picture(f"90th percentile of latency {over}", "line", "run", "p90, ms", slow, days),
    ]


def _histogram(title: str, fact: Facts) -> Picture:
    ends = [low for low, _ in fact["latencies"]]
    width = min((after - before for before, after in pairwise(ends)), default=1.0)
    points = [(low + width / 2, float(count)) for low, count in fact["latencies"]]
    return Picture(title, "bars", f"latency, ms; the last bar is {ends[-1]:g} and above", "queries", points)


def drawn(picture: Picture, *, alone: bool = False) -> Markup:
    """A picture as SVG.

    Args:
        picture: with at least one point.
        alone: for a page that is not ours: with colors of its own, which can be seen on white and on black.
    """
    bars = picture.kind == "bars"
    xs, ys = (list(one) for one in zip(*picture.points, strict=True))
    half = (xs[1] - xs[0]) / 2 if bars and len(xs) > 1 else 0.5
    inner = 0 if bars else 8
    x = _Axis.of(xs[0] - half * bars, xs[-1] + half * bars, _LEFT + inner, WIDTH - _RIGHT - inner)
    low, high = (0.0, max(ys)) if bars else (min(ys), max(ys))
    margin = (high - low) / 10 or abs(high) / 10 or 1.0
    y = _Axis.of(low - margin * (not bars), min(high + margin, picture.most), HEIGHT - _BOTTOM, _TOP)
    marks = [
        {"x": x.at(at), "y": y.at(value), "left": x.at(at - half), "right": x.at(at + half), "said": f"{name}: {_number(value)}"}
        for (at, value), name in zip(picture.points, picture.names or map(_number, xs), strict=True)
    ]  # fmt: skip
    every = math.ceil(len(picture.names) / _MOST_NAMES) or 1
    named = [(x.at(at), name) for at, name in list(zip(xs, picture.names, strict=False))[::every]]
    return Markup(  # noqa: S704 -- the template escapes
        _template().render(
            picture=picture, alone=alone, marks=marks, width=WIDTH, height=HEIGHT, left=_LEFT, right=WIDTH - _RIGHT, bottom=HEIGHT - _BOTTOM,
            rows=[(y.at(one), _number(one)) for one in y.ticks()],
            columns=named or [(x.at(one), _number(one)) for one in x.ticks()],
        )
    )  # fmt: skip


def data_address(picture: Picture) -> str:
    """A `data:` URL with the picture in it, which asks nobody for anything."""
    return f"data:image/svg+xml;base64,{b64encode(drawn(picture, alone=True).encode()).decode()}"


class _Axis(NamedTuple):
    """From values to places."""

    low: float
    high: float
    begins: float
    ends: float

    @classmethod
    def of(cls, low: float, high: float, begins: float, ends: float) -> _Axis:
        return cls(low, high if high > low else low + 1, begins, ends)

    def at(self, value: float) -> float:
        return round(self.begins + (value - self.low) / (self.high - self.low) * (self.ends - self.begins), 2)

    def ticks(self) -> list[float]:
        step = round_up((self.high - self.low) / _TICKS / 1.5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


@cache
def _template() -> Template:
    return template("picture.svg")
