"""A short name for what an index holds, so that unchanged data is recognized without reading the index.

The name depends on the vectors' float32 bytes, the sparse embeddings if there are any, the ids, the metadata that the rules
read or that records bring along, and the rules themselves; not on the file's name, compression, chunks or float type, nor on the process. It does not
depend on how rows are cut into blocks. What data does not have leaves no trace in its name, so that an index of dense vectors
alone keeps the name that it has.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from tasks.vertex.data.blocks import Block
    from tasks.vertex.data.rules import DatapointRules
    from tasks.vertex.data.sparse import SparseBlock

DIGEST_BYTES = 12
"""24 hexadecimal digits: fit for a label of at most 64 characters, and 96 bits are beyond chance."""

LINES = 1024
"""Values put into one part of what is hashed."""


class ContentHash:
    """Takes rows in their order, in blocks of any size."""

    def __init__(self, rules: DatapointRules, *, dimensions: int) -> None:
        self._dimensions = dimensions
        self._head = orjson.dumps(
            {"dimensions": dimensions, "rules": rules.model_dump()}, option=orjson.OPT_SORT_KEYS
        )
        self._vectors, self._ids = hashlib.blake2b(), hashlib.blake2b()
        self._columns = {name: hashlib.blake2b() for name in rules.columns}
        self._more = {
            part: hashlib.blake2b() for part in ("absent", "lengths", "dimensions", "values", "attached")
        }
        self._has: set[str] = set()

    def add(self, block: Block) -> None:
        """Add the next rows."""
        _update(self._vectors, block.vectors, "<f4")
        for part in _lines(block.ids):
            self._ids.update(part)
        for name, digest in self._columns.items():
            for part in _lines(block.columns[name].values):
                digest.update(part)
        if self._dimensions and block.present is not None and not block.present.all():
            self._has.add("absent")
            _update(self._more["absent"], np.flatnonzero(~block.present) + block.first_row, "<i8")
        if block.sparse is not None:
            self._add_sparse(block.sparse)

        for row, attached in enumerate(block.attached, start=block.first_row):
            if attached:
                self._has.add("attached")
                self._more["attached"].update(orjson.dumps([row, attached], option=orjson.OPT_SORT_KEYS))

    def _add_sparse(self, sparse: SparseBlock) -> None:
        if sparse.values.size:
            self._has |= {"lengths", "dimensions", "values"}
        _update(self._more["lengths"], sparse.lengths, "<i8")
        _update(self._more["dimensions"], sparse.dimensions, "<i8")
        _update(self._more["values"], sparse.values, "<f4")

    def hexdigest(self) -> str:
        """The name of everything added so far, 24 hexadecimal digits."""
        whole = hashlib.blake2b(self._head, digest_size=DIGEST_BYTES)
        for digest in (self._vectors, self._ids, *self._columns.values()):
            whole.update(digest.digest())
        for part, digest in self._more.items():
            if part in self._has:
                whole.update(part.encode() + digest.digest())
        return whole.hexdigest()


def _update(digest: hashlib.blake2b, numbers: NDArray[Any], dtype: str) -> None:
    digest.update(np.ascontiguousarray(numbers, dtype=dtype).data)


def _lines(values: Iterable[object]) -> Iterator[bytes]:
    """Each value as a JSON line: no two sequences have the same lines, however they are cut into blocks.

    A few at a time, because what orjson returns keeps four kilobytes of memory (265 MB for a block of 65,536 ids).
    """
    left = iter(values)
    while lines := [orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in islice(left, LINES)]:
        yield b"".join(lines)
