"""Bulk requests: what was throttled is sent again, what the cluster will never accept is set aside, the rest is stored.

Elasticsearch answers for every document of a bulk request separately.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import orjson

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import DISK_BLOCK, calling, reason_of
from tasks.elastic.data.documents import Document
from tasks.elastic.indices.full_disks import DiskBlock
from tasks.elastic.settings import ElasticSettings
from tasks.files import whole_file
from tasks.waiting import Look

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


class Keeps(Protocol):
    """Where documents go that are refused for good."""

    def keep(self, document: Document, refused: Refused) -> None:
        """Take one."""


class Bulk:
    """Documents that go in one request, and what of them is still to be sent."""

    def __init__(self, documents: list[Document]) -> None:
        self._length = len(documents)
        # The last of a repeated id alone: sent again, an earlier one would overwrite it.
        self.waiting = list({document.id: document for document in documents}.values())

    def __len__(self) -> int:
        return self._length


class BulkLoad:
    """Sends bulks and counts what came of them.

    Args:
        settings: the target.
        index: where the documents go.
        aside: where those go that are refused for good.
        pipeline: what they go through; None for the index's default pipeline.
    """

    def __init__(
        self, settings: ElasticSettings, index: str, aside: Keeps, *, pipeline: str | None = None
    ) -> None:
        self._pipeline = pipeline
        self._client = connect(settings).options(request_timeout=BULK_SECONDS)
        self._index, self._aside, self._disk = index, aside, DiskBlock(settings, index)
        self.created = self.updated = self.requests = self.throttled = 0

    def send(self, bulk: Bulk) -> Look[bool]:
        """Send what is still waiting. Done when every document is stored or refused for good."""
        operations: list[Any] = []
        for document in bulk.waiting:
            routing = {} if document.routing is None else {"routing": document.routing}
            operations += ({"index": {"_id": document.id, **routing}}, document.text)
        self.requests += 1
        with calling(f"load documents into {self._index}"):
            answer = self._client.bulk(index=self._index, operations=operations, pipeline=self._pipeline)
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
            self._aside.keep(
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


def size(document: Document) -> int:
    """Bytes of a document within a request."""
    return len(document.text)


class Aside:
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
