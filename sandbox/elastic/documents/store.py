"""Documents in the database: one row per write; the newest row of an id is the document.

Replaced rows stay until a refresh, because searches still show them. Which writes are accepted, and how documents are
searched, is decided elsewhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.store import Store

_SHIFT = 40  # an index has at most 2^40 writes
_AT_ONCE = 500


@dataclass(frozen=True)
class Row:
    """One write; without a source, a deletion."""

    seq_no: int
    id: str
    version: int
    source: bytes | None

    def document(self) -> dict[str, Any]:
        """The document, as a fresh object."""
        return orjson.loads(self.source or b"{}")


class DocumentStore:
    """The documents of all indices."""

    def __init__(self, store: Store, indices: Indices) -> None:
        self._store = store
        self._last: dict[int, int] = {}
        with store.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS documents "
                "(key INTEGER PRIMARY KEY, idx INTEGER, id TEXT, version INTEGER, source BLOB)"
            )
            db.execute("CREATE INDEX IF NOT EXISTS documents_by_id ON documents (idx, id)")
        indices.when_deleted(self._forget_all)

    def get(self, index: Index, id_: str) -> Row | None:
        """The current document, refreshed or not."""
        found = self.newest(index, id_)
        return found if found and found.source is not None else None

    def newest(self, index: Index, id_: str) -> Row | None:
        """The last write of an id, which may be its deletion."""
        with self._store.lock:
            row = self._store.db.execute(
                "SELECT key, id, version, source FROM documents WHERE idx = ? AND id = ? ORDER BY key DESC LIMIT 1",
                (index.number, id_),
            ).fetchone()
        return Row(row[0] - (index.number << _SHIFT), *row[1:]) if row else None

    def rows(self, index: Index, sequence_numbers: list[int]) -> list[Row]:
        """Writes by sequence number, in the given order; missing ones are left out."""
        return [
            Row(number, *fields)
            for number, *fields in self._columns(index, sequence_numbers, "id, version, source")
        ]

    def ids(self, index: Index, sequence_numbers: list[int]) -> list[tuple[int, str]]:
        """Sequence numbers and ids of writes, like `rows` but without reading the documents."""
        return [(number, name) for number, name in self._columns(index, sequence_numbers, "id")]

    def sequence_numbers(self, index: Index, id_: str) -> list[int]:
        """The sequence numbers of all kept writes of an id."""
        with self._store.lock:
            query = "SELECT key FROM documents WHERE idx = ? AND id = ?"
            keys = self._store.db.execute(query, (index.number, id_)).fetchall()
        return [key - (index.number << _SHIFT) for (key,) in keys]

    def writes(self, db: sqlite3.Connection, index: Index, first: int, last: int) -> Iterator[Row]:
        """All kept writes between two sequence numbers, in order."""
        base = index.number << _SHIFT
        query = "SELECT key, id, version, source FROM documents WHERE key BETWEEN ? AND ? ORDER BY key"
        for key, *fields in db.execute(query, (base + first, base + last)):
            yield Row(key - base, *fields)

    def last_sequence_number(self, index: Index) -> int:
        """The last sequence number assigned; -1 before the first write."""
        with self._store.lock:
            if index.number not in self._last:
                base = index.number << _SHIFT
                query = "SELECT max(key) FROM documents WHERE key >= ? AND key < ?"
                (key,) = self._store.db.execute(query, (base, base + (1 << _SHIFT))).fetchone()
                self._last[index.number] = -1 if key is None else key - base
            return self._last[index.number]

    def append(
        self, index: Index, id_: str, version: int, document: dict[str, Any] | None, text: bytes | None = None
    ) -> int:
        """Add a write within the caller's transaction and return its sequence number.

        Args:
            index: where.
            id_: the document's id.
            version: the write's version.
            document: None deletes.
            text: the document as it was written, which is kept if it still is that document.
        """
        seq_no = self.last_sequence_number(index) + 1
        source = None if document is None else orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
        if text is not None and document == orjson.loads(text):
            source = text
        self._store.db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
            ((index.number << _SHIFT) + seq_no, index.number, id_, version, source),
        )
        self._last[index.number] = seq_no
        return seq_no

    def taken_back(self) -> None:
        """Forget which sequence numbers were assigned, because writes were rolled back."""
        self._last.clear()

    def bytes(self, index: Index) -> int:
        """The total size of the documents' sources."""
        with self._store.lock:
            query = "SELECT coalesce(sum(length(source)), 0) FROM documents WHERE idx = ?"
            return int(self._store.db.execute(query, (index.number,)).fetchone()[0])

    def forget(self, index: Index, sequence_numbers: list[int]) -> None:
        """Delete writes that no search shows any more."""
        base = index.number << _SHIFT
        with self._store.transaction() as db:
            db.executemany(
                "DELETE FROM documents WHERE key = ?", [(base + each,) for each in sequence_numbers]
            )

    def _forget_all(self, index: Index) -> None:
        """Delete all documents of an index."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM documents WHERE idx = ?", (index.number,))

    def _columns(self, index: Index, sequence_numbers: list[int], columns: str) -> Iterator[tuple[Any, ...]]:
        base = index.number << _SHIFT
        for start in range(0, len(sequence_numbers), _AT_ONCE):
            wanted = sequence_numbers[start : start + _AT_ONCE]
            places = ",".join("?" * len(wanted))
            query = f"SELECT key, {columns} FROM documents WHERE key IN ({places})"  # noqa: S608
            with self._store.lock:
                rows = self._store.db.execute(query, [base + number for number in wanted]).fetchall()
            found = {key - base: fields for key, *fields in rows}
            yield from ((number, *found[number]) for number in wanted if number in found)
