"""Datapoints as lines of JSON, in the format of import files: one parser for upserts and for builds."""

from __future__ import annotations

from typing import Any

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.vectors import parsed

MOST_NAMESPACES = 100_000
"""Namespaces whose number type is remembered."""


def datapoint_of(line: bytes, source: str, *, if_unknown: str = "") -> Datapoint:
    """The datapoint of a line.

    Args:
        line: UTF-8.
        source: where it is, for errors: `FILE line N`.
        if_unknown: what to do about a field that datapoints do not have.

    Raises:
        InvalidInput: it is not JSON, or no datapoint; names the field.
    """
    return parsed(Datapoint, json_of(line, source), what="datapoint", source=source, if_unknown=if_unknown)


def json_of(line: bytes, source: str) -> Any:
    """The value of a line.

    Raises:
        InvalidInput: it is not JSON that means one thing only.
    """
    try:
        return rounded(line)
    except NotExact as error:
        raise InvalidInput(
            f"Not a line of JSON ({error})", value=line[:80].decode(errors="replace"), source=source,
            accepted="JSON with each name once in an object; it has no NaN and no infinity",
        ) from error  # fmt: skip


class NumberTypes:
    """All numbers of a namespace have one type (index.proto, IndexDatapoint.NumericRestriction)."""

    def __init__(self) -> None:
        self._types: dict[str, tuple[str, str]] = {}

    def check(self, datapoint: Datapoint, source: str) -> None:
        """Compare the numbers of a datapoint with those before.

        Raises:
            InvalidInput: a namespace has numbers of two types.
        """
        for number in datapoint.numeric_restricts:
            if number.namespace not in self._types and len(self._types) >= MOST_NAMESPACES:
                continue
            before, where = self._types.setdefault(number.namespace, (number.field, source))
            if number.field != before:
                raise InvalidInput(
                    f"The numeric namespace {number.namespace!r} has numbers of two types",
                    value=number.field, source=source, accepted=f"{before}, as in {where}",
                )  # fmt: skip
