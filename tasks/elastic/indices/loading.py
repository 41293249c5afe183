"""Bulk load of documents from a file into an index: each sent at least once, stored once, the rejected ones set aside.

Elasticsearch answers for every document of a bulk request separately: what was throttled (429) is sent again, what it will
never accept is written to a file with the reason, and does not stop the others.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from tasks.batches import attempt_each, batches
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import DISK_BLOCK, calling, reason_of
from tasks.elastic.data.documents import CheckedDocuments, Document, read_documents
from tasks.elastic.indices.full_disks import DiskBlock
from tasks.elastic.indices.indices import count, index_of_ours, refresh, set_marks
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.files import whole_file
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look

MOST_DOCUMENTS = 500
MOST_BYTES = 5_000_000
"""Elastic advises 5 to 15 MB per bulk request."""
BULK_SECONDS = 120.0
_LATER = (429, 503)
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A document that the cluster will never accept as it is."""

    place: str
    """As in `Document`."""
    id: str
    status: int
    type: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a load did."""

    index: str
    documents: int
    """Sent, different ids."""
    created: int
    updated: int
    repeated: int
    """Documents in the file whose id occurred before."""
    requests: int
    throttled: int
    """Documents that had to be sent again."""
    refused: int
    """Documents that will never be accepted as they are."""
    first_refused: tuple[Refused, ...]
    refused_file: Path | None
    """The file with the refused documents and the reasons; None if there are none."""
    unchanged: bool
    """The index already held exactly this data: nothing was sent."""

    @classmethod
    def nothing(cls, index: str, documents: CheckedDocuments) -> Self:
        """Nothing was sent: the index already held exactly this data."""
        return cls(
            index=index, documents=documents.documents, created=0, updated=0, repeated=documents.repeated,
            requests=0, throttled=0, refused=0, first_refused=(), refused_file=None, unchanged=True,
        )  # fmt: skip


class DocumentsRefused(PermanentError):
    """Some documents were refused. All others are stored."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        first = "; ".join(f"{r.place} ({r.id}): {r.type}: {r.reason}" for r in loaded.first_refused)
        super().__init__(
            f"{loaded.refused:,} of {loaded.documents:,} documents were refused by the index {loaded.index!r}, the first: "
            f"{first}. They are listed with the reasons in {loaded.refused_file}. Correct them and load the file again."
        )


@step("load {documents.source.path} into {index}")
def apply_documents(
    settings: ElasticSettings,
    index: str,
    documents: CheckedDocuments,
    deadline: Deadline,
    *,
    refused_file: Path,
) -> Loaded:
    """Store every document of a checked file. An index that carries the mark of this data is left alone.

    Args:
        settings: the target.
        index: an existing index; its default pipeline is run.
        documents: from `read_checked_documents`.
        deadline: for all of them.
        refused_file: where documents go that are refused for good, as JSON lines; written only if there are any.

    Returns:
        What was done. Look at `refused`: the mark of the data is only set when there are none.

    Raises:
        InvalidInput: the index is not there.
        NotOurs: it does not carry our mark.
        CannotWrite: the refused documents have no room on this machine.
        DiskFull: the disk of a node is almost full, and stays so for a minute; what was sent is kept.
        DeadlinePassed: what was sent is kept; the same command sends everything again, which stores nothing twice.
    """
    there = index_of_ours(settings, index)
    if there.content == documents.content and count(settings, index) >= documents.documents:
        say(f"The index {index} already holds these {documents.documents:,} documents.")
        return Loaded.nothing(index, documents)
    if there.content:
        set_marks(settings, index, content=None)
    load = _Load(settings, index, refused_file)
    bulks = map(
        _Bulk,
        batches(read_documents(documents.source), most=MOST_DOCUMENTS, most_bytes=MOST_BYTES, size_of=_size),
    )
    with load.aside as aside:
        attempt_each(
            f"load {documents.source.path.name} into {index}", bulks, load.send, deadline,
            total=documents.documents + documents.repeated, outcome="sent", unit="documents",
        )  # fmt: skip
    loaded = Loaded(
        index=index, documents=documents.documents, created=load.created, updated=load.updated, repeated=documents.repeated, requests=load.requests, throttled=load.throttled,
        refused=aside.count, first_refused=tuple(aside.first), refused_file=refused_file if aside.count else None, unchanged=False,
    )  # fmt: skip
    refresh(settings, index)
    if not loaded.refused:
        set_marks(settings, index, content=documents.content)
        if others := count(settings, index) - documents.documents:
            say(
                f"The index {index} also holds {others:,} {'document that is' if others == 1 else 'documents that are'} not in the file. {'It is' if others == 1 else 'They are'} kept."
            )
    return loaded


