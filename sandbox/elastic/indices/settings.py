"""Settings of an index: how requests write them, how they are stored (flat, as strings) and shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import known_settings
from sandbox.elastic.versions import LEGACY_SEMANTIC_TEXT
from sandbox.elastic.wire.exchange import duration

_FIXED = (
    "number_of_shards",
    "routing_partition_size",
    "codec",
    "mode",
    "uuid",
    "creation_date",
    "provided_name",
)
_NUMBERS = (
    "mapping.total_fields.limit",
    "max_result_window",
    "max_terms_count",
    "number_of_replicas",
    "number_of_shards",
)
RESULT_WINDOW = 10_000
TERMS_COUNT = 65_536
_EXPANDED = re.compile(r"(\d+)-(\d+|all)")


def flat(settings: Mapping[str, Any]) -> dict[str, str | None]:
    """Settings, nested and prefixed in any way, by full name without `index.`; None resets one."""
    found: dict[str, str | None] = {}
    _flatten(settings, "", found)
    return {name.removeprefix("index."): value for name, value in found.items()}


def check(settings: Mapping[str, str | None]) -> None:
    """Refuse unknown settings and invalid values.

    Raises:
        Refusal: naming the first of them.
    """
    for name, value in settings.items():
        known_settings.check(name, value)
        if name == "refresh_interval" and value is not None:
            duration("index.refresh_interval", value)
        if name == "auto_expand_replicas" and not (value in (None, "false") or _EXPANDED.fullmatch(value)):
            raise indices_errors.SETTING_NO_RANGE.refusal(value=value, place=value.find("-"))
        if (name.startswith("blocks.") or name == LEGACY_SEMANTIC_TEXT) and value not in (
            None,
            "true",
            "false",
        ):
            raise indices_errors.SETTING_NO_BOOLEAN.refusal(value=value)
        if name in _NUMBERS and value is not None:
            least = 1 if name == "number_of_shards" else 0
            try:
                number = int(value)
            except ValueError:
                raise indices_errors.SETTING_NO_NUMBER.refusal(name=name, value=value) from None
            if number < least:
                raise indices_errors.SETTING_TOO_SMALL.refusal(name=name, value=value, least=least)


def expanded(settings: dict[str, str]) -> dict[str, str]:
    """The settings with as many replicas as `auto_expand_replicas` gives an index on one node: its least."""
    found = _EXPANDED.fullmatch(settings.get("auto_expand_replicas", ""))
    return {**settings, "number_of_replicas": found[1]} if found else settings


def check_changeable(settings: Mapping[str, str | None], index: str) -> None:
    """Refuse settings that cannot be changed after an index was created.

    Raises:
        Refusal: naming all of them.
    """
    check(settings)
    if LEGACY_SEMANTIC_TEXT in settings:
        raise indices_errors.SETTING_INTERNAL.refusal(name=LEGACY_SEMANTIC_TEXT)
    fixed = [
        f"index.{name}"
        for name in settings
        if name in _FIXED or name.startswith(("analysis.", "similarity.", "sort."))
    ]
    if fixed:
        raise indices_errors.SETTING_NOT_DYNAMIC.refusal(names=", ".join(fixed), index=index)


def nested(settings: Mapping[str, str], as_flat: bool = False) -> dict[str, Any]:
    """The settings as they are shown."""
    if as_flat:
        return {f"index.{name}": value for name, value in settings.items()}
    shown: dict[str, Any] = {}
    for name, value in settings.items():
        place = shown
        *parents, last = name.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return {"index": shown}


def _flatten(value: Any, path: str, found: dict[str, str | None]) -> None:
    if isinstance(value, Mapping):
        for name, deeper in value.items():
            _flatten(deeper, f"{path}.{name}" if path else str(name), found)
    elif isinstance(value, bool):
        found[path] = str(value).lower()
    elif isinstance(value, list):
        found[path] = ",".join(str(each) for each in value)
    else:
        found[path] = None if value is None else str(value)
