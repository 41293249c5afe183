"""Which handler answers which method and path.

Every API is a class with `routes`; cluster.py collects them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.faults import Fault, Kind

Handler = Callable[[Request], Reply | dict[str, Any]]
TakeAtEnd = Callable[[str], Fault | None]
"""Consumes the fault that is due at the end of what a call of this API starts."""
_PLACE = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Route:
    """One way to call an API."""

    api: str
    """The API's name as the official client spells it: `indices.create`. Faults are queued under it."""
    methods: str
    """HTTP methods, separated by spaces. A route that answers GET answers HEAD too."""
    template: str
    """`/{index}/_doc/{id}`. Literal segments win over placeholders; the first segment matches a placeholder only if it
    does not start with an underscore."""
    handler: Handler
    """Called in a thread. Returns the body (for status 200) or a Reply, or raises Refusal."""
    changes: bool = False
    """Whether a successful call goes into the write log."""
    at_end: tuple[Kind, ...] = ()
    """It starts work that goes on after the answer: the faults with which that work can end."""


class Routes:
    """All routes; finds the one for a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        ordered = sorted(
            self.all, key=lambda route: [part.startswith("{") for part in _parts(route.template)]
        )
        self._patterns = [(_pattern(route.template), route) for route in ordered]

    def find(self, method: str, raw_path: str) -> tuple[Route | None, dict[str, str], list[str]]:
        """The route and its path parameters; if there is none, the methods that the path does accept."""
        path = "/" + raw_path.strip("/")
        allowed: list[str] = []
        for pattern, route in self._patterns:
            found = pattern.fullmatch(path)
            if not found:
                continue
            methods = route.methods.split()
            if method in methods or (method == "HEAD" and "GET" in methods):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}, []
            allowed += methods
        return None, {}, sorted(set(allowed))


def _parts(template: str) -> list[str]:
    return template.strip("/").split("/")


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for position, part in enumerate(_parts(template)):
        place = _PLACE.fullmatch(part)
        if not place:
            parts.append(re.escape(part))
        else:
            parts.append(rf"(?P<{place[1]}>{'(?!_(?!all(?:/|$)))' if position == 0 else ''}[^/]+)")
    return re.compile("/" + "/".join(parts))
