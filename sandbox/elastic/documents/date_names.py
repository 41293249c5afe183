"""Date math in names of indices: `<logs-{now/d}>`, `<logs-{now/M{yyyy.MM|+02:00}}>` (IndexNameExpressionResolver.java)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.elastic.documents import date_formats, date_math
from sandbox.elastic.documents import errors as documents_errors

_NAME = re.compile(r"<[^<>]*>")
_DATE = re.compile(r"\{([^{}]*)(?:\{([^{}|]*)(?:\|([^{}]*))?\})?\}")
_FORMAT = "yyyy.MM.dd"


def resolved(expression: str, now: float | None = None) -> str:
    """A name, or names with commas between, with the dates filled in; others stay as they are.

    Args:
        expression: as a path or a body has it.
        now: seconds since 1970; by default those of the clock.

    Raises:
        Refusal: a date cannot be read.
    """
    if "<" not in expression:
        return expression
    when = int((time.time() if now is None else now) * 1000)
    return _NAME.sub(lambda found: _filled(found[0], when), expression)


def _filled(name: str, now: int) -> str:
    def date(found: re.Match[str]) -> str:
        math, format_, zone_name = found[1].strip(), found[2] or _FORMAT, found[3]
        if not math.startswith("now"):
            raise ValueError(f"failed to parse date field [{math}]")
        zone = _zone(zone_name)
        return date_formats.shown(date_math.calculated(now, math[3:], zone=zone), format_, zone)

    try:
        filled = _DATE.sub(date, name[1:-1])
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise documents_errors.DATE_NAME.refusal(name=name, problem=error) from error
    if "{" in filled or "}" in filled:
        problem = "missing end of date math placeholder or nothing captured"
        raise documents_errors.DATE_NAME.refusal(name=name, problem=problem)
    return filled


def _zone(given: str | None) -> tzinfo:
    if given in (None, "", "UTC", "Z"):
        return UTC
    if given[0] in "+-":
        return datetime.strptime(given, "%z").tzinfo or UTC
    return ZoneInfo(given)