class _Bulk:
    """Documents that go in one request, and what of them is still to be sent."""

    def __init__(self, documents: list[Document]) -> None:
        self._length = len(documents)
        # The last of a repeated id alone: sent again, an earlier one would overwrite it.
        self.waiting = list({document.id: document for document in documents}.values())

    def __len__(self) -> int:
        return self._length


class _Load:
    """Sends bulks and counts what came of them."""

    def __init__(self, settings: ElasticSettings, index: str, refused_file: Path) -> None:
        self._client = connect(settings).options(request_timeout=BULK_SECONDS)
        self._index, self.aside, self._disk = index, _Aside(refused_file), DiskBlock(index)
        self.created = self.updated = self.requests = self.throttled = 0

    def send(self, bulk: _Bulk) -> Look[bool]:
        """Send what is still waiting. Done when every document is stored or refused for good."""
        operations: list[Any] = []
        for document in bulk.waiting:
            operations += ({"index": {"_id": document.id}}, document.text)
        self.requests += 1
        with calling(f"load documents into {self._index}"):
            answer = self._client.bulk(index=self._index, operations=operations)
        results = [item["index"] for item in answer["items"]]
        bulk.waiting = [
            document
            for document, result in zip(bulk.waiting, results, strict=True)
            if not self._is_settled(document, result)
        ]
        self.throttled += len(bulk.waiting)
        blocked = next(filter(None, map(_disk_block, results)), "")
        self._disk.see(blocked)
        if blocked:
            return Look(f"{len(bulk.waiting)} not stored: {blocked}")
        if bulk.waiting:
            first = next(result for result in results if result["status"] in _LATER)
            kind, reason = reason_of(first.get("error") or {})
            return Look(f"{len(bulk.waiting)} throttled ({first['status']} {kind}: {reason})")
        return Look("stored", value=True, done=True)

    def _is_settled(self, document: Document, result: dict[str, Any]) -> bool:
        if result["status"] in _LATER:
            return False
        if "error" in result:
            kind, reason = reason_of(result["error"])
            self.aside.keep(
                document,
                Refused(
                    place=document.place, id=document.id, status=result["status"], type=kind, reason=reason
                ),
            )
        elif result["result"] == "created":
            self.created += 1
        else:
            self.updated += 1
        return True


def _disk_block(result: dict[str, Any]) -> str:
    """Why a document was not stored, if the reason is a full disk."""
    kind, reason = reason_of(result.get("error") or {})
    return reason if (result["status"], kind) == DISK_BLOCK else ""


def _size(document: Document) -> int:
    return len(document.text)


class _Aside:
    """The file of refused documents, begun with the first of them, and there when the load has ended."""

    def __init__(self, path: Path) -> None:
        self.count, self.first = 0, list[Refused]()
        self._path, self._opened = path, ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def keep(self, document: Document, refused: Refused) -> None:
        """Write one down."""
        if self._file is None:
            self._file = self._opened.enter_context(whole_file(self._path))
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(refused)
        row = {
            "place": refused.place, "id": refused.id, "status": refused.status,
            "type": refused.type, "reason": refused.reason, "document": orjson.Fragment(document.text),
        }  # fmt: skip
        self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
