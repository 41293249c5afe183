"""Pipelines run: all documents of a bulk together, processor by processor, so that inference gets them all at once.

The real service starts one document after the other without waiting, which has the same effect. A failed or dropped
document does not reach later processors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sandbox.elastic.documents.ingesting import Ingested
from sandbox.elastic.errors import Refusal
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.field_paths import IngestDocument, java_type

Act = Callable[["Run", Sequence[IngestDocument]], "list[Refusal | None]"]
"""Processes documents; returns for each why it failed, or None."""


@dataclass
class IngestCounts:
    """The counts of a pipeline or processor since the server started."""

    count: int = 0
    seconds: float = 0.0
    """Counted once per batch, not per document."""
    current: int = 0
    failed: int = 0

    def shown(self) -> dict[str, int]:
        """The counts as clients see them."""
        return {
            "count": self.count,
            "time_in_millis": int(self.seconds * 1000),
            "current": self.current,
            "failed": self.failed,
        }


@dataclass
class Step:
    """One executable processor of a pipeline."""

    kind: str
    tag: str | None
    act: Act
    ignore_failure: bool = False
    on_failure: tuple[Step, ...] = ()
    counts: IngestCounts = field(default_factory=IngestCounts)

    def statistics(self) -> dict[str, Any]:
        """The counts, under kind and tag."""
        name = f"{self.kind}:{self.tag}" if self.tag else self.kind
        return {name: {"type": self.kind, "stats": self.counts.shown()}}


@dataclass
class Pipeline:
    """One executable pipeline."""

    id: str
    steps: tuple[Step, ...]
    on_failure: tuple[Step, ...] = ()
    counts: IngestCounts = field(default_factory=IngestCounts)

    def statistics(self) -> dict[str, Any]:
        """The counts of the pipeline and its processors; bytes are not counted."""
        return {
            **self.counts.shown(),
            "ingested_as_first_pipeline_in_bytes": 0,
            "produced_as_first_pipeline_in_bytes": 0,
            "processors": [step.statistics() for step in self.steps],
        }


class Watcher(Protocol):
    """Sees every processor's result, for verbose simulation."""

    def saw(self, step: Step, document: IngestDocument, status: str, failure: Refusal | None) -> None:
        """Called after a processor has handled a document."""


@dataclass
class Run:
    """One run of documents through pipelines."""

    find: Callable[[str], Pipeline | None]
    watcher: Watcher | None = None

    def pipeline(self, pipeline: Pipeline, documents: Sequence[IngestDocument]) -> None:
        """Run documents through a pipeline; failures are recorded on them."""
        began = time.monotonic()
        for document in documents:
            document.within.append(pipeline.id)
            document.ingest["pipeline"] = pipeline.id
        pipeline.counts.current += len(documents)
        self.steps(pipeline.steps, documents)
        failed = [document for document in documents if document.error]
        if pipeline.on_failure:
            for document in failed:
                self._recover(pipeline.on_failure, document)
        pipeline.counts.current -= len(documents)
        pipeline.counts.count += len(documents)
        pipeline.counts.failed += sum(document.error is not None for document in documents)
        pipeline.counts.seconds += time.monotonic() - began
        for document in documents:
            document.within.pop()
            if document.within:
                document.ingest["pipeline"] = document.within[-1]

    def steps(self, steps: Sequence[Step], documents: Sequence[IngestDocument]) -> None:
        """Run documents through processors, one after the other; failures are recorded on them."""
        for step in steps:
            batch = [document for document in documents if document.alive]
            if not batch:
                return
            began = time.monotonic()
            step.counts.current += len(batch)
            failures = step.act(self, batch)
            step.counts.current -= len(batch)
            step.counts.seconds += time.monotonic() - began
            step.counts.count += len(batch)
            for document, failure in zip(batch, failures, strict=True):
                self._after(step, document, failure)

    def _after(self, step: Step, document: IngestDocument, failure: Refusal | None) -> None:
        if failure is None:
            self._tell(step, document, "dropped" if document.dropped else "success", None)
            return
        step.counts.failed += 1
        if step.ignore_failure:
            self._tell(step, document, "error_ignored", failure)
            return
        self._tell(step, document, "error", failure)
        document.error = failure
        document.ingest["on_failure_message"] = failure.reason
        document.ingest["on_failure_processor_type"] = step.kind
        document.ingest["on_failure_processor_tag"] = step.tag
        document.ingest["on_failure_pipeline"] = document.within[-1]
        if step.on_failure:
            self._recover(step.on_failure, document)

    def _recover(self, steps: tuple[Step, ...], document: IngestDocument) -> None:
        document.error = None
        self.steps(steps, [document])
        if document.error is None:
            for name in [name for name in document.ingest if name.startswith("on_failure_")]:
                del document.ingest[name]

    def _tell(self, step: Step, document: IngestDocument, status: str, failure: Refusal | None) -> None:
        if self.watcher:
            self.watcher.saw(step, document, status, failure)


