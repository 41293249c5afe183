"""Formats of dates as Java writes them (`yyyy-MM-dd HH:mm`, `epoch_millis`), and the names of common ones.

The letters of java.time's DateTimeFormatter that Python's own formats have as well; others are refused by the caller.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from sandbox.elastic.documents import dates

ISO = ("strict_date_optional_time", "date_optional_time", "ISO8601", "strict_date_optional_time_nanos")
_NAMED = {
    "basic_date": "yyyyMMdd",
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "strict_date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSZZ",
    "strict_date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSZZ",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssZZ",
    "strict_date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssZZ",
    "year": "yyyy",
    "strict_year": "yyyy",
    "year_month": "yyyy-MM",
    "strict_year_month": "yyyy-MM",
    "hour_minute": "HH:mm",
}
_EPOCH = {"epoch_millis": 1, "UNIX_MS": 1, "epoch_second": 1000, "UNIX": 1000}
_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
_PYTHON = {
    **dict.fromkeys(("yyyy", "uuuu", "y", "u"), "%Y"),
    "yy": "%y",
    "uu": "%y",
    "MM": "%m",
    "M": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "DDD": "%j",
    "dd": "%d",
    "d": "%d",
    "EEE": "%a",
    "E": "%a",
    "EEEE": "%A",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "a": "%p",
    "mm": "%M",
    "m": "%M",
    "ss": "%S",
    "s": "%S",
    **dict.fromkeys(("SSS", "SSSSSS", "SSSSSSSSS"), "%f"),
    **dict.fromkeys(("Z", "ZZ", "X", "XX", "XXX", "ZZZZZ"), "%z"),
}
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


def moment(milliseconds: float, zone: tzinfo = UTC) -> datetime:
    """A time in milliseconds since 1970, in a time zone.

    Raises:
        ValueError: it is not between the years 1 and 9999, which is as far as dates are imitated.
    """
    try:
        return (_EPOCH_START + timedelta(milliseconds=milliseconds)).astimezone(zone)
    except OverflowError:
        raise ValueError(f"the sandbox does not know the date [{milliseconds}]") from None


def milliseconds(when: datetime) -> int:
    """Milliseconds since 1970."""
    return (when - _EPOCH_START) // timedelta(milliseconds=1)


def check(formats: str) -> None:
    """Refuse a format with letters that are not known.

    Raises:
        ValueError: naming the letters.
    """
    for format_ in formats.split("||"):
        if format_ not in (*ISO, *_EPOCH):
            _python(_NAMED.get(format_, format_))


def shown(value: float, formats: str | None, zone: tzinfo = UTC) -> str:
    """A date as text; the first of several formats (`a||b`) counts. By default as `strict_date_optional_time`.

    Raises:
        ValueError: the format has unknown letters.
    """
    format_ = (formats or ISO[0]).split("||")[0]
    if format_ in _EPOCH:
        return str(int(value) // _EPOCH[format_])
    when = moment(value, zone)
    offset = when.strftime("%z")
    offset = "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}"
    millis = f"{when.microsecond // 1000:03}"
    if format_ in ISO:
        return f"{when.year:04}{when:-%m-%dT%H:%M:%S}.{millis}{offset}"
    pattern = _python(_NAMED.get(format_, format_))
    pattern = pattern.replace("%Y", f"{when.year:04}").replace("%f", millis).replace("%z", offset)
    return when.strftime(pattern)


def parsed(text: str, formats: str, zone: tzinfo = UTC) -> int:
    """The milliseconds of a text in one of several formats.

    Raises:
        ValueError: it has none of them, or a format has unknown letters.
    """
    for format_ in formats.split("||"):
        if format_ in _EPOCH:
            if re.fullmatch(r"-?\d+(\.\d+)?", text):
                return int(float(text) * _EPOCH[format_])
            continue
        if format_ in ISO:
            try:
                return dates.milliseconds(text, zone=zone)
            except ValueError:
                continue
        pattern = _python(_NAMED.get(format_, format_))
        try:
            found = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is set below if the text has none
        except ValueError:
            continue
        return milliseconds(found if found.tzinfo else found.replace(tzinfo=zone))
    raise ValueError(f"failed to parse date field [{text}] with format [{formats}]")


def _python(pattern: str) -> str:
    parts = []
    for found in _LETTERS.finditer(pattern):
        text = found[0]
        if found[1] is not None:
            parts.append((found[1].replace("''", "'") or "'").replace("%", "%%"))
        elif text.isalpha():
            if text not in _PYTHON:
                raise ValueError(
                    f"Invalid format: [{pattern}]: the sandbox does not know the letters [{text}]"
                )
            parts.append(_PYTHON[text])
        else:
            parts.append(text.replace("%", "%%"))
    return "".join(parts)
