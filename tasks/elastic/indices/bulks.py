"""Bulk requests: what was throttled is sent again, what the cluster will never accept is set aside, the rest is stored.

Elasticsearch answers for every document of a bulk request separately.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

import orjson

from tasks.batches import ahead, in_background
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import DISK_BLOCK, calling, reason_of
from tasks.elastic.data.documents import Document
from tasks.elastic.indices.full_disks import DiskBlock
from tasks.elastic.settings import ElasticSettings
from tasks.files import whole_file
from tasks.waiting import Look

MOST_DOCUMENTS = 2000
MOST_EMBEDDED = 500
"""Most documents of one request, and of one whose documents are embedded on the way: there a request must end within `BULK_SECONDS`."""
MOST_BYTES = 5_000_000
"""Elastic advises 5 to 15 MB per bulk request."""
BULK_SECONDS = 120.0
IN_FLIGHT = 4
"""Bulk requests at once: as many as `elasticsearch.helpers.parallel_bulk` has threads."""
_LATER = (429, 503)
_ANSWER = "errors,items.*.status,items.*.result,items.*.error"
"""A third of the answer: all that is looked at ("Response filtering")."""
_SHOWN = 3

Answer = dict[str, Any]


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
        self.under_way: Future[Answer] | None = None
        """A request with them that was started before its answer is looked at."""

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

    def ahead(self, bulks: Iterable[Bulk], most: int) -> Iterator[Bulk]:
        """The bulks in their order, each with its request and up to ``most - 1`` after it under way.

        Only the first request of a bulk is made so: while one that was throttled waits, nothing more is started. Two requests may
        be carried out in any order, so no id may occur in two bulks.
        """
        return ahead(bulks, self.begin, most)

    def begin(self, bulk: Bulk) -> None:
        """Start its request; ``send`` looks at the answer."""
        bulk.under_way = in_background(partial(self._request, bulk.waiting))

    def send(self, bulk: Bulk) -> Look[bool]:
        """Send what is still waiting, or see what came of it. Done when every document is stored or refused for good."""
        self.requests += 1
        under_way, bulk.under_way = bulk.under_way, None
        answer = under_way.result() if under_way else self._request(bulk.waiting)
        results = [item["index"] for item in answer["items"]]
        if answer["errors"]:
            bulk.waiting = [
                document
                for document, result in zip(bulk.waiting, results, strict=True)
                if not self._is_settled(document, result)
            ]
        else:
            self._count(results)
            bulk.waiting = []
        self.throttled += len(bulk.waiting)
        blocked = next(filter(None, map(_disk_block, results)), "") if bulk.waiting else ""
        self._disk.see(blocked)
        if blocked:
            return Look(f"{len(bulk.waiting)} not stored: {blocked}")
        if bulk.waiting:
            first = next(result for result in results if result["status"] in _LATER)
            kind, reason = reason_of(first.get("error") or {})
            return Look(f"{len(bulk.waiting)} throttled ({first['status']} {kind}: {reason})")
        return Look("stored", value=True, done=True)

    def _request(self, documents: Sequence[Document]) -> Answer:
        # Put together here: the client would serialize every action for itself, in five times the time.
        lines = [b"%b\n%b\n" % (_action(id_, routing), text) for _, id_, text, routing in documents]
        with calling(f"load documents into {self._index}"):
            answer = self._client.bulk(
                index=self._index,
                operations=[b"".join(lines)],  # pyright: ignore[reportArgumentType] -- bytes are sent as they are
                pipeline=self._pipeline,
                filter_path=_ANSWER,
            )
        return answer.body

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
        else:
            self._count([result])
        return True

    def _count(self, stored: Sequence[dict[str, Any]]) -> None:
        created = [result["result"] for result in stored].count("created")
        self.created += created
        self.updated += len(stored) - created


def _action(id_: str, routing: str | None) -> bytes:
    if routing is None:
        return b'{"index":{"_id":%b}}' % orjson.dumps(id_)
    return orjson.dumps({"index": {"_id": id_, "routing": routing}})


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
