"""One call of a method, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.google_cloud.store import Body


@dataclass(frozen=True)
class Call:
    """A request, taken apart."""

    params: Mapping[str, str]
    """Those of its path."""
    query: Mapping[str, list[str]]
    body: Body

    def asked(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return (self.query.get(name) or [default])[-1]


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    body: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: str = ""
    """What it changed, for the write log; empty for a read, and for a repeated call."""


Handler = Callable[[Call], Reply]
