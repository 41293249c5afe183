"""Sizes as Elasticsearch takes and shows them: a cache of `1024mb` is shown as `1gb`, one of `1500mb` as `1.4gb`."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)b?", re.IGNORECASE)
_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_SHOWN = 0.1
"""Of the unit: digits beyond the first decimal are cut off (ByteSizeValue.java, Strings.java)."""


def is_shown_as(wanted: str, shown: str) -> bool:
    """Whether a size is one that the cluster shows so.

    Args:
        wanted: as typed.
        shown: as in the statistics.
    """
    one, other = _SIZE.fullmatch(wanted.strip()), _SIZE.fullmatch(shown.strip())
    if one is None or other is None:
        return wanted == shown
    size, least = _bytes(one), _bytes(other)
    cut_off = _SHOWN * _UNITS[other[2].lower()] if other[2] else 1
    return least <= size < least + cut_off


def _bytes(found: re.Match[str]) -> float:
    return float(found[1]) * _UNITS[found[2].lower()]
