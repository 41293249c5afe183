"""Dates in documents: strict ISO 8601, or milliseconds since 1970. Date math is in date_math.py."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

_ISO = re.compile(r"\d{4}(-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?")
_DETECTED = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?|\d{4}/\d{2}/\d{2}( \d{2}:\d{2}:\d{2})?")
_EARLIEST, _LATEST = "00:00:00.000", "23:59:59.999"
_MILLIS = re.compile(r"-?\d{5,}")


def milliseconds(value: str | float, round_up: bool = False, zone: tzinfo = UTC) -> int:
    """Milliseconds since 1970. With `round_up`, missing parts are filled up to the end of the period, as for `gt` and `lte`.

    `zone` is that of dates that name none.

    Raises:
        ValueError: it is not a date, or does not fit into 64 bits.
    """
    if isinstance(value, bool):
        raise ValueError(str(value))  # noqa: TRY004 - bad input, not a bug
    if isinstance(value, int | float) or _MILLIS.fullmatch(value):
        number = int(value)
        if not -(2**63) <= number < 2**63:
            raise ValueError(str(value))
        return number
    found = _ISO.fullmatch(value.replace("/", "-"))
    if not found:
        raise ValueError(value)
    text = found[0]
    text += "" if found[1] else "-01"
    text += "" if found[2] else "-01"
    day, time_of_day, offset = text[:10], (found[3] or "")[1:], found[7] or ""
    time_of_day = time_of_day.removesuffix(offset).replace(",", ".")
    rest = _LATEST if round_up else _EARLIEST
    text = f"{day}T{time_of_day}{rest[len(time_of_day) :]}{offset}"
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


def looks_like_date(text: str) -> bool:
    """Whether date detection makes a date field of a text."""
    if not _DETECTED.fullmatch(text):
        return False
    try:
        milliseconds(text)
    except ValueError:
        return False
    return True
