"""Writes carried out: pipelines first, then versions, conflicts and mappings. The writes of a bulk are independent."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents import duplicates
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.ingesting import Ingest, Ingested, after_pipelines, before_pipelines
from sandbox.elastic.documents.operations import MOST_ID_BYTES, Operation, Outcome
from sandbox.elastic.documents.parsing import Parsed, Value, parse
from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.documents.updates import updated
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import blocks, mappings, similarities
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices, no_index
from sandbox.elastic.store import Store
from sandbox.elastic.versions import Release

Written = Callable[[Index, int, Mapping[str, Value] | None, int | None], None]
"""Called for each accepted write with index, sequence number, values (None for a deletion) and the number it replaces."""

Embedded = Callable[[Sequence[Operation]], list[Operation | Refusal]]
"""Adds the embeddings of semantic_text fields to the documents of a whole bulk request; a refusal for each that fails."""


@dataclass(frozen=True)
class _Accepted:
    index: Index
    seq_no: int
    parsed: Parsed | None
    previous: int | None


class DocumentWriter:
    """Writes documents."""

    def __init__(
        self,
        store: Store,
        indices: Indices,
        documents: DocumentStore,
        release: Release,
        ingest: Ingest,
        embedded: Embedded,
        written: Written,
    ) -> None:
        self._store = store
        self._indices = indices
        self._documents = documents
        self._release = release
        self._ingest = ingest
        self._embedded = embedded
        self._written = written

    def write(self, operations: list[Operation]) -> list[Outcome]:
        """Carry out writes independently; a refusal is the outcome of its write.

        Pipelines run first, then semantic_text fields are embedded, for all writes together and without holding a lock.
        """
        outcomes: dict[int, Outcome] = {}
        times: dict[int, float] = {}
        ready = self._with_embeddings(self._ingested(operations, outcomes, times), outcomes)
        accepted: list[_Accepted] = []
        with self._store.lock:
            try:
                with self._indices.together():
                    for place, operation in ready:
                        outcomes[place] = self._one(operation, accepted)
            except BaseException:
                self._documents.taken_back()
                raise
            for each in accepted:
                values = each.parsed.values if each.parsed else None
                self._written(each.index, each.seq_no, values, each.previous)
        for place, seconds in times.items():
            outcomes[place].ingest_seconds = seconds
        return [outcomes[place] for place in range(len(operations))]

    def _ingested(
        self, operations: list[Operation], outcomes: dict[int, Outcome], times: dict[int, float]
    ) -> list[tuple[int, Operation]]:
        """The operations after their pipelines, whose time goes to `times`; refused and dropped ones go to `outcomes`."""
        waiting: list[tuple[int, Operation, Ingested]] = []
        ready: list[tuple[int, Operation]] = []
        for place, operation in enumerate(operations):
            found = self._indices.behind(operation.index)
            ingested = before_pipelines(operation, found[-1] if found else None)
            if ingested is None:
                ready.append((place, operation))
            else:
                waiting.append((place, operation, ingested))
        if not waiting:
            return ready
        began = time.monotonic()
        results = self._ingest([ingested for _, _, ingested in waiting])
        times.update(dict.fromkeys((place for place, _, _ in waiting), time.monotonic() - began))
        for (place, operation, _), result in zip(waiting, results, strict=True):
            if isinstance(result, Refusal):
                outcomes[place] = _refused(operation, result)
            elif result is None:
                outcomes[place] = Outcome(operation, operation.index, operation.id, 200, "noop", -3, -2)
            else:
                ready.append((place, after_pipelines(operation, result)))
        return sorted(ready, key=lambda each: each[0])

    def _with_embeddings(
        self, ready: list[tuple[int, Operation]], outcomes: dict[int, Outcome]
    ) -> list[tuple[int, Operation]]:
        kept: list[tuple[int, Operation]] = []
        results = self._embedded([operation for _, operation in ready])
        for (place, operation), result in zip(ready, results, strict=True):
            if isinstance(result, Refusal):
                outcomes[place] = _refused(operation, result)
            else:
                kept.append((place, result))
        return kept

    def _one(self, operation: Operation, accepted: list[_Accepted]) -> Outcome:
        try:
            return self._apply(operation, accepted)
        except Refusal as refusal:
            return _refused(operation, refusal)

    def _apply(self, operation: Operation, accepted: list[_Accepted]) -> Outcome:
        if operation.action == "delete" and not self._indices.behind(operation.index):
            raise no_index(operation.index)
        index = self._indices.for_writing(operation.index, operation.require_alias)
        if self._indices.streams.get(operation.index):
            _check_appends(operation)
        blocks.refuse([index], "write")
        id_ = _checked_id(operation)
        newest = self._documents.newest(index, id_) if operation.id is not None else None
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
        if document is not None and operation.text is not None:
            duplicates.refuse(operation.text, operation.source)
        parsed = self._fitting(index, document, id_) if document is not None else None
        version = (newest.version if newest else 0) + 1
        if operation.version_type != "internal" and operation.version is not None:
            version = operation.version
        seq_no = self._documents.append(index, id_, version, document, operation.text)
        accepted.append(_Accepted(index, seq_no, parsed, newest.seq_no if newest else None))
        if document is None:
            result, status = ("deleted", 200) if there else ("not_found", 404)
        else:
            result, status = ("updated", 200) if there else ("created", 201)
        return Outcome(operation, index.name, id_, status, result, version, seq_no, copies=copies)

    def _fitting(self, index: Index, document: Mapping[str, Any], id_: str) -> Parsed:
        """The parsed document; new fields are added to a dynamic mapping."""
        parsed = parse(document, index.mapping, id_, self._release)
        if parsed.added:
            grown = mappings.merged(index.mapping, {"properties": parsed.added})
            limit = int(index.settings.get("mapping.total_fields.limit", "1000"))
            if mappings.size(grown) > limit:
                raise indices_errors.FIELD_LIMIT.refusal(
                    limit=limit, added=mappings.size(grown) - mappings.size(index.mapping)
                )
            similarities.check(mappings.fields(grown).values(), index.settings)
            self._indices.put(self._indices.with_mapping(index, grown))
        return parsed


def new_id() -> str:
    """A document id as Elasticsearch generates it: 20 URL-safe characters."""
    return base64.urlsafe_b64encode(os.urandom(15)).decode()


def _refused(operation: Operation, refusal: Refusal) -> Outcome:
    return Outcome(operation, operation.index, operation.id, refusal.status, error=refusal)


def _check_appends(operation: Operation) -> None:
    if operation.action != "create":
        raise indices_errors.STREAM_CREATES_ONLY.refusal()
    if operation.source.get("@timestamp") is None:
        raise indices_errors.STREAM_NO_TIMESTAMP.refusal()


def _checked_id(operation: Operation) -> str:
    if operation.id is None:
        return new_id()
    if not operation.id:
        raise documents_errors.EMPTY_ID.refusal()
    if len(operation.id.encode()) > MOST_ID_BYTES:
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
