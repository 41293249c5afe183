"""JSON read without changing anything: what a number or a repeated name loses in silence elsewhere is kept or refused.

orjson is fast, but rounds numbers and takes the last of repeated names. So what it read is written again and compared with the
text; only where they differ is the text read by the standard library, which lets us look at every number and every name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import orjson

MOST_LEVELS: Final = 250
"""Levels of arrays and objects in one another. orjson writes 254; Elasticsearch maps 20 of objects unless told otherwise."""
BLANK: Final = b" \t\r\n"
"""What JSON takes for white space; any other character belongs to what a text says."""
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_ESCAPES = re.compile(rb"\\.", re.DOTALL)
_SPACED = bytes.maketrans(b'[]{}:,"', b" " * 7)


class NotExact(ValueError):
    """A text is not JSON, or not JSON that means one thing only. Its message says what is wrong, without the value."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number that neither 64 bits nor a double hold, as it is written."""

    text: str

    @property
    def is_whole(self) -> bool:
        """Whether it has neither a fraction nor an exponent."""
        return self.text.lstrip("-").isdigit()

    def __repr__(self) -> str:
        return self.text


def exact(text: bytes) -> Any:
    """The value of a JSON text. Numbers that do not fit are `Numeral`s.

    Args:
        text: UTF-8, without a byte order mark.

    Raises:
        NotExact: the text is not JSON (NaN and infinities are not), not UTF-8, has half of a surrogate pair, an object with a
            repeated name, or more than `MOST_LEVELS` levels.
    """
    try:
        value, again = _read(text)
    except orjson.JSONDecodeError:  # also a number beyond doubles, which may stay
        return _looked_at(text)
    return value if _is_same(text, again) else _looked_at(text)


def rounded(text: bytes) -> Any:
    """The value of a JSON text for fields that hold doubles: as `exact`, but with every number an int of 64 bits or a float.

    Raises:
        NotExact: as `exact`, and for a number beyond doubles.
    """
    try:
        value, again = _read(text)
    except orjson.JSONDecodeError as error:
        _looked_at(text)
        raise NotExact("a number beyond double precision") from error
    if _bare(text).count(b'"') != _bare(again).count(b'"'):
        _looked_at(text)  # which names the repeated one
    return value


def unrounded(text: bytes) -> Any:
    """The value of a JSON text that a service sent: no number is rounded, and nothing else is looked at.

    Numbers that do not fit are `Numeral`s. Half of a surrogate pair stays, and of a repeated name the last counts.

    Raises:
        ValueError: the text is not JSON.
    """
    return json.loads(text, parse_int=_integer, parse_float=_decimal)


def rewritten(value: Any) -> bytes:
    """A value of `unrounded` as JSON on one line: `written`, also for half of a surrogate pair, which stays an escape.

    Raises:
        NotExact: the value has both that and a decimal beyond double precision.
    """
    try:
        return written(value)
    except TypeError:
        return json.dumps(value, default=_whole).encode()


def _whole(value: object) -> int:
    if isinstance(value, Numeral) and value.is_whole:
        return int(value.text)
    raise NotExact("half of a surrogate pair beside a decimal beyond double precision")


def _read(text: bytes) -> tuple[Any, bytes]:
    """What orjson reads, and what it writes of that."""
    value = orjson.loads(text)
    try:
        again = orjson.dumps(value)
    except TypeError as error:
        raise _too_deep() from error
    # Two characters a level: to count those of a short text takes a fifth of the time in which it is read.
    is_suspect = len(text) > 2 * MOST_LEVELS and text.count(b"[") + text.count(b"{") > MOST_LEVELS
    if is_suspect and not _is_shallow(value):
        raise _too_deep()
    return value, again


def canonical(value: Any) -> bytes:
    """A value of `exact` as JSON, the same whatever the order of names and the blanks between."""
    return orjson.dumps(
        value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS, default=_as_written
    )


def written(value: Any) -> bytes:
    """A value of `exact` as JSON on one line, its names in their order and every number of the same value."""
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS, default=_as_written)


def _as_written(value: object) -> orjson.Fragment:
    if isinstance(value, Numeral):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} does not come from JSON")


def _is_same(text: bytes, again: bytes) -> bool:
    """Whether nothing got lost between a text and what was written of its value. A wrong no only costs time."""
    if text == again or text.translate(None, BLANK) == again.translate(None, BLANK):
        return True
    one, other = _bare(text), _bare(again)
    return one == other or (one.count(b'"') == other.count(b'"') and _are_equal(one, other))


def _bare(text: bytes) -> bytes:
    """A text without blanks, and with one quotation mark for each of its strings."""
    without_escapes = _ESCAPES.sub(b"", text) if b"\\" in text else text
    return b'"'.join(without_escapes.split(b'"')[::2]).translate(None, BLANK)


def _are_equal(one: bytes, other: bytes) -> bool:
    """Whether two bare texts have the same numbers, however they are written."""
    words, others = (bare.translate(_SPACED).split() for bare in (one, other))
    try:
        return len(words) == len(others) and all(
            _kind(a) == _kind(b) and Decimal(a.decode()) == Decimal(b.decode())
            for a, b in zip(words, others, strict=True)
            if a != b
        )
    except InvalidOperation:  # an exponent of more than 18 digits
        return False


def _kind(number: bytes) -> tuple[bool, bool]:
    """Its sign, which zero has too, and whether it is written as an integer."""
    return number.startswith(b"-"), number.lstrip(b"-").isdigit()


def _looked_at(text: bytes) -> Any:
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_refused,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise NotExact(f"not UTF-8 at byte {error.start + 1:,}") from error
    except json.JSONDecodeError as error:
        raise NotExact(f"not JSON: {error.msg} at character {error.pos + 1:,}") from error
    except RecursionError:
        raise _too_deep() from None
    if not _is_shallow(value):
        raise _too_deep()
    try:
        canonical(value)
    except TypeError as error:
        raise NotExact("half of a surrogate pair, which stands for no character") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise NotExact(f"the name {shortened(repeated)} occurs twice in one object")
    return found


def _integer(text: str) -> int | Numeral:
    if text == "-0" or len(text) > len(str(_UINT64_MAX)):
        return Numeral(text)
    number = int(text)
    return number if _INT64_MIN <= number <= _UINT64_MAX else Numeral(text)


def _decimal(text: str) -> float | Numeral:
    number = float(text)
    if repr(number) == text:
        return number
    if number == 0.0:
        is_zero = not text.lower().partition("e")[0].strip("-0.")
        return number if is_zero else Numeral(text)
    if math.isinf(number) or Decimal(text) != Decimal(repr(number)):
        return Numeral(text)
    return number


def _refused(constant: str) -> NoReturn:
    raise NotExact(f"not JSON, which has no {constant}")


def _is_shallow(value: Any) -> bool:
    level = _containers([value])
    for _ in range(MOST_LEVELS):
        if not level:
            return True
        level = [
            inner
            for each in level
            for inner in _containers(each.values() if isinstance(each, dict) else each)
        ]
    return not level


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _too_deep() -> NotExact:
    return NotExact(f"nested deeper than {MOST_LEVELS} levels")


def shortened(value: object, most: int = 80) -> str:
    """A value in a message, of a long one its beginning."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."
