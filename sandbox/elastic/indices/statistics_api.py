"""Refreshes and statistics: the index APIs that need the documents, which are kept in rooms above this one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sandbox.elastic import errors
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.wire.cat import cat_size, table
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_METRICS = ("docs", "store", "search")
_NOT_COUNTED = frozenset(
    [
        "bulk",
        "completion",
        "dense_vector",
        "fielddata",
        "flush",
        "get",
        "indexing",
        "merge",
        "mappings",
        "query_cache",
        "recovery",
        "refresh",
        "request_cache",
        "segments",
        "shard_stats",
        "sparse_vector",
        "translog",
        "warmer",
    ]
)
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

    def open_contexts(self, index: Index) -> int:
        """How many scrolls and points in time hold the index."""
        ...

    def searches(self, index: Index) -> tuple[int, float]:
        """How many searches ran since the server started, and the seconds that they took."""
        ...

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
        level = request.text("level", "indices")
        if level not in ("cluster", "indices", "shards"):
            problem = f"level parameter must be one of [cluster] or [indices] or [shards] but was [{level}]"
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=problem)
        wanted = _metrics(request)
        shown, parts = {}, []
        for index in self._indices.named_by(request, "metadata_read"):
            parts.append(self._of(index, wanted))
            last = self._stored.last_sequence_number(index)
            sequence = {"max_seq_no": last, "local_checkpoint": last, "global_checkpoint": last}
            shard = {**parts[-1], "seq_no": sequence, "routing": {"state": "STARTED", "primary": True}}
            shards = {"shards": {"0": [shard]}} if level == "shards" else {}
            about = {"uuid": index.uuid, "health": index.health, "status": "open"}
            shown[index.name] = {**about, "primaries": parts[-1], "total": parts[-1], **shards}
        total = _summed(parts)
        reply: dict[str, Any] = {"_shards": _SHARDS, "_all": {"primaries": total, "total": total}}
        return reply if level == "cluster" else {**reply, "indices": shown}

    def _of(self, index: Index, wanted: Collection[str]) -> dict[str, dict[str, int]]:
        count, deleted = self._visible.counts(index)
        size = self._stored.bytes(index)
        queries, seconds = self._visible.searches(index)
        found = {
            "docs": {"count": count, "deleted": deleted, "total_size_in_bytes": size},
            "store": {"size_in_bytes": size, "total_data_set_size_in_bytes": size, "reserved_in_bytes": 0},
            "search": {
                "open_contexts": self._visible.open_contexts(index),
                "query_total": queries,
                "query_time_in_millis": int(seconds * 1000),
                "query_current": 0,
            },
        }
        return {name: part for name, part in found.items() if name in wanted}

    def cat_indices(self, request: Request) -> Reply:
        """`GET /_cat/indices`."""
        rows = []
        for index in self._indices.named_by(request, "metadata_read"):
            count, deleted = self._visible.counts(index)
            size = cat_size(request, self._stored.bytes(index))
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
        health = request.text("health")
        return table(request, [row for row in rows if health in ("", row["health"])])


def _metrics(request: Request) -> Collection[str]:
    """The metrics of a path that are imitated.

    Raises:
        Refusal: one is unknown, or known and not imitated.
    """
    given = request.params.get("metric", "_all").split(",")
    if "_all" in given:
        return _METRICS
    for name in given:
        if name not in (*_METRICS, *_NOT_COUNTED):
            raise indices_errors.UNKNOWN_METRIC.refusal(path=request.path, metric=name)
        if name in _NOT_COUNTED:
            raise indices_errors.METRIC_NOT_IMITATED.refusal(metric=name)
    return given


def _summed(parts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for part in parts:
        for metric, values in part.items():
            total = found.setdefault(metric, dict.fromkeys(values, 0))
            for name, value in values.items():
                total[name] += value
    return found
