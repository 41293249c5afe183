"""Lines of a text file, found again by their number: the place of every thousandth is remembered, eight bytes each."""

from __future__ import annotations

import codecs
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.lines import MOST_LINE_BYTES, reading, refuse_utf16
from tasks.vertex.data.errors import DataChanged, TooLargeForMemory
from tasks.vertex.data.formats.heaps import MOST_TEXT

STRIDE = 1000
"""Lines between two places that are remembered."""


class FilledLines:
    """The lines of a file that are not blank, numbered from 0 as rows are.

    Raises:
        InvalidInput: the file cannot be read, is UTF-16, or a line is longer than 8,000,000 bytes.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name, self._path = name, path
        self._places, self._numbers = array("q"), array("q")
        self.count = self.longest = 0
        with reading(path) as file:
            refuse_utf16(file, path)
            start = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
            file.seek(start)
            number, place = 0, start
            while line := file.readline(MOST_LINE_BYTES + 2):
                number += 1
                if len(line) > MOST_LINE_BYTES + 1:
                    raise InvalidInput(f"Line {number} is longer than {MOST_LINE_BYTES:,} bytes", source=name)
                if line.strip():
                    if self.count % STRIDE == 0:
                        self._places.append(place)
                        self._numbers.append(number)
                    self.count += 1
                    self.longest = max(self.longest, len(line))
                place += len(line)
        self.size = place

    def numbered(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """The lines start to stop (excluded), without their ends, each with its number in the file, from 1.

        Raises:
            InvalidInput: the file was cut short since it was opened.
        """
        if start >= stop:
            return
        with reading(self._path) as file:
            file.seek(self._places[start // STRIDE])
            row, number = start - start % STRIDE, self._numbers[start // STRIDE]
            while row < stop:
                if not (line := file.readline(MOST_LINE_BYTES + 2)):
                    raise DataChanged(self.name, validated=f"{self.count} lines", written=f"{row} lines")
                if line.strip():
                    if row >= start:
                        yield number, line.removesuffix(b"\n").removesuffix(b"\r")
                    row += 1
                number += 1

    def lines(self, start: int, stop: int) -> list[bytes]:
        """The lines start to stop (excluded), without their ends.

        Raises:
            TooLargeForMemory: they have more than 32 MiB together.
            InvalidInput: the file was cut short since it was opened.
        """
        found, size = list[bytes](), 0
        for _, line in self.numbered(start, stop):
            found.append(line)
            size += len(line)
            if size > MOST_TEXT:
                what = f"The text of lines from row {start} to {start + len(found) - 1} together"
                raise TooLargeForMemory(self.name, what=what, size=size, most=MOST_TEXT)
        return found


class IdLines:
    """One id a line, blanks included, as in the `delete/` folder of an import."""

    chunk_rows = 1
    is_text = True
    dtype: np.dtype[Any] = np.dtype(object)

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._lines = FilledLines(path, self.name)
        self.shape: tuple[int, ...] | None = (self._lines.count,)

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The ids as an array of bytes."""
        return np.array(self.strings(start, stop), dtype=object)

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The ids of the rows start to stop (excluded)."""
        return self._lines.lines(start, stop)
