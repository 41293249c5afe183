"""Pipelines of Delta Sync indexes: a source table's rows become the index's, once for each sync that somebody triggers.

The state is computed when it is looked at. A sync takes the version that the table had when it began.
"""

from __future__ import annotations

import time
import uuid
from typing import Any, cast

import orjson

from sandbox.databricks import errors, schemas
from sandbox.databricks.calls import Body
from sandbox.databricks.clock import Clock
from sandbox.databricks.managed import EmbeddedTexts
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.store import Store
from sandbox.databricks.tables.delta import CHANGE_DATA_FEED, Tables

TRIGGERED = "TRIGGERED"


class Pipelines:
    """Makes, runs and shows the pipelines of indexes.

    Args:
        store: where rows of indexes are.
        clock: for what takes time.
        options: durations.
        tables: what is synced from.
        embedded: the vectors of texts that the service embeds.
    """

    def __init__(
        self, store: Store, clock: Clock, options: DatabricksOptions, tables: Tables, embedded: EmbeddedTexts
    ) -> None:
        self._store, self._clock, self._options, self._tables = store, clock, options, tables
        self._embedded = embedded

    def spec(self, given: Any, key: str, vectors: dict[str, int]) -> Body:
        """What an index is made with: its specification with a pipeline's id, and its columns.

        Raises:
            Refusal: the table is not there, has no change data feed, or does not have the columns.
        """
        spec = cast("Body", given)
        source = spec.get("source_table")
        if not isinstance(source, str) or not source:
            raise errors.INVALID.refusal(problem="Missing required field: source_table")
        if spec.get("pipeline_type", TRIGGERED) != TRIGGERED:
            raise errors.NOT_IMITATED.refusal(what=f"pipeline_type {spec['pipeline_type']}")
        if spec.get("embedding_writeback_table"):
            raise errors.NOT_IMITATED.refusal(what="embedding_writeback_table")
        managed = self._embedded.source(spec.get("embedding_source_columns"))
        texts = [managed.column] if managed else []
        table = self._tables.find(source)
        if table["properties"].get(CHANGE_DATA_FEED, "").lower() != "true":
            raise errors.INVALID.refusal(
                problem=f"Change Data Feed is not enabled on table {source}: set {CHANGE_DATA_FEED} = true"
            )
        columns: dict[str, str] = table["columns"]
        chosen: list[str] = spec.get("columns_to_sync") or spec.get("columns_to_index") or list(columns)
        for column in (key, *vectors, *texts, *chosen):
            if column not in columns:
                raise errors.INVALID.refusal(problem=f"Column {column} is not in table {source}")
        kept = {name: kind for name, kind in columns.items() if name in {key, *vectors, *texts, *chosen}}
        schemas.check_roles(kept, key, vectors)
        if managed:
            self._embedded.check(managed, kept)
            vectors = {managed.vector: managed.dimensions}
        return {
            "delta_sync_index_spec": {**spec, "pipeline_type": TRIGGERED, "pipeline_id": str(uuid.uuid4())},
            "columns": kept,
            "vectors": vectors,
        }

    def begin(self, index: Body, method: str, after: float = 0.0) -> None:
        """Begin a sync of an index, some nominal seconds after now."""
        source = index["delta_sync_index_spec"]["source_table"]
        sync = self._clock.begin(method, after + self._options.durations.sync)
        sync["version"] = self._tables.version(source)
        sync["count"] = self._tables.rows(source, sync["version"]).num_rows
        index["sync"] = sync

    def settle(self, index: Body) -> bool:
        """End a sync that is due. Returns whether the index has changed."""
        sync = index.get("sync")
        if sync is None or not self._clock.is_done(sync):
            return False
        rows = None if sync["fails"] else self._rows(index, sync["version"])
        if rows is not None and self._embedded.are_missing(index, rows):
            return False
        del index["sync"]
        index["failed"] = rows is None or not self._take(index, rows)
        index["was_synced"] = index.get("was_synced", False) or not index["failed"]
        return True

    def state(self, index: Body) -> str:
        """The `detailed_state` of an index that is made."""
        if "sync" in index:
            return "ONLINE_TRIGGERED_UPDATE" if index.get("was_synced") else "PROVISIONING_INITIAL_SNAPSHOT"
        if index.get("failed"):
            return "ONLINE_PIPELINE_FAILED" if index.get("was_synced") else "OFFLINE_FAILED"
        return "ONLINE_NO_PENDING_UPDATE"

    def progress(self, index: Body) -> int:
        """How many rows a first snapshot has indexed so far."""
        sync = index["sync"]
        seconds = sync["seconds"]
        share = (time.time() - sync["began"]) / seconds if seconds else 0
        return int(sync["count"] * min(max(share, 0), 1))

    def _rows(self, index: Body, version: int) -> list[Body] | None:
        """The rows of a table that an index is to have, or None if the table is not there or has lost columns."""
        source = index["delta_sync_index_spec"]["source_table"]
        try:
            table = self._tables.rows(source, version).select(list(index["columns"]))
        except (errors.Refusal, LookupError, ValueError, TypeError):
            return None
        return [_plain(row) for row in table.to_pylist()]

    def _take(self, index: Body, rows: list[Body]) -> bool:
        """Replace the rows of an index. Returns whether they fit it; else nothing is changed."""
        keys = [row[index["primary_key"]] for row in rows]
        if len(set(keys)) < len(keys) or None in keys:
            return False
        if not all(schemas.fits(row, index["columns"], self._embedded.own_vectors(index)) for row in rows):
            return False
        whole = self._embedded.with_vectors(index, rows)
        if whole is None:
            return False
        keys = [row[index["primary_key"]] for row in whole]
        with self._store.transaction():
            self._store.forget(index["id"])
            self._store.write(
                index["id"], ((str(key), orjson.dumps(row)) for key, row in zip(keys, whole, strict=True)), 0
            )
            self._store.settle(index["id"])
        return True


def _plain(row: Body) -> Body:
    """Dates and times as text, as a row of JSON has them."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
