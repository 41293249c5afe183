"""Bulk load of documents from a file into an index: each sent at least once, stored once, the refused ones kept aside.

Elasticsearch answers for every document of a bulk apart: what was throttled (429) is sent again, what it will never take is
written to a file with the reason, and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import orjson

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling, reason_of
from tasks.elastic.data.documents import CheckedDocuments, Document, canonical, read_documents
from tasks.elastic.indices.indices import count, index_of_ours, refresh, set_marks
from tasks.elastic.settings import ElasticSettings
from tasks.errors import DeadlinePassed, PermanentError, TransientError
from tasks.progress import Progress, say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

MOST_DOCUMENTS = 500
MOST_BYTES = 5_000_000
"""Elastic's advice is 5 to 15 MB a bulk."""
BULK_SECONDS = 120.0
_LATER = (429, 503)
_SHOWN = 3


@dataclass(frozen=True)
class Refused:
    """A document that the cluster will never take as it is."""

    line: int
    id: str
    status: int
    type: str
    reason: str


@dataclass(frozen=True)
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
    """Documents that will never be taken as they are."""
    first_refused: tuple[Refused, ...]
    refused_file: Path | None
    """Where the refused documents stand, with reasons; None when there are none."""
    unchanged: bool
    """The index held exactly these data already: nothing was sent."""


class DocumentsRefused(PermanentError):
    """Some documents were not taken. All others are stored."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        first = "; ".join(f"line {r.line} ({r.id}): {r.type}: {r.reason}" for r in loaded.first_refused)
        super().__init__(
            f"{loaded.refused:,} of {loaded.documents:,} documents were refused by the index {loaded.index!r}, the first: "
            f"{first}. They stand with their reasons in {loaded.refused_file}; mend them and load the file again."
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
    """Store every document of a checked file. An index that bears the mark of these data is left alone.

    Args:
        settings: the target.
        index: the index, which is there; its default pipeline is run.
        documents: from `read_checked_documents`.
        deadline: for all of them.
        refused_file: where documents go that are refused for good, as JSON lines; written only if there are any.

    Returns:
        What was done. Look at `refused`: the mark of the data is only set when there are none.

    Raises:
        InvalidInput: the index is not there.
        NotOurs: it does not bear our mark.
        DeadlinePassed: what was sent stays; the same command sends all again, which stores nothing twice.
    """
    there = index_of_ours(settings, index)
    if there.content == documents.content and count(settings, index) >= documents.documents:
        say(f"The index {index} holds these {documents.documents:,} documents already.")
        return Loaded(index, documents.documents, 0, 0, documents.repeated, 0, 0, 0, (), None, unchanged=True)
    if there.content:
        set_marks(settings, index, content=None)
    load = _Load(settings, index, deadline)
    progress, sent = Progress(f"load {documents.source.path.name} into {index}"), 0
    whole = documents.documents + documents.repeated
    with _Aside(refused_file) as aside:
        for batch in batches(read_documents(documents.source)):
            if deadline.left <= 0:
                raise DeadlinePassed(
                    f"load into {index}",
                    seconds=deadline.seconds,
                    last_seen=f"{sent:,} of {whole:,} documents",
                )
            for document, refused in load.send(batch):
                aside.keep(document, refused)
            sent += len(batch)
            progress.count(sent, whole, "documents")
    loaded = Loaded(
        index, documents.documents, load.created, load.updated, documents.repeated, load.requests, load.throttled,
        aside.count, tuple(aside.first), refused_file if aside.count else None, unchanged=False,
    )  # fmt: skip
    refresh(settings, index)
    if not loaded.refused:
        set_marks(settings, index, content=documents.content)
        if others := count(settings, index) - documents.documents:
            say(f"The index {index} also holds {others:,} documents that are not in the file: they stay.")
    return loaded


def batches(
    documents: Iterable[Document], *, most: int = MOST_DOCUMENTS, most_bytes: int = MOST_BYTES
) -> Iterator[list[Document]]:
    """Cut documents into bulks, in their order, as large as both bounds allow; one that is larger goes alone."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        here = len(canonical(document.body))
        if batch and (len(batch) == most or size + here > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += here
    if batch:
        yield batch


class _Load:
    """Sends bulks and counts what came of them."""

    def __init__(self, settings: ElasticSettings, index: str, deadline: Deadline) -> None:
        self._client = connect(settings).options(request_timeout=BULK_SECONDS)
        self._index, self._deadline = index, deadline
        self.created = self.updated = self.requests = self.throttled = 0

    def send(self, batch: list[Document]) -> list[tuple[Document, Refused]]:
        """Send a batch until every document is stored or refused for good."""
        # The last of a repeated id alone: sent again, an earlier one would overwrite it.
        waiting = list({document.id: document for document in batch}.values())
        refused: list[tuple[Document, Refused]] = []
        what = f"load lines {batch[0].line:,} to {batch[-1].line:,} into {self._index}"
        attempt = partial(self._attempt, waiting, refused)
        try:
            done = attempt().done
        except TransientError:
            done = False
        if not done:
            wait_until(what, attempt, self._deadline)
        return refused

    def _attempt(self, waiting: list[Document], refused: list[tuple[Document, Refused]]) -> Look[bool]:
        operations: list[Any] = []
        for document in waiting:
            operations += ({"index": {"_id": document.id}}, document.body)
        self.requests += 1
        with calling(f"load documents into {self._index}"):
            answer = self._client.bulk(index=self._index, operations=operations)
        later: list[Document] = []
        for document, item in zip(tuple(waiting), answer["items"], strict=True):
            result: dict[str, Any] = item["index"]
            if result["status"] in _LATER:
                later.append(document)
            elif "error" in result:
                kind, reason = reason_of(result["error"])
                refused.append(
                    (document, Refused(document.line, document.id, result["status"], kind, reason))
                )
            elif result["result"] == "created":
                self.created += 1
            else:
                self.updated += 1
        waiting[:] = later
        self.throttled += len(later)
        if later:
            return Look(f"{len(later)} documents throttled")
        return Look("stored", value=True, done=True)


class _Aside:
    """The file of refused documents, begun with the first of them."""

    def __init__(self, path: Path) -> None:
        self.count, self.first = 0, list[Refused]()
        self._path, self._file = path, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, document: Document, refused: Refused) -> None:
        """Write one down."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(refused)
        row = {
            "line": refused.line, "id": refused.id, "status": refused.status,
            "type": refused.type, "reason": refused.reason, "document": document.body,
        }  # fmt: skip
        self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
