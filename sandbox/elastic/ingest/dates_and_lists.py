"""The processors `date` and `split`: a text to a date, and a text to a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.elastic.documents import date_formats
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.field_paths import IngestDocument, java_type
from sandbox.elastic.ingest.processor_config import ProcessorConfig
from sandbox.elastic.ingest.processors import Change

_OUTPUT = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
"""`output_format` unless it is given (DateProcessor.java)."""
_SPECIAL = {"ISO8601": "strict_date_optional_time", "UNIX": "epoch_second", "UNIX_MS": "epoch_millis"}
"""Formats of this processor that mappings call otherwise."""


def date(config: ProcessorConfig) -> Change:
    """`date`: the first of `formats` that fits, written as `output_format`."""
    field, target = config.text("field"), config.text("target_field", "@timestamp")
    formats = [_SPECIAL.get(each, each) for each in config.texts("formats")]
    output = config.text("output_format", _OUTPUT)
    config.text("locale", None)
    zone = _zone(config, config.text("timezone", "UTC"))
    for name, each in (*(("formats", one) for one in formats), ("output_format", output)):
        _check_format(config, name, each)

    def change(document: IngestDocument) -> None:
        value = document.get(field)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ingest_errors.NO_DATE.refusal(value=value)
        for format_ in formats:
            try:
                when = date_formats.parsed(str(value), format_, zone)
            except ValueError:
                continue
            document.set(target, date_formats.shown(when, None if output == _OUTPUT else output, zone))
            return
        raise ingest_errors.NO_DATE.refusal(value=value)

    return change


def split(config: ProcessorConfig) -> Change:
    """`split`: the parts of a string between the matches of a regular expression."""
    field, separator = config.text("field"), config.text("separator")
    target, ignore = config.text("target_field", field), config.flag("ignore_missing")
    preserves = config.flag("preserve_trailing")
    try:
        pattern = re.compile(separator)
    except re.error as error:
        raise config.refusal(ingest_errors.WRONG_PROPERTY, "separator", problem=str(error)) from error

    def change(document: IngestDocument) -> None:
        if ignore and document.get(field, None) is None:
            return
        value = document.get(field)
        if value is None:
            raise ingest_errors.SPLIT_NULL.refusal(path=field)
        if not isinstance(value, str):
            raise ingest_errors.FIELD_NOT_STRING.refusal(path=field, type=java_type(value))
        document.set(target, _parts(pattern, value, preserves))

    return change


def _parts(pattern: re.Pattern[str], text: str, preserves: bool) -> list[str]:
    """As Java's `split`: groups are no parts, and empty parts at the end are left out."""
    parts: list[str] = []
    start = 0
    for found in pattern.finditer(text):
        if found.end() == 0:  # an empty match at the beginning makes no empty part
            continue
        parts.append(text[start : found.start()])
        start = found.end()
    parts.append(text[start:])
    while not preserves and len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _zone(config: ProcessorConfig, name: str) -> tzinfo:
    try:
        return UTC if name in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise config.refusal(ingest_errors.WRONG_PROPERTY, "timezone", problem=str(error)) from error


def _check_format(config: ProcessorConfig, name: str, format_: str) -> None:
    try:
        date_formats.check(format_)
    except ValueError as error:
        raise config.refusal(ingest_errors.WRONG_PROPERTY, name, problem=str(error)) from error


CHANGES: Mapping[str, Callable[[ProcessorConfig], Change]] = {"date": date, "split": split}
"""By name in a pipeline."""
