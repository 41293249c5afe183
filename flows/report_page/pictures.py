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
from pydantic import TypeAdapter, ValidationError

from flows.report_page.axes import Axis, number
from flows.report_page.comparisons import Intervals, comparisons, drawn_intervals
from flows.report_page.templates import template
from tasks.measures.pace import Sample, rates, throttle_marks

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 16, 56
_MOST_NAMES = 6
"""Of points, written below them."""
_MOST_RATES, _MOST_MARKS = 60, 30
"""Of a pace, at most."""
_SIGNS = {"▼": "slower", "▲": "faster", "●": "rejected for now"}
_UNITS = ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_SAMPLES = TypeAdapter(list[Sample])
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
    from_zero: bool = False
    """Whether the vertical axis of a line begins at 0, as that of bars does."""
    marks: Sequence[tuple[float, str, str]] = ()
    """Moments that matter: where on the horizontal axis, a sign, and what it stands for."""


def pictures(facts: Facts, earlier: Earlier = ()) -> list[Picture | Intervals]:
    """What a report's facts let one see.

    Args:
        facts: measurements of recall, whatever their names are, what a tour tried, measures of answers, and evaluations that were compared.
        earlier: of the same name and place, for the trend.
    """
    found: list[Picture | Intervals] = []
    if leaves := facts.get("recall_by_leaves"):
        points = sorted({(one["leaves"], one["recall"]) for one in leaves})
        title = "Recall by the part of the leaves that is searched"
        found.append(Picture(title, "line", "part of the leaves", "recall", points, most=1))
        if bought := sorted({(one["p50"], one["recall"]) for one in leaves if one.get("p50")}):
            found.append(
                Picture("Recall by what it costs in latency", "line", "p50, ms", "recall", bought, most=1)
            )
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
    return [
        *found,
        *_pace(facts.get("pace"), earlier),
        *comparisons(facts),
        *_quality(facts.get("measures"), earlier),
    ]


def _pace(pace: Any, earlier: Earlier) -> list[Picture]:
    """Documents per second, also of the interrupted runs that this one continues."""
    if not (samples := _samples(pace)):
        return []
    for _, one in reversed(earlier):
        before = one.get("pace")
        if not isinstance(before, Mapping) or before.get("ended") or before.get("into") != pace["into"]:  # pyright: ignore[reportUnknownMemberType]
            break
        samples += _samples(before)
    found = rates(samples, most=_MOST_RATES)
    if len(found) < 2:
        return []
    began, whole = found[0].since, found[-1].until - found[0].since
    unit, name = next(one for one in _UNITS if whole >= 2 * one[0] or one is _UNITS[-1])
    points = [((at - began) / unit, rate.per_second) for rate in found for at in (rate.since, rate.until)]
    marks = [
        ((one.at - began) / unit, one.sign, one.said) for one in throttle_marks(samples, most=_MOST_MARKS)
    ]
    signs = [f"{sign} {words}" for sign, words in _SIGNS.items() if any(sign == mark[1] for mark in marks)]
    x = "; ".join((name, *signs))
    return [
        Picture(
            "Documents per second", "line", x, "documents per second", points, from_zero=True, marks=marks
        )
    ]


def _samples(pace: Any) -> list[Sample]:
    """Of facts that a file may have; what somebody else has written there has none."""
    try:
        return _SAMPLES.validate_python(pace.get("samples") if isinstance(pace, Mapping) else [])  # pyright: ignore[reportUnknownMemberType]
    except ValidationError:
        return []


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
            points = [(float(place), value) for place, value in enumerate(values)]
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
        [(float(place), float(one[key])) for place, (_, one) in enumerate(runs)] for key in ("recall", "p90")
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


def drawn(picture: Picture | Intervals, *, alone: bool = False) -> Markup:
    """A picture as SVG.

    Args:
        picture: with at least one point.
        alone: for a page that is not ours: with colors of its own, which can be seen on white and on black.
    """
    if isinstance(picture, Intervals):
        return drawn_intervals(picture, alone=alone)
    bars = picture.kind == "bars"
    xs, ys = (list(one) for one in zip(*picture.points, strict=True))
    half = (xs[1] - xs[0]) / 2 if bars and len(xs) > 1 else 0.5
    inner = 0 if bars else 8
    x = Axis.of(xs[0] - half * bars, xs[-1] + half * bars, _LEFT + inner, WIDTH - _RIGHT - inner)
    from_zero = bars or picture.from_zero
    low, high = (0.0, max(ys)) if from_zero else (min(ys), max(ys))
    margin = (high - low) / 10 or abs(high) / 10 or 1.0
    y = Axis.of(low - margin * (not from_zero), min(high + margin, picture.most), HEIGHT - _BOTTOM, _TOP)
    marks = [
        {"x": x.at(at), "y": y.at(value), "left": x.at(at - half), "right": x.at(at + half), "said": f"{name}: {number(value)}"}
        for (at, value), name in zip(picture.points, picture.names or map(number, xs), strict=True)
    ]  # fmt: skip
    every = math.ceil(len(picture.names) / _MOST_NAMES) or 1
    named = [(x.at(at), name) for at, name in list(zip(xs, picture.names, strict=False))[::every]]
    return Markup(  # noqa: S704 -- the template escapes
        _template().render(
            picture=picture, alone=alone, marks=marks, width=WIDTH, height=HEIGHT, left=_LEFT, right=WIDTH - _RIGHT, bottom=HEIGHT - _BOTTOM,
            signs=[(x.at(at), sign, said) for at, sign, said in picture.marks], rows=[(y.at(one), number(one)) for one in y.ticks()],
            columns=named or [(x.at(one), number(one)) for one in x.ticks()],
        )
    )  # fmt: skip


def data_address(picture: Picture | Intervals) -> str:
    """A `data:` URL with the picture in it, which asks nobody for anything."""
    return f"data:image/svg+xml;base64,{b64encode(drawn(picture, alone=True).encode()).decode()}"


@cache
def _template() -> Template:
    return template("picture.svg")
