"""Which part of a write goes through which ingest pipelines. How pipelines run is defined in the ingest room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index


@dataclass
class Ingested:
    """A document on its way through ingest pipelines, which may change everything except the pipelines' names."""

    index: str
    id: str | None
    source: dict[str, Any]
    pipelines: tuple[str, ...]
    """The request's pipeline or the index's default_pipeline, then its final_pipeline; never empty."""
    routing: str | None = None
    version: int | None = None


Ingest = Callable[[list[Ingested]], list[Ingested | Refusal | None]]
"""Runs the documents of a whole bulk request; returns what became of each, None if it was dropped."""


def before_pipelines(operation: Operation, index: Index | None) -> Ingested | None:
    """The document as its pipelines receive it; None if there are none.

    Deletions do not go through pipelines. Of updates the document to insert does, whether or not it is needed.
    """
    document = _seen(operation)
    pipelines = _pipelines(operation, index) if document is not None else ()
    if not pipelines or document is None:
        return None
    return Ingested(operation.index, operation.id, document, pipelines, operation.routing, operation.version)


def after_pipelines(operation: Operation, result: Ingested) -> Operation:
    """The write, with its document as the pipelines left it."""
    if operation.action == "update":
        return replace(operation, source={**operation.source, _new_part(operation): result.source})
    return replace(operation, source=result.source, text=None, index=result.index, id=result.id)


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
