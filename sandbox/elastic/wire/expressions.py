"""Names, lists of names, wildcards and `_all` in a path, as machine learning, ingest and tasks read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Chosen:
    """What an expression means among the names that there are."""

    names: list[str]
    """In the order of the given ones, none twice."""
    missing: list[str]
    """Parts of the expression that match nothing."""
    wildcard: bool
    """Whether all the missing ones are patterns, which may match nothing."""


def chosen(expression: str, names: Iterable[str]) -> Chosen:
    """The names that an expression means."""
    known = list(names)
    patterns = ["*" if part in ("_all", "") else part for part in expression.split(",")]
    found = [name for name in known if any(fnmatchcase(name, pattern) for pattern in patterns)]
    missing = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in known)]
    return Chosen(found, missing, all("*" in pattern for pattern in missing))