def inner_pipeline(name: str, ignore_missing: bool) -> Act:
    """The `pipeline` processor; the name may be a template."""

    def act(run: Run, documents: Sequence[IngestDocument]) -> list[Refusal | None]:
        groups: dict[str, list[IngestDocument]] = {}
        for document in documents:
            groups.setdefault(document.rendered(name), []).append(document)
        for target, group in groups.items():
            found = run.find(target)
            cyclic = [document for document in group if target in document.within]
            for document in cyclic:
                document.error = ingest_errors.PIPELINE_CYCLE.refusal(pipeline=target)
            if found:
                run.pipeline(found, [document for document in group if document not in cyclic])
            elif not ignore_missing:
                for document in group:
                    document.error = ingest_errors.NO_SUCH_INNER_PIPELINE.refusal(pipeline=target)
        failures = [document.error for document in documents]
        for document in documents:
            document.error = None
        return failures

    return act


def each_element(field: str, step: Step, ignore_missing: bool) -> Act:
    """The `foreach` processor: a processor for every element of a list, or value of an object, as `_ingest._value`.

    The first element that fails ends it, and the field is left as it was.
    """

    def act(run: Run, documents: Sequence[IngestDocument]) -> list[Refusal | None]:
        return [_failure(lambda document: change(run, document), document) for document in documents]

    def change(run: Run, document: IngestDocument) -> None:
        if ignore_missing and document.get(field, None) is None:
            return
        found = document.get(field)
        if found is None:
            raise ingest_errors.FOREACH_NULL.refusal(path=field)
        if not isinstance(found, list | dict):
            raise ingest_errors.FOREACH_NOT_A_LIST.refusal(path=field, type=java_type(found))
        if isinstance(found, list):
            document.set(field, [_element(run, document, step, None, value) for value in found])
            return
        pairs = [
            (_element(run, document, step, key, value), document.ingest["_key"])
            for key, value in found.items()
        ]
        document.set(field, {key: value for value, key in pairs})

    return act


def _element(run: Run, document: IngestDocument, step: Step, key: str | None, value: Any) -> Any:
    """An element after a processor has changed it."""
    outer = {name: document.ingest.pop(name) for name in ("_key", "_value") if name in document.ingest}
    document.ingest |= {"_value": value} | ({} if key is None else {"_key": key})
    run.steps([step], [document])
    changed = document.ingest.pop("_value", None)
    document.ingest |= outer
    if failure := document.error:
        document.error = None
        raise failure
    return changed


def each_document(change: Callable[[IngestDocument], None]) -> Act:
    """A processor that handles one document at a time."""

    def act(run: Run, documents: Sequence[IngestDocument]) -> list[Refusal | None]:
        del run
        return [_failure(change, document) for document in documents]

    return act


def _failure(change: Callable[[IngestDocument], None], document: IngestDocument) -> Refusal | None:
    try:
        change(document)
    except Refusal as refusal:
        return refusal
    return None


def timestamp() -> str:
    """The current time, as `_ingest.timestamp` shows it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def ingested(
    find: Callable[[str], Pipeline | None], documents: list[Ingested]
) -> list[Ingested | Refusal | None]:
    """Run documents through their pipelines; returns what became of each, None if it was dropped."""
    now = timestamp()
    passing = [
        IngestDocument(
            # A copy, because a refused document is retried in its original form.
            _copied(each.source),
            {"_index": each.index, "_id": each.id, "_routing": each.routing, "_version": each.version},
            {"timestamp": now},
        )
        for each in documents
    ]
    run = Run(find)
    rounds = max((len(each.pipelines) for each in documents), default=0)
    for number in range(rounds):
        groups: dict[str, list[IngestDocument]] = {}
        for each, document in zip(documents, passing, strict=True):
            if number < len(each.pipelines) and document.alive:
                groups.setdefault(each.pipelines[number], []).append(document)
        for name, group in groups.items():
            found = run.find(name)
            if found:
                run.pipeline(found, group)
            else:
                for document in group:
                    document.error = ingest_errors.NO_SUCH_PIPELINE.refusal(pipeline=name)
    return [_result(each, document) for each, document in zip(documents, passing, strict=True)]


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _result(given: Ingested, document: IngestDocument) -> Ingested | Refusal | None:
    if document.error:
        return document.error
    if document.dropped:
        return None
    metadata = document.metadata
    return Ingested(
        metadata["_index"],
        metadata["_id"],
        document.source,
        given.pipelines,
        metadata.get("_routing"),
        metadata.get("_version"),
    )
