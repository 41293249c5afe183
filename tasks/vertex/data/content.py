"""A short name for what an index holds, so that unchanged data is recognized without reading the index.

The name depends on the vectors' float32 bytes, the ids, the metadata that the rules read and the rules themselves; not
on the file's name, compression, chunks or float type, nor on the process. It does not
depend on how rows are cut into blocks.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tasks.vertex.data.columns import ColumnValues
    from tasks.vertex.data.rules import DatapointRules

DIGEST_BYTES = 12
"""24 hexadecimal digits: fit for a label of at most 64 characters, and 96 bits are beyond chance."""

LINES = 1024
"""Values put into one part of what is hashed."""


class ContentHash:
    """Takes rows in their order, in blocks of any size."""

    def __init__(self, rules: DatapointRules, *, dimensions: int) -> None:
        self._head = orjson.dumps(
            {"dimensions": dimensions, "rules": rules.model_dump()}, option=orjson.OPT_SORT_KEYS
        )
        self._vectors, self._ids = hashlib.blake2b(), hashlib.blake2b()
        self._columns = {name: hashlib.blake2b() for name in rules.columns}

    def add(
        self, vectors: NDArray[np.float32], ids: Iterable[str], columns: Mapping[str, ColumnValues]
    ) -> None:
        """Add the next rows."""
        self._vectors.update(np.ascontiguousarray(vectors, dtype="<f4").data)
        for part in _lines(ids):
            self._ids.update(part)
        for name, digest in self._columns.items():
            for part in _lines(columns[name].values):
                digest.update(part)

    def hexdigest(self) -> str:
        """The name of everything added so far, 24 hexadecimal digits."""
        whole = hashlib.blake2b(self._head, digest_size=DIGEST_BYTES)
        for digest in (self._vectors, self._ids, *self._columns.values()):
            whole.update(digest.digest())
        return whole.hexdigest()


def _lines(values: Iterable[object]) -> Iterator[bytes]:
    """Each value as a JSON line: no two sequences have the same lines, however they are cut into blocks.

    A few at a time, because what orjson returns keeps four kilobytes of memory (265 MB for a block of 65,536 ids).
    """
    left = iter(values)
    while lines := [orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in islice(left, LINES)]:
        yield b"".join(lines)
