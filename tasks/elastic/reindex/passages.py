"""Documents copied into a new index with their texts cut into passages, which `apply_repair` then embeds there.

A cluster cuts texts in an ingest pipeline only by a script, so they are cut on this side; inference, the expensive part, stays in the
cluster. A run that continues copies the documents that are not there yet, and leaves the others with their embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch.helpers import scan

from tasks.batches import attempt_each, batches
from tasks.elastic.cluster.cluster import vectors_in_source
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.connection.clients import connect_unrounded
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.documents import Document
from tasks.elastic.indices.bulks import MOST_BYTES, MOST_DOCUMENTS, Bulk, BulkLoad, Refused, size
from tasks.elastic.indices.indices import count, index_of_ours, refresh, refresh_source
from tasks.elastic.indices.passages import with_passages
from tasks.elastic.indices.pipelines import FAILURE_FIELD
from tasks.elastic.reindex.batch_plans import ReindexSpec
from tasks.elastic.reindex.copying import MOST_FAILURES, Reindexed, ReindexFailed
from tasks.elastic.reindex.semantic import absent
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rewritten
from tasks.steps import step
from tasks.waiting import Deadline

_PAGE = 100
"""Documents that are read at a time: long ones, of which a page is held in memory."""
_SCROLL = "30m"
"""How long the place in the source is kept while a page is stored; a cluster that is throttled takes its time."""


@dataclass(frozen=True)
class Cut:
    """What a copy with passages did."""

    copied: Reindexed
    passages: int
    """Of all documents, also those that were there."""

    @property
    def of_a_document(self) -> float:
        """Passages on average."""
        return self.passages / max(1, self.copied.wanted)


@step("cut the texts of {spec.source} into {spec.dest}")
def apply_passages_copy(
    settings: ElasticSettings,
    spec: ReindexSpec,
    words: int,
    deadline: Deadline,
    remote: ElasticSettings | None = None,
) -> Cut:
    """Copy every document of the source into the new index, with passages that have no embedding yet.

    Args:
        settings: the target.
        spec: what is copied into what; its fields are in passages.
        words: in a passage at most.
        deadline: for all documents.
        remote: the cluster that the source is in; None for the same one.

    Returns:
        What was done; `apply_repair` comes next. An index that carries the mark of its content is left alone.

    Raises:
        ReindexFailed: more than `MOST_FAILURES` documents are refused.
        DiskFull: the disk of a node is almost full; what was copied is kept.
        DeadlinePassed: what was copied is kept; the same command continues.
    """
    if index_of_ours(settings, spec.dest).content:
        return Cut(Reindexed.found(count(settings, spec.dest)), 0)
    source = remote or settings
    refresh_source(source, spec.source)
    refresh(settings, spec.dest)
    wanted = count(source, spec.source, spec.query)
    there = count(settings, spec.dest)
    refused = _Refused(spec, there, wanted)
    load = BulkLoad(settings, spec.dest, refused)
    reading = _Reading(settings, source, spec, words)
    bulks = map(Bulk, batches(reading.missing(), most=MOST_DOCUMENTS, most_bytes=MOST_BYTES, size_of=size))
    attempt_each(
        f"cut the texts of {spec.source}", bulks, load.send, deadline,
        total=wanted - there, outcome="copied", unit="documents",
    )  # fmt: skip
    refresh(settings, spec.dest)
    copied = Reindexed(
        documents=count(settings, spec.dest),
        wanted=max(wanted, reading.documents),
        adopted=(),
        started=(),
        refused=tuple(refused.failures),
    )
    return Cut(copied, reading.passages)


class _Refused:
    """The documents that the new index will never accept."""

    def __init__(self, spec: ReindexSpec, there: int, wanted: int) -> None:
        self._spec, self._there, self._wanted = spec, there, wanted
        self.failures = list[Failure]()

    def keep(self, document: Document, refused: Refused) -> None:
        """Note one, unless there are too many."""
        del document
        self.failures.append(Failure(refused.id, refused.type, refused.reason, refused.status))
        if len(self.failures) > MOST_FAILURES:
            raise ReindexFailed(
                self._spec, there=self._there, wanted=self._wanted, failures=tuple(self.failures)
            )


class _Reading:
    """Reads the source once."""

    def __init__(
        self, settings: ElasticSettings, source: ElasticSettings, spec: ReindexSpec, words: int
    ) -> None:
        self._settings, self._source, self._spec, self._words = settings, source, spec, words
        self.documents = self.passages = 0

    def missing(self) -> Iterator[Document]:
        """The documents that the new index does not have."""
        page: list[tuple[str, Document]] = []
        for hit in self._hits():
            body, cut = with_passages(hit["_source"], self._spec.fields, self._words)
            self.documents, self.passages = self.documents + 1, self.passages + cut
            page.append(
                (
                    hit["_id"],
                    Document(hit["_id"], hit["_id"], self._text(hit["_id"], body), hit.get("_routing")),
                )
            )
            if len(page) == _PAGE:
                yield from self._absent(page)
                page = []
        yield from self._absent(page)

    def _text(self, id_: str, body: dict[str, Any]) -> bytes:
        """The document as it is sent: every number is written as in the source."""
        try:
            return rewritten(body)
        except NotExact as error:
            raise InvalidInput(
                f"This document of {self._spec.source} cannot be copied without changing it: it has {error}", value=id_,
                remedy="Correct it in the source, or leave it out with --source-query.",
            ) from error  # fmt: skip

    def _hits(self) -> Iterator[dict[str, Any]]:
        spec = self._spec
        excluded = [FAILURE_FIELD, *(field.made for field in spec.fields), *(spec.leave_out or ())]
        body: dict[str, Any] = {"_source": {"excludes": excluded, **vectors_in_source(self._source)}}
        if spec.query:
            body["query"] = spec.query
        with calling(f"read the documents of {spec.source}"):
            yield from scan(
                connect_unrounded(self._source), index=spec.source, query=body, size=_PAGE, scroll=_SCROLL
            )

    def _absent(self, page: list[tuple[str, Document]]) -> Iterator[Document]:
        ids = set(absent(self._settings, self._spec.dest, [id_ for id_, _ in page]))
        yield from (document for id_, document in page if id_ in ids)
