"""From a verb and a path to the method that they call, by the path templates of `google.api.http`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.vertex.versions.rules import Rule

_VARIABLE = re.compile(r"\{([\w.]+)=([^}]+)\}")


@dataclass(frozen=True)
class Route:
    """One rule, ready to be matched."""

    rule: Rule
    pattern: re.Pattern[str]
    variable: str
    """The field that the path names, `index.name`. Every template of this API has one variable."""


class Routes:
    """All routes."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._routes = [_route(rule) for rule in rules]

    def find(self, verb: str, raw_path: str) -> tuple[Route, str] | None:
        """The route of a request and the value of its variable, decoded; None if no method is called so."""
        for route in self._routes:
            if route.rule.verb == verb and (found := route.pattern.fullmatch(raw_path)):
                return route, unquote(found[1])
        return None


def _route(rule: Rule) -> Route:
    before, variable, template, after = _VARIABLE.split(rule.template)
    pattern = re.compile(f"{re.escape(before)}({'/'.join(_segments(template))}){re.escape(after)}")
    return Route(rule, pattern, variable)


def _segments(template: str) -> Iterator[str]:
    for segment in template.split("/"):
        yield "[^/:]+" if segment == "*" else re.escape(segment)
