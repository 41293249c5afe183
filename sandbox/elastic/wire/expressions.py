"""Expressions in a path (names, lists, wildcards, `_all`) as machine learning, ingest and nodes read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Chosen:
    """The names that an expression matches."""

    names: list[str]
    """In the order in which the names were given, none twice."""
    missing: list[str]
    """Parts of the expression that match nothing."""
    wildcard: bool
    """Whether every missing part is a pattern; patterns may match nothing."""


def chosen(expression: str, names: Iterable[str]) -> Chosen:
    """Match an expression against names."""
    known = list(names)
    patterns = ["*" if part in ("_all", "") else part for part in expression.split(",")]
    found = [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
    missing = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in known)]
    return Chosen(found, missing, all("*" in pattern for pattern in missing))
