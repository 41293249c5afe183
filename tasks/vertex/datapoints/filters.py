"""Restricts: what a datapoint allows and denies, and the filters of a query.

The same two shapes serve import files, parameters and, as compact text, the command line:

    class=1,2      allows one of these tokens         class!=3     denies this token
    price>=10i     an int64                           price<0.5f   a float32; 0.5d a float64
    price>=10      a number of the kind that the index has in this namespace

Across namespaces all must hold, within one any allowed token is enough ("Filter vector matches").
Filters are never evaluated here; the service does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt, model_validator

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.vertex.datapoints.vectors import parsed

Kind = Literal["value_int", "value_float", "value_double"]
KINDS: dict[Kind, str] = {"value_int": "int64", "value_float": "float32", "value_double": "float64"}
"""The fields of a number, and what they hold."""
Operator = Literal["LESS", "LESS_EQUAL", "EQUAL", "GREATER_EQUAL", "GREATER", "NOT_EQUAL"]

INT64_MAX = 2**63 - 1
FLOAT32_MAX = 3.4028234663852886e38

_TOKENS = re.compile(r"(?P<namespace>[^=!]+)(?P<sign>!?=)(?P<tokens>[^=].*)")
_NUMBER = re.compile(r"(?P<namespace>[^<>=!]+)(?P<sign><=|>=|!=|<|>|==?)(?P<number>[^ifd]+)(?P<kind>[ifd]?)")
_SIGNS: dict[str, Operator] = {
    "<": "LESS",
    "<=": "LESS_EQUAL",
    "=": "EQUAL",
    "==": "EQUAL",
    ">=": "GREATER_EQUAL",
    ">": "GREATER",
    "!=": "NOT_EQUAL",
}
_KINDS: dict[str, Kind] = {"i": "value_int", "f": "value_float", "d": "value_double"}


class Restrict(BaseModel, frozen=True, extra="forbid"):
    """Tokens in one namespace, of a datapoint or of a query."""

    namespace: str = Field(min_length=1)
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class NumericRestrict(BaseModel, frozen=True, extra="forbid"):
    """A number of a datapoint in one namespace. All values of a namespace have one type; the service checks that."""

    namespace: str = Field(min_length=1)
    value_int: StrictInt | None = Field(default=None, ge=-INT64_MAX - 1, le=INT64_MAX)
    value_float: float | None = Field(
        default=None, ge=-FLOAT32_MAX, le=FLOAT32_MAX, allow_inf_nan=False, strict=True
    )
    value_double: float | None = Field(default=None, allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _has_no_operator(cls, value: Any) -> Any:
        if isinstance(value, dict) and "op" in value and "op" not in cls.model_fields:
            raise ValueError("op belongs to queries, a datapoint only has a value")
        return value

    @model_validator(mode="after")
    def _has_one_value(self) -> NumericRestrict:
        if sum(value is not None for value in (self.value_int, self.value_float, self.value_double)) != 1:
            raise ValueError("give exactly one of value_int, value_float and value_double")
        return self

    @property
    def field(self) -> Kind:
        """Which of the three fields holds the value."""
        return next(name for name in KINDS if getattr(self, name) is not None)


class NumericFilter(NumericRestrict, frozen=True, extra="forbid"):
    """A comparison that a query makes. A namespace may occur twice, which makes a range."""

    op: Operator


def parse_restricts(texts: Iterable[str]) -> tuple[Restrict, ...]:
    """Restricts from the command line, each `class=1,2`, `class!=3` or JSON; one namespace's texts become one restrict.

    Raises:
        InvalidInput: a text is neither.
    """
    merged: dict[str, Restrict] = {}
    for text in texts:
        found = _restrict(text)
        before = merged.get(found.namespace, Restrict(namespace=found.namespace))
        merged[found.namespace] = Restrict(
            namespace=found.namespace, allow=before.allow + found.allow, deny=before.deny + found.deny
        )
    return tuple(merged.values())


def namespaces_without_kind(texts: Iterable[str]) -> set[str]:
    """The namespaces of the filters whose number does not say its kind, as `price>=10`."""
    found = (_NUMBER.fullmatch(text) for text in texts if not text.startswith("{"))
    return {each["namespace"].strip() for each in found if each and not each["kind"]}


def parse_numeric_filters(
    texts: Iterable[str], kinds: Mapping[str, Kind] = MappingProxyType({})
) -> tuple[NumericFilter, ...]:
    """Numeric filters from the command line, each `price>=10i`, `price<0.5f`, `price>=10` or JSON.

    Args:
        texts: the filters.
        kinds: what each namespace of the index holds, for numbers that do not say their kind. Elsewhere a whole number
            is an int64 and any other a float64.

    Raises:
        InvalidInput: a text is none of these, or its number cannot be of the kind that the namespace holds.
    """
    return tuple(_numeric_filter(text, kinds) for text in texts)


def _restrict(text: str) -> Restrict:
    if text.startswith("{"):
        return parsed(Restrict, _json(text), what="restrict", source=text)
    found = _TOKENS.fullmatch(text)
    tokens = tuple(token.strip() for token in found["tokens"].split(",")) if found else ()
    if found is None or not all(tokens):
        raise InvalidInput(
            "Not a restrict", value=text,
            accepted='namespace=token,token or namespace!=token,token with no token empty; one that begins with = or has a '
            'comma goes as JSON: {"namespace": "class", "allow": ["=3"]}',
        )  # fmt: skip
    side = "allow" if found["sign"] == "=" else "deny"
    return parsed(
        Restrict, {"namespace": found["namespace"].strip(), side: tokens}, what="restrict", source=text
    )


def _numeric_filter(text: str, kinds: Mapping[str, Kind]) -> NumericFilter:
    if text.startswith("{"):
        return parsed(NumericFilter, _json(text), what="numeric restrict", source=text)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise InvalidInput(
            "Not a numeric restrict",
            value=text,
            accepted="namespace, one of < <= = >= > !=, and a number, which may end in i, f or d (int64, float32, float64)",
        )
    namespace, number = found["namespace"].strip(), found["number"].strip()
    guess = "value_int" if re.fullmatch(r"[+-]?\d+", number) else "value_double"
    kind = _KINDS[found["kind"]] if found["kind"] else kinds.get(namespace, guess)
    try:
        value = int(number) if kind == "value_int" else float(number)
    except ValueError as error:
        of_index = f" The index has {KINDS[kind]} numbers there." if namespace in kinds else ""
        raise InvalidInput(
            f"Not a number of kind {KINDS[kind]}", value=number, source=text, remedy=of_index.strip()
        ) from error
    fields = {"namespace": namespace, kind: value, "op": _SIGNS[found["sign"]]}
    return parsed(NumericFilter, fields, what="numeric restrict", source=text)


def _json(text: str) -> Any:
    try:
        return rounded(text.encode(errors="surrogatepass"))
    except NotExact as error:
        raise InvalidInput(f"Not JSON ({error})", value=text) from error
