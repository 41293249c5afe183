"""Repeated ids, found within bounded memory: equal hashes are candidates, which a second look at the ids confirms.

The hashes, eight bytes per id, lie in a temporary file that vanishes with the process, and are compared in parts that hold
all those of the same remainder.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput

PART = 2**20
"""Ids compared at once, on average: some forty bytes for each."""
_BUFFERED = 2**16


@dataclass(frozen=True)
class Repeat:
    """An id that probably occurs before."""

    number: int
    """From 0, in the order in which the ids were added."""
    before: tuple[int, ...]
    """The numbers of those before it with the same hash, ascending."""
    hash: int


class HashedIds:
    """Takes ids one after the other and says which may be repeated."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- it goes with this object
        self._buffer = array("q")
        self.count = 0

    def add(self, id_: str) -> None:
        """Add the next one.

        Raises:
            InvalidInput: the disk of temporary files is full.
        """
        self._buffer.append(hash(id_))
        self.count += 1
        if len(self._buffer) == _BUFFERED:
            self._write()

    def repeats(self) -> Iterator[Repeat]:
        """Those whose hash occurs before, part by part, ascending within each."""
        self._write()
        parts = 1 + self.count // PART
        for part in range(parts):
            numbers, hashes = self._part(part, parts)
            order = np.argsort(hashes, kind="stable")
            is_again = hashes[order[1:]] == hashes[order[:-1]]
            for at in np.sort(order[1:][is_again]).tolist():
                before = numbers[np.flatnonzero(hashes[:at] == hashes[at])]
                yield Repeat(int(numbers[at]), tuple(before.tolist()), int(hashes[at]))

    def _part(self, part: int, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        numbers, hashes = list[NDArray[np.int64]](), list[NDArray[np.int64]]()
        self._file.seek(0)
        for start in range(0, self.count, _BUFFERED):
            read = np.frombuffer(self._file.read(8 * _BUFFERED), np.int64)
            chosen = np.flatnonzero(read % parts == part)
            numbers.append(chosen + start)
            hashes.append(read[chosen])
        empty = np.empty(0, np.int64)
        return np.concatenate([empty, *numbers]), np.concatenate([empty, *hashes])

    def _write(self) -> None:
        try:
            self._file.seek(0, 2)
            self._file.write(self._buffer)
            self._file.flush()
        except OSError as error:
            raise InvalidInput(
                f"The ids cannot be compared: their hashes do not fit on the disk ({error.strerror})",
                value=tempfile.gettempdir(),
                source="TMPDIR",
                accepted="a folder with eight bytes for each id",
            ) from error
        self._buffer = array("q")
