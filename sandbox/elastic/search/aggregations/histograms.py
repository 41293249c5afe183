"""Histograms of numbers and of dates, and how a value finds its bucket."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from sandbox.elastic.documents import date_formats, date_math
from sandbox.elastic.indices.mappings import NUMBERS
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.buckets import Below, Bucket, check_count, ordered
from sandbox.elastic.search.aggregations.selection import Selection, grouped, point, values
from sandbox.elastic.search.query_bodies import mapped, number
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.wire.exchange import duration, whole

_CALENDAR = {
    **dict.fromkeys(("1s", "second"), "second"),
    **dict.fromkeys(("1m", "minute"), "minute"),
    **dict.fromkeys(("1h", "hour"), "hour"),
    **dict.fromkeys(("1d", "day"), "day"),
    **dict.fromkeys(("1w", "week"), "week"),
    **dict.fromkeys(("1M", "month"), "month"),
    **dict.fromkeys(("1q", "quarter"), "quarter"),
    **dict.fromkeys(("1y", "year"), "year"),
}


def histogram(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """Buckets of one width; those between the first and the last are shown although they are empty."""
    found = values(selection, "histogram", body, (*NUMBERS, "boolean", "date"))
    width = interval_of(selection, body)
    offset = number("histogram", "offset", body.get("offset", 0.0))
    keys = [rounded(each, width, offset) for each in found.values]
    buckets = [
        {"key": float(key), "doc_count": part.count, **below(part)}
        for key, part in grouped(selection, found, keys)
    ]
    bounds = _bounds(body, "double", None)
    places = [round((each["key"] - offset) / width) for each in buckets]
    places += [math.floor((each - offset) / width) for each in bounds]
    if whole("min_doc_count", body.get("min_doc_count", 0)) == 0 and places:
        check_count(max(places) - min(places) + 1)
        there = dict(zip(places, buckets, strict=False))
        empty = below(selection.of([each[:0] for each in selection.documents]))
        buckets = [
            there.get(place, {"key": place * width + offset, "doc_count": 0, **empty})
            for place in range(min(places), max(places) + 1)
        ]
    return _shown(body, buckets)


def date_histogram(selection: Selection, body: Mapping[str, Any], below: Below) -> dict[str, Any]:
    """Buckets of one duration, or of one unit of the calendar in a time zone."""
    found = values(selection, "date_histogram", body, ("date", *NUMBERS))
    zone = zone_of(body)
    start, following = rounding_of(body, zone)
    keys = [np.array([start(int(each)) for each in part], np.int64) for part in found.values]
    buckets: list[Bucket] = [
        _dated(key, body, zone, part.count, below(part)) for key, part in grouped(selection, found, keys)
    ]
    there = {each["key"]: each for each in buckets}
    ends = [*there, *(start(int(each)) for each in _bounds(body, "date", body.get("format")))]
    if whole("min_doc_count", body.get("min_doc_count", 0)) == 0 and ends:
        empty = below(selection.of([each[:0] for each in selection.documents]))
        buckets = [
            there.get(key) or _dated(key, body, zone, 0, empty)
            for key in _steps(min(ends), max(ends), following)
        ]
    return _shown(body, buckets)


def interval_of(selection: Selection, body: Mapping[str, Any]) -> float:
    """The width of the buckets of a histogram.

    Raises:
        Refusal: it is missing, or not greater than 0.
    """
    width = number("histogram", "interval", body.get("interval", 0))
    if width <= 0:
        raise aggregation_errors.VALUE.refusal(
            problem=f"[interval] must be >0 for histogram aggregation [{selection.name}]"
        )
    return width


def rounded(numbers: Array, width: float, offset: float = 0.0) -> Array:
    """The beginning of each number's bucket."""
    return np.floor((numbers.astype(np.float64) - offset) / width) * width + offset


