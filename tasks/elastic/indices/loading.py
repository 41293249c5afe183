"""Bulk load of documents from a file into an index: each sent at least once, stored once, the rejected ones set aside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tasks.batches import attempt_each, batches
from tasks.elastic.data.documents import CheckedDocuments, read_documents
from tasks.elastic.indices.bulks import (
    IN_FLIGHT,
    MOST_BYTES,
    MOST_DOCUMENTS,
    MOST_EMBEDDED,
    Aside,
    Bulk,
    BulkLoad,
    Refused,
    size,
)
from tasks.elastic.indices.indices import IndexState, count, index_of_ours, refresh, set_marks
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.measures.pace import Pace
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look


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


_REMEDIES = {
    ("document_parsing_exception", "mapper_parsing_exception"): (
        "A value does not fit the type of its field, which is often guessed from the first value that came. Map the field with "
        "--mapping FILE (another type, a date's `format`, or `ignore_malformed`) and load under a new name, or correct the documents"
    ),
    ("strict_dynamic_mapping_exception",): (
        "The mapping takes no other fields. Add them to --mapping FILE, or set `dynamic` there, and load under a new name"
    ),
    ("illegal_argument_exception",): (
        'Where a limit is the reason, raise it with --settings FILE, as {"index.mapping.total_fields.limit": 2000}, or map what '
        "varies as `flattened` or `enabled: false` with --mapping FILE; where two types conflict, map the field. Then load under a new name"
    ),
}
"""What to do about documents that are refused, by the type of the refusal."""


def _remedy(refused: tuple[Refused, ...]) -> str:
    found = dict.fromkeys(
        remedy for each in refused for types, remedy in _REMEDIES.items() if each.type in types
    )
    return " ".join(f"{remedy}." for remedy in found) or "Correct them and load the file again."


class DocumentsRefused(PermanentError):
    """Some documents were refused. All others are stored."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        first = "; ".join(f"{r.place} ({r.id}): {r.type}: {r.reason}" for r in loaded.first_refused)
        super().__init__(
            f"{loaded.refused:,} of {loaded.documents:,} documents were refused by the index {loaded.index!r}, the first: "
            f"{first}. They are listed with the reasons in {loaded.refused_file}. {_remedy(loaded.first_refused)}"
        )


def _pace(index: IndexState, documents: CheckedDocuments) -> tuple[int, int]:
    """The most documents of a request, and the most requests in flight."""
    kinds = {field.get("type") for field in index.properties.values()}
    pipelines = {index.default_pipeline, index.final_pipeline} - {None, "_none"}
    if pipelines or "semantic_text" in kinds:
        return MOST_EMBEDDED, 1  # the model is the limit, and its queue rejects what comes too fast
    # The last of a repeated id must also come last, so there each request waits for the one before.
    return MOST_DOCUMENTS, 1 if documents.repeated else IN_FLIGHT


@step("load {documents.source.path} into {index}")
def apply_documents(
    settings: ElasticSettings,
    index: str,
    documents: CheckedDocuments,
    deadline: Deadline,
    *,
    refused_file: Path,
    pace: Pace | None = None,
) -> Loaded:
    """Store every document of a checked file. An index that carries the mark of this data is left alone.

    Args:
        settings: the target.
        index: an existing index; its default pipeline is run.
        documents: from `read_checked_documents`.
        deadline: for all of them.
        refused_file: where documents go that are refused for good, as JSON lines; written only if there are any.
        pace: takes note of how fast documents go; None where nobody looks at it.

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
    aside = Aside(refused_file)
    load = BulkLoad(settings, index, aside)
    most, in_flight = _pace(there, documents)
    bulks = map(
        Bulk, batches(read_documents(documents.source), most=most, most_bytes=MOST_BYTES, size_of=size)
    )

    def send(bulk: Bulk) -> Look[bool]:
        look = load.send(bulk)
        if pace is not None:
            stored = load.created + load.updated + aside.count
            pace.see(documents.source.path.name, stored, rejected=load.throttled)
        return look

    if pace is not None:
        pace.see(documents.source.path.name, 0)
    with aside:
        attempt_each(
            f"load {documents.source.path.name} into {index}", load.ahead(bulks, in_flight), send, deadline,
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
