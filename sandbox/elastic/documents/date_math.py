"""Date math: `now-1d/d`, `2024-01-31||+1M/M` (JavaDateMathParser.java), as queries, aggregations and names of indices use it."""

from __future__ import annotations

import re
import time
from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo

from sandbox.elastic.documents import dates
from sandbox.elastic.documents.date_formats import milliseconds, moment

_STEP = re.compile(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "H": 3600, "m": 60, "s": 1}
_UNITS = {
    "y": "year",
    "M": "month",
    "w": "week",
    "d": "day",
    "h": "hour",
    "H": "hour",
    "m": "minute",
    "s": "second",
}
_MONTHS = {"year": 12, "quarter": 3, "month": 1}


def resolved(value: str | float, round_up: bool = False, zone: tzinfo = UTC) -> int:
    """Milliseconds of a date, with date math. `round_up`: the end of what is rounded or left out, as for `gt` and `lte`.

    Raises:
        ValueError: it is no date, or its math cannot be read.
    """
    if not isinstance(value, str):
        return dates.milliseconds(value, round_up, zone)
    if value.startswith("now"):
        return calculated(int(time.time() * 1000), value[3:], round_up, zone)
    start, math, steps = value.partition("||")
    if not math:
        return dates.milliseconds(value, round_up, zone)
    return calculated(dates.milliseconds(start, zone=zone), steps, round_up, zone)


def calculated(start: int, steps: str, round_up: bool = False, zone: tzinfo = UTC) -> int:
    """Milliseconds after steps like `-1d/d`.

    Raises:
        ValueError: a step cannot be read.
    """
    when, place = moment(start, zone), 0
    while place < len(steps):
        step = _STEP.match(steps, place)
        if not step:
            raise ValueError(f"operator not supported for date math [{steps[place:]}]")
        place = step.end()
        if step[4]:
            when = floor(when, _UNITS[step[4]])
            if round_up:
                when = after(when, _UNITS[step[4]]) - timedelta(milliseconds=1)
        else:
            when = _moved(when, step[3], int(step[1] + (step[2] or "1")))
    return milliseconds(when)


def floor(when: datetime, unit: str) -> datetime:
    """The beginning of the `second`, `minute`, `hour`, `day`, `week`, `month`, `quarter` or `year`, in the date's zone."""
    if unit in ("second", "minute", "hour"):
        names = ("second", "minute", "hour")
        return when.replace(microsecond=0, **dict.fromkeys(names[: names.index(unit)], 0))
    day = when.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "day":
        return day
    months = _MONTHS[unit]
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def after(when: datetime, unit: str) -> datetime:
    """The beginning of the next such unit."""
    if unit in _MONTHS:
        return _by_months(when, _MONTHS[unit])
    days = {"week": 7, "day": 1}.get(unit)
    if days:
        return when + timedelta(days=days)  # by the clock of the zone, also where a day has 23 hours
    return (when.astimezone(UTC) + timedelta(**{f"{unit}s": 1})).astimezone(when.tzinfo)


def _moved(when: datetime, unit: str, count: int) -> datetime:
    if unit in ("y", "M"):
        return _by_months(when, count * (12 if unit == "y" else 1))
    try:
        return when + timedelta(seconds=count * _SECONDS[unit])
    except OverflowError:
        raise ValueError(f"the sandbox does not know the date [{when:%Y-%m-%d}{count:+}{unit}]") from None


def _by_months(when: datetime, count: int) -> datetime:
    years, month = divmod(when.month - 1 + count, 12)
    year = when.year + years
    if not 1 <= year <= 9999:
        raise ValueError(f"the sandbox does not know the year [{year}]")
    return when.replace(year=year, month=month + 1, day=min(when.day, monthrange(year, month + 1)[1]))
