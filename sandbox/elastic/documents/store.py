"""The documents: one row for each write, the newest row of an id being the document. Versions and conflicts live here.

What was replaced stays until a refresh, since searches still show it. Nothing here knows how documents are searched.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.elastic import errors
from sandbox.elastic.cluster import Ingested
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.operations import Operation, Outcome
from sandbox.elastic.documents.parsing import Parsed, parse
from sandbox.elastic.documents.updates import updated
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import mappings
from sandbox.elastic.indices.store import Index, no_index

if TYPE_CHECKING:
    from sandbox.elastic.cluster import Cluster

_SHIFT = 40  # an index has at most 2^40 writes
_AT_ONCE = 500


@dataclass(frozen=True)
class Row:
    """One write. Without a source it is a deletion."""

    seq_no: int
    id: str
    version: int
    source: bytes | None

    def document(self) -> dict[str, Any]:
        """The document, as an object of one's own."""
        return orjson.loads(self.source or b"{}")


@dataclass(frozen=True)
class _Accepted:
    index: Index
    seq_no: int
    parsed: Parsed | None
    previous: int | None


class Documents:
    """All documents of all indices."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._last: dict[int, int] = {}
        with self._store.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS documents "
                "(key INTEGER PRIMARY KEY, idx INTEGER, id TEXT, version INTEGER, source BLOB)"
            )
            db.execute("CREATE INDEX IF NOT EXISTS documents_by_id ON documents (idx, id)")

    def write(self, operations: list[Operation]) -> list[Outcome]:
        """Write documents, each for itself: what one of them is refused for stands in its outcome.

        Pipelines run first, for all of them together and with no lock held.
        """
        outcomes: dict[int, Outcome] = {}
        ready = self._ingested(operations, outcomes)
        accepted: list[_Accepted] = []
        with self._store.lock:
            try:
                with self._cluster.indices.together():
                    for place, operation in ready:
                        outcomes[place] = self._one(operation, accepted)
            except BaseException:
                self._last.clear()  # the store has taken the numbers back
                raise
            for each in accepted:
                values = each.parsed.values if each.parsed else None
                self._cluster.searchers.written(each.index, each.seq_no, values, each.previous)
        return [outcomes[place] for place in range(len(operations))]

    def get(self, index: Index, id_: str) -> Row | None:
        """A document as it is now, refreshed or not."""
        found = self._newest(index, id_)
        return found if found and found.source is not None else None

    def rows(self, index: Index, sequence_numbers: list[int]) -> list[Row]:
        """Writes by their sequence numbers, in the order asked for; those that are gone are left out."""
        return [
            Row(number, *fields)
            for number, *fields in self._columns(index, sequence_numbers, "id, version, source")
        ]

    def ids(self, index: Index, sequence_numbers: list[int]) -> list[tuple[int, str]]:
        """Sequence numbers and ids of writes, as `rows` has them, without reading what was written."""
        return [(number, name) for number, name in self._columns(index, sequence_numbers, "id")]

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

    def sequence_numbers(self, index: Index, id_: str) -> list[int]:
        """All writes of an id that are still kept."""
        with self._store.lock:
            query = "SELECT key FROM documents WHERE idx = ? AND id = ?"
            keys = self._store.db.execute(query, (index.number, id_)).fetchall()
        return [key - (index.number << _SHIFT) for (key,) in keys]

    def writes(self, db: sqlite3.Connection, index: Index, first: int, last: int) -> Iterator[Row]:
        """All writes from one sequence number to another that are still kept, in their order."""
        base = index.number << _SHIFT
        query = "SELECT key, id, version, source FROM documents WHERE key BETWEEN ? AND ? ORDER BY key"
        for key, *fields in db.execute(query, (base + first, base + last)):
            yield Row(key - base, *fields)

    def last_sequence_number(self, index: Index) -> int:
        """The largest that was given; -1 before the first write."""
        with self._store.lock:
            if index.number not in self._last:
                base = index.number << _SHIFT
                query = "SELECT max(key) FROM documents WHERE key >= ? AND key < ?"
                (key,) = self._store.db.execute(query, (base, base + (1 << _SHIFT))).fetchone()
                self._last[index.number] = -1 if key is None else key - base
            return self._last[index.number]

    def bytes(self, index: Index) -> int:
        """The size of the documents' sources."""
        with self._store.lock:
            query = "SELECT coalesce(sum(length(source)), 0) FROM documents WHERE idx = ?"
            return int(self._store.db.execute(query, (index.number,)).fetchone()[0])

    def forget(self, index: Index, sequence_numbers: list[int]) -> None:
        """Clear writes away that no search shows any more."""
        base = index.number << _SHIFT
        with self._store.transaction() as db:
            db.executemany(
                "DELETE FROM documents WHERE key = ?", [(base + each,) for each in sequence_numbers]
            )

    def forget_all(self, index: Index) -> None:
        """Clear away everything that an index held."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM documents WHERE idx = ?", (index.number,))

    def _ingested(
        self, operations: list[Operation], outcomes: dict[int, Outcome]
    ) -> list[tuple[int, Operation]]:
        """The operations as their pipelines leave them; what is refused or dropped goes to `outcomes`."""
        waiting: list[tuple[int, Operation, Ingested]] = []
        ready: list[tuple[int, Operation]] = []
        for place, operation in enumerate(operations):
            document = _through_pipelines(operation)
            try:
                pipelines = self._pipelines(operation) if document is not None else ()
            except Refusal as refusal:
                outcomes[place] = _refused(operation, refusal)
                continue
            if pipelines and document is not None:
                ingested = Ingested(
                    operation.index, operation.id, document, pipelines, operation.routing, operation.version
                )
                waiting.append((place, operation, ingested))
            else:
                ready.append((place, operation))
        if not waiting:
            return ready
        results = self._cluster.ingest([ingested for _, _, ingested in waiting])
        for (place, operation, _), result in zip(waiting, results, strict=True):
            if isinstance(result, Refusal):
                outcomes[place] = _refused(operation, result)
            elif result is None:
                outcomes[place] = Outcome(operation, operation.index, operation.id, 200, "noop", -3, -2)
            else:
                ready.append((place, _after_pipelines(operation, result)))
        return sorted(ready, key=lambda each: each[0])

    def _pipelines(self, operation: Operation) -> tuple[str, ...]:
        found = self._cluster.indices.behind(operation.index)
        settings = found[0].settings if found else {}
        first = operation.pipeline or settings.get("default_pipeline")
        return tuple(name for name in (first, settings.get("final_pipeline")) if name and name != "_none")

    def _one(self, operation: Operation, accepted: list[_Accepted]) -> Outcome:
        try:
            return self._apply(operation, accepted)
        except Refusal as refusal:
            return _refused(operation, refusal)

    def _apply(self, operation: Operation, accepted: list[_Accepted]) -> Outcome:
        if operation.action == "delete" and not self._cluster.indices.behind(operation.index):
            raise no_index(operation.index)
        index = self._cluster.indices.for_writing(operation.index, operation.require_alias)
        if index.settings.get("blocks.write") == "true":
            raise indices_errors.BLOCKED.refusal(index=index.name, metadata=index.metadata)
        id_ = _checked_id(operation)
        newest = self._newest(index, id_) if operation.id is not None else None
        there = newest if newest and newest.source is not None else None
        _check_conflicts(operation, index, id_, there, newest)
        copies = 1 + int(index.settings["number_of_replicas"])
        document: dict[str, Any] | None = None
        if operation.action == "update":
            document = updated(operation.source, there.document() if there else None, id_, index.metadata)
            if document is None and there:
                return Outcome(
                    operation, index.name, id_, 200, "noop", there.version, there.seq_no, copies=copies
                )
        elif operation.action != "delete":
            document = operation.source
        parsed = self._fitting(index, document, id_) if document is not None else None
        version = (newest.version if newest else 0) + 1
        if operation.version_type != "internal" and operation.version is not None:
            version = operation.version
        seq_no = self._append(index, id_, version, document)
        accepted.append(_Accepted(index, seq_no, parsed, newest.seq_no if newest else None))
        if document is None:
            result, status = ("deleted", 200) if there else ("not_found", 404)
        else:
            result, status = ("updated", 200) if there else ("created", 201)
        return Outcome(operation, index.name, id_, status, result, version, seq_no, copies=copies)

    def _fitting(self, index: Index, document: Mapping[str, Any], id_: str) -> Parsed:
        """The document taken apart, with the mapping grown where it is dynamic."""
        parsed = parse(document, index.mapping, id_, self._cluster.release)
        if parsed.added:
            grown = mappings.merged(index.mapping, {"properties": parsed.added})
            limit = int(index.settings.get("mapping.total_fields.limit", "1000"))
            if mappings.size(grown) > limit:
                raise indices_errors.FIELD_LIMIT.refusal(
                    limit=limit, added=mappings.size(grown) - mappings.size(index.mapping)
                )
            self._cluster.indices.put(self._cluster.indices.with_mapping(index, grown))
        return parsed

    def _append(self, index: Index, id_: str, version: int, document: dict[str, Any] | None) -> int:
        seq_no = self.last_sequence_number(index) + 1
        source = None if document is None else orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
        self._store.db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
            ((index.number << _SHIFT) + seq_no, index.number, id_, version, source),
        )
        self._last[index.number] = seq_no
        return seq_no

    def _newest(self, index: Index, id_: str) -> Row | None:
        with self._store.lock:
            row = self._store.db.execute(
                "SELECT key, id, version, source FROM documents WHERE idx = ? AND id = ? ORDER BY key DESC LIMIT 1",
                (index.number, id_),
            ).fetchone()
        return Row(row[0] - (index.number << _SHIFT), *row[1:]) if row else None


def new_id() -> str:
    """An id as Elasticsearch makes one: 20 URL-safe characters."""
    return base64.urlsafe_b64encode(os.urandom(15)).decode()


def _through_pipelines(operation: Operation) -> dict[str, Any] | None:
    """What of an operation ingest pipelines see: nothing of deletions, of updates what would be a new document.

    That runs through them whether it is needed or not.
    """
    if operation.action in ("index", "create"):
        return operation.source
    return operation.source.get(_new_part(operation)) if operation.action == "update" else None


def _new_part(operation: Operation) -> str:
    return "doc" if operation.source.get("doc_as_upsert") else "upsert"


def _after_pipelines(operation: Operation, result: Ingested) -> Operation:
    if operation.action == "update":
        return replace(operation, source={**operation.source, _new_part(operation): result.source})
    return replace(operation, source=result.source, index=result.index, id=result.id)


def _refused(operation: Operation, refusal: Refusal) -> Outcome:
    return Outcome(operation, operation.index, operation.id, refusal.status, error=refusal)


def _checked_id(operation: Operation) -> str:
    if operation.id is None:
        return new_id()
    if not operation.id:
        raise documents_errors.EMPTY_ID.refusal()
    if len(operation.id.encode()) > 512:
        raise documents_errors.LONG_ID.refusal(id=operation.id, length=len(operation.id.encode()))
    return operation.id


def _check_conflicts(
    operation: Operation, index: Index, id_: str, there: Row | None, newest: Row | None
) -> None:
    problem = ""
    if operation.if_seq_no is not None:
        wanted = f"required seqNo [{operation.if_seq_no}], primary term [{operation.if_primary_term}]."
        if not there:
            problem = f"{wanted} but no document was found"
        elif (there.seq_no, 1) != (operation.if_seq_no, operation.if_primary_term):
            problem = f"{wanted} current document has seqNo [{there.seq_no}] and primary term [1]"
    elif operation.action == "create" and there:
        problem = f"document already exists (current version [{there.version}])"
    elif operation.version_type != "internal" and operation.version is not None and newest:
        least = newest.version + (operation.version_type == "external")
        if operation.version < least:
            comparison = "higher or equal to" if operation.version_type == "external" else "higher than"
            problem = (
                f"current version [{newest.version}] is {comparison} the one provided [{operation.version}]"
            )
    elif operation.version is not None and operation.version_type == "internal":
        raise errors.VALIDATION.refusal(
            problems="1: internal versioning can not be used for optimistic concurrency control. Please use "
            "`if_seq_no` and `if_primary_term` instead;"
        )
    if problem:
        raise documents_errors.VERSION_CONFLICT.refusal(
            id=id_, problem=problem, metadata={**index.metadata, "shard": "0"}
        )
