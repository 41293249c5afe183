"""Reindex into semantic_text fields, which are embedded by the index itself, also after a crashed run.

No pipeline runs: the cluster embeds what it stores, before it finds out that a document is already there. So a run that
continues names the missing documents by their ids, read from both indices; nothing embedded is embedded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from elasticsearch.helpers import scan

from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import TRANSIENT_STATUSES, calling
from tasks.elastic.indices.indices import count, index_of_ours
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.reindex.copying import Copying, Reindexed, send
from tasks.elastic.reindex.passes import Passes
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted
from tasks.measures.pace import Pace
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline

KIND = "semantic"
MOST_IDS = 5_000
"""Missing documents that one task names: a request of well under a megabyte."""
_PAGE = 1_000
_LATER = (*TRANSIENT_STATUSES, 409, 500)
"""After these a document whose inference failed may be accepted: the model starts, or its queue was full."""


@step("embed {spec.source} into the semantic_text fields of {spec.dest}")
def apply_semantic_reindex(
    settings: ElasticSettings,
    spec: ReindexSpec,
    plan: BatchPlan,
    deadline: Deadline,
    when_interrupted: WhenInterrupted = "leave-running",
    remote: ElasticSettings | None = None,
    pace: Pace | None = None,
) -> Reindexed:
    """Copy every document of the source into an index that embeds it as it is stored.

    A task that an earlier run started is followed, not started again. An index that carries the mark of its content is left alone.
    `pace` takes note of how fast documents go.

    Raises:
        ReindexFailed, TaskCancelled, TaskFailed, DiskFull, DeadlinePassed: as `Copying.run`.
    """
    if index_of_ours(settings, spec.dest).content:
        return Reindexed.found(count(settings, spec.dest))
    passes = Passes(
        settings=settings,
        spec=spec,
        plan=plan,
        deadline=deadline,
        when_interrupted=when_interrupted,
        remote=remote,
        pace=pace,
    )
    return _SemanticReindex(passes).run()


class _SemanticReindex(Copying):
    kinds = (KIND,)

    def start(self, *, is_first: bool) -> str | None:
        plan = self.passes.plan
        if is_first:
            some = {"query": self.spec.query} if self.spec.query else {}
            return send(
                self.settings,
                self.spec,
                KIND,
                source={"size": plan.size, **some},
                dest={},
                slices=plan.slices,
                remote=self.passes.remote,
            )
        wanted = (
            id_
            for id_ in missing(self.settings, self.spec, self.passes.source_settings)
            if id_ not in self.refused
        )
        ids = list(islice(wanted, MOST_IDS))
        if not ids:
            return None
        say(f"{counted(len(ids), 'document')} of {self.spec.source} still missing. Embedding these.")
        source = {"size": plan.size, "query": {"ids": {"values": ids}}}
        return send(
            self.settings, self.spec, KIND, source=source, dest={}, slices=1, remote=self.passes.remote
        )

    def passes_later(self, failure: Failure) -> bool:
        return failure.status in _LATER


def missing(settings: ElasticSettings, spec: ReindexSpec, source: ElasticSettings) -> Iterator[str]:
    """The ids of the source's documents that the new index does not have. Reads ids only.

    Args:
        settings: the target.
        spec: what is copied into what.
        source: the cluster that the source is in.
    """
    client = connect(source)
    page: list[str] = []
    with calling(f"list the documents of {spec.source}"):
        some = {"query": spec.query} if spec.query else {}
        for hit in scan(client, index=spec.source, query={"_source": False, **some}, size=_PAGE):
            page.append(hit["_id"])
            if len(page) == _PAGE:
                yield from absent(settings, spec.dest, page)
                page = []
    yield from absent(settings, spec.dest, page)


def absent(settings: ElasticSettings, index: str, ids: Sequence[str]) -> list[str]:
    """Those of the ids that an index does not have, as its searches see it."""
    if not ids:
        return []
    with calling(f"read which documents are in {index}"):
        found = connect(settings).search(
            index=index,
            query={"ids": {"values": list(ids)}},
            size=len(ids),
            source=False,
            allow_partial_search_results=False,  # what a shard does not answer for is not absent
        )
    there = {hit["_id"] for hit in found["hits"]["hits"]}
    return [id_ for id_ in ids if id_ not in there]
