"""The `filter` of the list calls: the part of Google's filter language that people use on indexes and endpoints.

Anything else is refused rather than ignored: a filter that silently matches everything makes teardown dangerous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from sandbox.vertex import errors, names

_TERM = re.compile(
    r"""(?P<field>labels\.[\w-]+|labels|display_name|displayName|name)\s*(?P<op>!=|=|:)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^\s"()]+)"""
)
_AND = re.compile(r"\s+AND\s+")


class Listed(Protocol):
    """What a filter looks at."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def display_name(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> Mapping[str, str]: ...  # noqa: D102


def parse(text: str) -> Callable[[Listed], bool]:
    """The condition that `text` states: terms joined by AND.

    Raises:
        Refusal: INVALID_ARGUMENT for what is not understood.
    """
    conditions = [_term(text, part) for part in _AND.split(text.strip()) if text.strip()]
    return lambda item: all(condition(item) for condition in conditions)


def _term(text: str, part: str) -> Callable[[Listed], bool]:
    found = _TERM.fullmatch(part.strip())
    if not found:
        problem = (
            'use labels.KEY=VALUE, labels.KEY:*, labels:KEY, display_name="X" or name="X", joined by AND'
        )
        raise errors.INVALID_FILTER.refusal(filter=text, problem=problem)
    field, op = found["field"], found["op"]
    quoted = found["value"].startswith('"')
    value = re.sub(r"\\(.)", r"\1", found["value"][1:-1]) if quoted else found["value"]
    if field == "labels":
        if op != ":":
            raise errors.INVALID_FILTER.refusal(filter=text, problem="labels takes a colon: labels:KEY")
        return lambda item: value in item.labels
    if field.startswith("labels."):
        return _label(field.removeprefix("labels."), op, value, any_value=value == "*" and not quoted)
    if op == ":":
        raise errors.INVALID_FILTER.refusal(filter=text, problem=f"{field} takes = or !=")
    if field == "name":
        wanted = _full_name(value)
        return lambda item: (wanted in (item.name, item.name.rsplit("/", 1)[1])) == (op == "=")
    return lambda item: (item.display_name == value) == (op == "=")


def _label(key: str, op: str, value: str, *, any_value: bool) -> Callable[[Listed], bool]:
    if any_value:
        return lambda item: (key in item.labels) == (op != "!=")
    return lambda item: (key in item.labels and item.labels[key] == value) == (op != "!=")


def _full_name(value: str) -> str:
    return names.any_resource(value) if "/" in value else value
