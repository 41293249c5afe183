"""A line of a .csv import file: id, dense values, dimension:value pairs, name=value pairs. No header, no quotes."""

from __future__ import annotations

from typing import Any

from sandbox.vertex.imports.records import ErrorType, RecordError

_SUFFIXES = {"i": "value_int", "f": "value_float", "d": "value_double"}


def parse_csv(text: str) -> dict[str, Any]:
    """The record that a line states, with the keys of the JSON format.

    Raises:
        RecordError: the line is none of CSV.
    """
    name, *fields = text.split(",")
    row = _Row(name)
    try:
        for field in fields:
            row.take(field)
    except RecordError as error:
        error.id = name
        raise
    return row.record()


class _Row:
    """What was read of a line so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._embedding: list[float] = []
        self._sparse: dict[str, list[Any]] = {"values": [], "dimensions": []}
        self._restricts: dict[str, dict[str, Any]] = {}
        self._numbers: list[dict[str, Any]] = []
        self._tag: str | None = None

    def take(self, field: str) -> None:
        name, equals, value = field.partition("=")
        if equals:
            self._take_pair(name, value)
        elif ":" in field:
            self._take_sparse(field)
        else:
            self._take_dense(field)

    def record(self) -> dict[str, Any]:
        return {
            "id": self._name,
            "embedding": self._embedding,
            "sparse_embedding": self._sparse,
            "restricts": list(self._restricts.values()),
            "numeric_restricts": self._numbers,
            "crowding_tag": self._tag,
        }

    def _take_dense(self, field: str) -> None:
        if self._sparse["values"] or self._restricts or self._numbers or self._tag is not None:
            raise RecordError(
                ErrorType.INVALID_CSV_SYNTAX,
                f"{field!r} is neither dimension:value nor name=value; dense values come before both.",
            )
        self._embedding.append(_float(field, ErrorType.INVALID_EMBEDDING))

    def _take_sparse(self, field: str) -> None:
        dimension, _, value = field.partition(":")
        try:
            self._sparse["dimensions"].append(int(dimension))
        except ValueError:
            raise RecordError(
                ErrorType.INVALID_SPARSE_DIMENSIONS, f"{dimension!r} is not a whole number."
            ) from None
        self._sparse["values"].append(_float(value, ErrorType.INVALID_SPARSE_EMBEDDING))

    def _take_pair(self, name: str, value: str) -> None:
        if name.startswith("#"):
            self._take_number(name[1:], value)
        elif name != "crowding_tag":
            kind, token = ("deny", value[1:]) if value.startswith("!") else ("allow", value)
            tokens = self._restricts.setdefault(name, {"namespace": name, "allow": [], "deny": []})
            tokens[kind].append(token)
        elif self._tag is None:
            self._tag = value
        else:
            raise RecordError(ErrorType.INVALID_CSV_SYNTAX, "crowding_tag occurs twice.")

    def _take_number(self, name: str, value: str) -> None:
        kind = _SUFFIXES.get(value[-1:])
        if kind is None:
            raise RecordError(
                ErrorType.INVALID_NUMERIC_VALUE, f"{value!r} does not end with i, f or d, its type."
            )
        self._numbers.append({"namespace": name, kind: value[:-1]})


def _float(text: str, kind: ErrorType) -> float:
    """A floating point literal of Java, such as 1, -8.1, 1e-3, 1.5f or 0x1.8p1."""
    literal = text.strip().lower()
    try:
        if "0x" in literal:
            return float.fromhex(literal.rstrip("fd") if "p" in literal else literal)
        return float(literal[:-1] if literal[-1:] in ("f", "d") else literal)
    except ValueError:
        raise RecordError(kind, f"{text!r} is not a floating point number.") from None
