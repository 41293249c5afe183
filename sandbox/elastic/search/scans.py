"""Scans: snapshots that reindex and update by query read in batches."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from zlib import crc32

import numpy as np

from sandbox.elastic.documents.store import DocumentStore
from sandbox.elastic.indices.alias_filters import narrowed
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.queries import matching
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.search.searchers import Searchers


@dataclass(frozen=True)
class Hit:
    """One document of a scan."""

    index: str
    id: str
    seq_no: int
    version: int
    source: dict[str, Any]
    text: bytes
    """The source as it is stored."""


class Scan:
    """The documents that a query matches now, in the order of their writing, unaffected by later writes.

    Holds a snapshot until it is closed; use it in a `with` block.
    """

    def __init__(
        self, searchers: Searchers, documents: DocumentStore, chosen: list[tuple[Index, Array]]
    ) -> None:
        self._searchers = searchers
        self._documents = documents
        self._chosen = chosen
        self._open = True

    def __len__(self) -> int:
        return sum(len(numbers) for _, numbers in self._chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, start: int, stop: int) -> list[Hit]:
        """The documents at positions `start` to `stop`, excluding `stop`.

        Raises:
            Refusal: an index was deleted, and its snapshot with it.
        """
        found: list[Hit] = []
        for index, numbers in self._chosen:
            if not self._searchers.holds(index):
                raise search_errors.NO_CONTEXT.refusal(id=index.number)
            part = numbers[max(0, start) : max(0, stop)]
            rows = self._documents.rows(index, part.tolist())
            found += [
                Hit(index.name, row.id, row.seq_no, row.version, row.document(), row.source)
                for row in rows
                if row.source
            ]
            start, stop = start - len(numbers), stop - len(numbers)
        return found

    def close(self) -> None:
        """Release the snapshot."""
        if self._open:
            self._open = False
            for index, _ in self._chosen:
                self._searchers.unpin(index)


class Scans:
    """Opens scans."""

    def __init__(
        self, indices: Indices, documents: DocumentStore, searchers: Searchers, contexts: QueryContexts
    ) -> None:
        self._indices = indices
        self._documents = documents
        self._searchers = searchers
        self._contexts = contexts

    def open(
        self, expression: str, query: Mapping[str, Any] | None = None, slice_: tuple[int, int] | None = None
    ) -> Scan:
        """Scan the documents that a query matches (all without one), or a slice `(id, max)` of them.

        Raises:
            Refusal: an index does not exist, or the query is invalid.
        """
        chosen: list[tuple[Index, Array]] = []
        query = narrowed(query, self._indices.filter_of(expression))
        with ExitStack() as failed:
            for index in self._indices.resolve(expression, level="read"):
                searcher = self._searchers.pinned(index)
                failed.callback(self._searchers.unpin, index)
                (context,) = self._contexts.of([searcher])
                numbers = searcher.sequence_numbers[matching(context, query)]
                chosen.append((index, numbers if slice_ is None else self._sliced(index, numbers, *slice_)))
            failed.pop_all()
        return Scan(self._searchers, self._documents, chosen)

    def _sliced(self, index: Index, numbers: Array, id_: int, maximum: int) -> Array:
        ids = self._documents.ids(index, numbers.tolist())
        mine = [seq_no for seq_no, name in ids if crc32(name.encode()) % maximum == id_]
        return np.array(mine, np.int64)
