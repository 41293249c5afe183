"""What of a write goes through ingest pipelines, and through which ones. How they run is the ingest room's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index


@dataclass
class Ingested:
    """One document on its way through ingest pipelines. They may change all of it but the pipelines' names."""

    index: str
    id: str | None
    source: dict[str, Any]
    pipelines: tuple[str, ...]
    """The request's pipeline or the index's default_pipeline, then its final_pipeline; never empty."""
    routing: str | None = None
    version: int | None = None


Ingest = Callable[[list[Ingested]], list[Ingested | Refusal | None]]
"""A whole bulk at once, as inference sees it; for each document what became of it, None when it was dropped."""


def before_pipelines(operation: Operation, index: Index | None) -> Ingested | None:
    """The document as its pipelines get it; None if there are none.

    Of deletions they see nothing, of updates what would be a new document, whether it is needed or not.
    """
    document = _seen(operation)
    pipelines = _pipelines(operation, index) if document is not None else ()
    if not pipelines or document is None:
        return None
    return Ingested(operation.index, operation.id, document, pipelines, operation.routing, operation.version)


def after_pipelines(operation: Operation, result: Ingested) -> Operation:
    """The write with what the pipelines made of its document."""
    if operation.action == "update":
        return replace(operation, source={**operation.source, _new_part(operation): result.source})
    return replace(operation, source=result.source, index=result.index, id=result.id)


def _seen(operation: Operation) -> dict[str, Any] | None:
    if operation.action in ("index", "create"):
        return operation.source
    return operation.source.get(_new_part(operation)) if operation.action == "update" else None


def _new_part(operation: Operation) -> str:
    return "doc" if operation.source.get("doc_as_upsert") else "upsert"


def _pipelines(operation: Operation, index: Index | None) -> tuple[str, ...]:
    settings = index.settings if index else {}
    first = operation.pipeline or settings.get("default_pipeline")
    return tuple(name for name in (first, settings.get("final_pipeline")) if name and name != "_none")
