"""Writes and their outcomes, whether they come from a single request, a bulk request or a reindex task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.elastic.errors import Refusal

MOST_ID_BYTES = 512
"""A longer id refuses the whole request, also of a bulk."""


@dataclass
class Operation:
    """One write."""

    action: Literal["index", "create", "update", "delete"]
    index: str
    """An index, or an alias with one write index; created if it does not exist."""
    id: str | None = None
    source: dict[str, Any] = field(default_factory=dict)
    """The document; for an update its body (`doc`, `doc_as_upsert`, `upsert`, ...)."""
    text: bytes | None = None
    """The document as it was written, whose numbers `_source` shows unchanged; None if there is no such text."""
    pipeline: str | None = None
    """None: the index's default_pipeline; `_none`: no pipeline."""
    if_seq_no: int | None = None
    if_primary_term: int | None = None
    version: int | None = None
    version_type: Literal["internal", "external", "external_gte"] = "internal"
    routing: str | None = None
    require_alias: bool = False
    is_single: bool = False
    """Whether it is an update in a request of its own, which writes the whole document; in a bulk only its parts are looked at."""


@dataclass
class Outcome:
    """The outcome of an operation."""

    operation: Operation
    index: str
    id: str | None
    status: int
    result: Literal["created", "updated", "deleted", "noop", "not_found", ""] = ""
    """Empty if there is an error."""
    version: int = 0
    seq_no: int = 0
    error: Refusal | None = None
    ingest_seconds: float | None = None
    """How long the pipelines of its request took; None if there was none for it."""
    copies: int = 1
    """Primary and replicas, as the index defines them."""

    def item(self) -> dict[str, Any]:
        """The item in a bulk's reply, below its action."""
        shown: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.error:
            return {**shown, "status": self.status, "error": self.error.item()}
        return {**shown, **self.written(), "status": self.status}

    def written(self) -> dict[str, Any]:
        """What a reply says about an accepted write."""
        return {
            "_version": self.version,
            "result": self.result,
            "_shards": {"total": self.copies, "successful": 1, "failed": 0},
            "_seq_no": self.seq_no,
            "_primary_term": 1,
        }
