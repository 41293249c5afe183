"""Refreshes and statistics: the index APIs that need the documents, which are kept in rooms above this one."""

from __future__ import annotations

from typing import Any, Protocol

from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.wire.cat import table
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_SHARDS = {"total": 1, "successful": 1, "failed": 0}


class Stored(Protocol):
    """The documents in the store."""

    def last_sequence_number(self, index: Index) -> int:
        """The last one assigned; -1 before the first write."""
        ...

    def bytes(self, index: Index) -> int:
        """The total size of the documents' sources."""
        ...


class Visible(Protocol):
    """The documents that searches see."""

    def refresh(self, index: Index) -> object:
        """Make everything written visible."""

    def counts(self, index: Index) -> tuple[int, int]:
        """The numbers of visible documents and of deleted ones not yet merged away."""
        ...


class IndexStatisticsApi:
    """Refreshes, statistics and `_cat/indices`."""

    def __init__(self, indices: Indices, stored: Stored, visible: Visible) -> None:
        self._indices = indices
        self._stored = stored
        self._visible = visible

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.refresh", "POST GET", "/_refresh", self.refresh),
            Route("indices.refresh", "POST GET", "/{index}/_refresh", self.refresh),
            Route("indices.forcemerge", "POST", "/{index}/_forcemerge", self.refresh),
            Route("indices.flush", "POST GET", "/{index}/_flush", self.refresh),
            Route("indices.stats", "GET", "/_stats", self.stats),
            Route("indices.stats", "GET", "/_stats/{metric}", self.stats),
            Route("indices.stats", "GET", "/{index}/_stats", self.stats),
            Route("indices.stats", "GET", "/{index}/_stats/{metric}", self.stats),
            Route("cat.indices", "GET", "/_cat/indices", self.cat_indices),
            Route("cat.indices", "GET", "/_cat/indices/{index}", self.cat_indices),
        )

    def refresh(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_refresh`; flush and forcemerge as well, which have nothing more to do here."""
        found = self._indices.named_by(request, "metadata_read")
        for index in found:
            self._visible.refresh(index)
        return {"_shards": {"total": len(found), "successful": len(found), "failed": 0}}

    def stats(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_stats`: counts, sequence numbers and the size of the store; nothing else."""
        shown = {}
        for index in self._indices.named_by(request, "metadata_read"):
            count, deleted = self._visible.counts(index)
            last = self._stored.last_sequence_number(index)
            shard = {
                "docs": {"count": count, "deleted": deleted},
                "store": {"size_in_bytes": self._stored.bytes(index)},
            }
            sequence = {"max_seq_no": last, "local_checkpoint": last, "global_checkpoint": last}
            shards = {"0": [{**shard, "seq_no": sequence, "routing": {"state": "STARTED", "primary": True}}]}
            both = {"primaries": shard, "total": shard}
            level = {"shards": shards} if request.text("level") == "shards" else {}
            shown[index.name] = {
                "uuid": index.uuid,
                "health": index.health,
                "status": "open",
                **both,
                **level,
            }
        total = {
            "docs": {
                "count": sum(each["primaries"]["docs"]["count"] for each in shown.values()),
                "deleted": sum(each["primaries"]["docs"]["deleted"] for each in shown.values()),
            },
            "store": {
                "size_in_bytes": sum(each["primaries"]["store"]["size_in_bytes"] for each in shown.values())
            },
        }
        return {"_shards": _SHARDS, "_all": {"primaries": total, "total": total}, "indices": shown}

    def cat_indices(self, request: Request) -> Reply:
        """`GET /_cat/indices`."""
        rows = []
        for index in self._indices.named_by(request, "metadata_read"):
            count, deleted = self._visible.counts(index)
            size = f"{self._stored.bytes(index)}b"
            rows.append(
                {
                    "health": index.health,
                    "status": "open",
                    "index": index.name,
                    "uuid": index.uuid,
                    "pri": index.settings["number_of_shards"],
                    "rep": index.settings["number_of_replicas"],
                    "docs.count": str(count),
                    "docs.deleted": str(deleted),
                    "store.size": size,
                    "pri.store.size": size,
                    "dataset.size": size,
                }
            )
        return table(request, rows)
