"""Sizes as the service writes them: `10kb`, `438123914b`, `0`."""

from __future__ import annotations

import re

from sandbox.elastic import errors

_SIZE = re.compile(r"(\d+)(b|kb|mb|gb|tb)?", re.IGNORECASE)
FACTORS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
"""Bytes of each unit."""


def size_in_bytes(name: str, value: str) -> int:
    """The number of bytes of a size; `0` needs no unit.

    Raises:
        Refusal: its unit is missing or unknown.
    """
    found = _SIZE.fullmatch(value)
    if not found or (not found[2] and int(found[1])):
        raise errors.NOT_A_SIZE.refusal(name=name, value=value)
    return int(found[1]) * FACTORS[(found[2] or "b").lower()]


def shown_size(size: int) -> str:
    """A number of bytes as the service shows it: in its largest unit, with one decimal, the others cut off (ByteSizeValue.java)."""
    unit = next((unit for unit, factor in reversed(FACTORS.items()) if size >= factor), "b")
    tenths = size * 10 // FACTORS[unit]
    return f"{tenths // 10}{f'.{tenths % 10}' if tenths % 10 else ''}{unit}"
