"""A file that is one JSON array, element by element within bounded memory, each as its own bytes."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tasks.errors import InvalidInput
from tasks.exact_json import BLANK, MOST_LEVELS
from tasks.lines import MOST_LINE_BYTES, reading, refuse_utf16

_BLOCK = 2**16
_BLANKS = re.compile(r"[ \t\r\n]*")
_CUT = 16
"""Characters at the end of a buffer that may be half of a word, an escape or a number."""


def _nothing(_: object) -> None:
    """Where an element ends is all that we want to know; building its values would take memory."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_nothing, parse_float=_nothing, parse_int=_nothing, parse_constant=_nothing
)


class Element(NamedTuple):
    """One element of an array."""

    number: int
    """From 1."""
    line: int
    """Where it begins, from 1."""
    text: bytes
    """UTF-8, without the blanks around it."""


def is_array(path: Path) -> bool:
    """Whether the first character of a file that is not blank is `[`.

    Raises:
        InvalidInput: it cannot be read.
    """
    with reading(path) as file:
        start = file.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8) or file.read(_BLOCK)
        while start and not start.strip(BLANK):
            start = file.read(_BLOCK)
        return start.lstrip(BLANK).startswith(b"[")


def elements(path: Path) -> Iterator[Element]:
    """The elements of a JSON array, in their order. A byte order mark before it is skipped.

    Raises:
        InvalidInput: the file cannot be read, is no UTF-8 or no array, an element is not JSON, longer than `MOST_LINE_BYTES`
            or nested too deep, or something follows the array.
    """
    with reading(path) as file:
        refuse_utf16(file, path)
        yield from _Array(file, path).elements()


class _Array:
    """What was read of the array and not yet given out."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer, self._at = "", 0
        self._number, self._line = 0, 1

    def elements(self) -> Iterator[Element]:
        if self._next() != "[":
            raise InvalidInput("This is not a JSON array", value=str(self._path))
        self._at += 1
        mark = self._next()
        if mark == "]":
            self._at += 1
        while mark != "]":
            self._number += 1
            yield self._element()
            mark = self._next()
            if mark not in (",", "]"):
                raise self._error("has neither a comma nor the array's end behind it")
            self._at += 1
            self._next()
        if self._next():
            raise InvalidInput(
                f"Something follows the JSON array, on line {self._line:,}", value=str(self._path)
            )

    def _next(self) -> str:
        """Go to the next character that is not blank; empty at the end of the file."""
        while True:
            found = _BLANKS.match(self._buffer, self._at)
            end = found.end() if found else self._at
            self._line += self._buffer.count("\n", self._at, end)
            self._at = end
            if end < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def _element(self) -> Element:
        end = self._end()  # which moves what the buffer holds
        line, text = self._line, self._buffer[self._at : end].encode()
        if len(text) > MOST_LINE_BYTES:
            raise self._too_long()
        self._line += text.count(b"\n")
        self._at = end
        return Element(self._number, line, text)

    def _end(self) -> int:
        """Where the element ends in the buffer, which grows until it holds all of it."""
        is_all = False
        while True:
            try:
                end = _DECODER.raw_decode(self._buffer, self._at)[1]
                if end < len(self._buffer) - _CUT or is_all:
                    return end
            except json.JSONDecodeError as error:
                if is_all or self._is_final(error):
                    where = error.pos - self._at + 1
                    raise self._error(f"is not JSON: {error.msg} at its character {where:,}") from error
            except RecursionError:
                raise self._error(f"is nested deeper than {MOST_LEVELS} levels") from None
            if len(self._buffer) - self._at > MOST_LINE_BYTES + _CUT:
                raise self._too_long()
            is_all = not self._more()

    def _is_final(self, error: json.JSONDecodeError) -> bool:
        """Whether no further character can make it valid."""
        return error.pos < len(self._buffer) - _CUT and not error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Read as much again as is still in use. False at the end of the file."""
        kept = self._buffer[self._at :]
        raw = self._file.read(max(_BLOCK, min(len(kept), MOST_LINE_BYTES - len(kept))))
        try:
            self._buffer, self._at = kept + self._decoder.decode(raw, final=not raw), 0
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"This file is not UTF-8, in or after element {self._number:,}", value=str(self._path)
            ) from error
        return bool(raw)

    def _too_long(self) -> InvalidInput:
        return self._error(f"is longer than {MOST_LINE_BYTES:,} bytes")

    def _error(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"Element {self._number:,} of the JSON array {what} (line {self._line:,})", value=str(self._path)
        )