def zone_of(body: Mapping[str, Any]) -> tzinfo:
    """The `time_zone` of a body: an offset (`+01:00`) or a name; UTC by default.

    Raises:
        Refusal: it is unknown.
    """
    given = str(body.get("time_zone") or "UTC")
    sign, digits = given[:1], given[1:].replace(":", "")
    if sign in "+-" and digits.isdigit() and len(digits) in (2, 4):
        minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
        return timezone(timedelta(minutes=minutes if sign == "+" else -minutes))
    try:
        return UTC if given in ("UTC", "Z") else ZoneInfo(given)
    except (KeyError, ValueError):
        raise aggregation_errors.VALUE.refusal(problem=f"Unknown time-zone ID: {given}") from None


def rounding_of(body: Mapping[str, Any], zone: tzinfo) -> tuple[Callable[[int], int], Callable[[int], int]]:
    """How a time in milliseconds becomes the beginning of its bucket, and that the beginning of the next bucket.

    Raises:
        Refusal: there is no interval, more than one, or an unknown one.
    """
    calendar, fixed = body.get("calendar_interval"), body.get("fixed_interval")
    if (calendar is None) == (fixed is None):
        problem = (
            "Invalid interval specified, must be non-null and non-empty"
            if calendar is None
            else "Cannot use [fixed_interval] with [calendar_interval] configuration option."
        )
        raise aggregation_errors.VALUE.refusal(problem=problem)
    offset = _milliseconds(body.get("offset", 0))
    if calendar is not None:
        unit = _CALENDAR.get(str(calendar))
        if unit is None:
            raise aggregation_errors.VALUE.refusal(
                problem=f"The supplied interval [{calendar}] could not be parsed as a calendar interval."
            )

        def start(value: int) -> int:
            when = date_math.floor(_moment(value - offset, zone), unit)
            return date_formats.milliseconds(when) + offset

        def following(value: int) -> int:
            when = date_math.after(_moment(value - offset, zone), unit)
            return date_formats.milliseconds(when) + offset

        return start, following
    width = _milliseconds(fixed)
    if width <= 0:
        raise aggregation_errors.VALUE.refusal(problem="Zero or negative time interval not supported")

    def begin(value: int) -> int:
        shift = int((_moment(value, zone).utcoffset() or timedelta()) / timedelta(milliseconds=1))
        return (value + shift - offset) // width * width + offset - shift

    return begin, lambda value: value + width


def _moment(value: int, zone: tzinfo) -> datetime:
    try:
        return date_formats.moment(value, zone)
    except ValueError as error:
        raise aggregation_errors.VALUE.refusal(problem=str(error)) from None


def _milliseconds(given: Any) -> int:
    text = str(given)
    sign = -1 if text.startswith("-") else 1
    return sign * round(duration("interval", text.lstrip("+-")) * 1000)


def _steps(first: int, last: int, following: Callable[[int], int]) -> Iterator[int]:
    count = 1
    yield first
    while first < last:
        count += 1
        check_count(count)
        first = following(first)
        yield first


def _dated(key: int, body: Mapping[str, Any], zone: tzinfo, count: int, below: dict[str, Any]) -> Bucket:
    return {
        "key_as_string": date_formats.shown(key, body.get("format"), zone),
        "key": key,
        "doc_count": count,
        **below,
    }


def _bounds(body: Mapping[str, Any], kind: str, format_: str | None) -> list[float]:
    given = mapped("histogram", "extended_bounds", body.get("extended_bounds") or {})
    return [point(given[name], kind, format_, "extended_bounds") for name in ("min", "max") if name in given]


def _shown(body: Mapping[str, Any], buckets: list[Bucket]) -> dict[str, Any]:
    least = whole("min_doc_count", body.get("min_doc_count", 0))
    kept = [each for each in buckets if each["doc_count"] >= least]
    check_count(len(kept))
    if "order" in body:
        kept = ordered(kept, body["order"])
    if body.get("keyed"):
        return {"buckets": {each.get("key_as_string", str(each["key"])): each for each in kept}}
    return {"buckets": kept}
