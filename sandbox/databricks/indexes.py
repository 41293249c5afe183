"""Indexes: created, shown with their state, deleted."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, cast

from sandbox.databricks import errors, schemas
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.clock import Clock
from sandbox.databricks.endpoints import Endpoints, paged
from sandbox.databricks.methods import DATA_PLANE
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.pipelines import Pipelines
from sandbox.databricks.store import Store

KIND, DELTA_SYNC = "index", "DELTA_SYNC"
STORAGE_OPTIMIZED, DIVISOR = "STORAGE_OPTIMIZED", 16
"""The dimension of an index on such an endpoint is a multiple of 16; from memory of the documentation."""
MOST_ON_ENDPOINT = 50
"""From memory of the page "Resource and data size limits"."""
_MOST_NAME = 128
_NAME = re.compile(r"[^./\s]+\.[^./\s]+\.[^./\s]+")
_MINI = (
    "name",
    "endpoint_name",
    "endpoint_id",
    "primary_key",
    "index_type",
    "index_subtype",
    "creator",
)
"""What a listing shows."""


class Indexes:
    """Creates, shows and deletes indexes.

    Args:
        store: where they are.
        clock: for what takes time.
        options: durations.
        endpoints: what serves them.
        pipelines: what fills Delta Sync indexes.
        has_schema: whether a schema of Unity Catalog exists.
        url: where the server answers.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        options: DatabricksOptions,
        endpoints: Endpoints,
        pipelines: Pipelines,
        has_schema: Callable[[str], bool],
        url: str,
    ) -> None:
        self._store, self._clock, self._options = store, clock, options
        self._endpoints, self._pipelines = endpoints, pipelines
        self._has_schema, self._url = has_schema, url
        self.handlers = {
            "vector_search_indexes.create_index": self._create,
            "vector_search_indexes.get_index": self._get,
            "vector_search_indexes.list_indexes": self._list,
            "vector_search_indexes.delete_index": self._delete,
            "vector_search_indexes.sync_index": self._sync,
        }

    def find(self, name: str) -> Body:
        """An index that is there, as it is stored.

        Raises:
            Refusal: there is none.
        """
        found = self._store.get(KIND, name)
        if found is not None and "deletion" in found and self._clock.is_done(found["deletion"]):
            with self._store.transaction():
                self._store.delete(KIND, name)
                self._store.forget(found["id"])
            found = None
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="Vector search index", name=name)
        with self._store.transaction():
            if self._pipelines.settle(found):
                self._store.put(KIND, name, found)
        return found

    def serving(self, call: Call) -> Body:
        """The index that a call reads or writes, which must be ready, as must its endpoint.

        Raises:
            Refusal: it is not.
        """
        found = self._of(call)
        if "deletion" in found:
            raise errors.NOT_FOUND.refusal(kind="Vector search index", name=found["name"])
        state = self._state(found)
        if not state.startswith("ONLINE"):
            raise errors.NOT_READY.refusal(kind="Index", name=found["name"], state=state)
        self._endpoints.online(found["endpoint_name"])
        return found

    def endpoint_type(self, index: Body) -> str:
        """STANDARD or STORAGE_OPTIMIZED: what serves an index."""
        return self._endpoints.find(index["endpoint_name"])["endpoint_type"]

    def _of(self, call: Call) -> Body:
        found = self.find(call.params["index_name"])
        if call.params.get("endpoint_name", found["endpoint_name"]) != found["endpoint_name"]:
            raise errors.NOT_FOUND.refusal(kind="Vector search index", name=found["name"])
        return found

    def _create(self, call: Call) -> Reply:
        name = call.text("name")
        endpoint_name = call.params.get("endpoint_name") or call.text("endpoint_name")
        if not _NAME.fullmatch(name) or len(name) > _MOST_NAME:
            raise errors.INVALID.refusal(
                problem=f"{name!r} is no index name: catalog.schema.index, at most {_MOST_NAME} characters"
            )
        if not self._has_schema(name.rpartition(".")[0]):
            raise errors.NOT_FOUND.refusal(kind="Schema", name=name.rpartition(".")[0])
        spec = self._spec(call)
        with self._store.transaction():
            endpoint = self._endpoints.online(endpoint_name)
            if endpoint["endpoint_type"] == STORAGE_OPTIMIZED:
                _check_storage_optimized(spec)
            there = self._there()
            if name in there:
                raise errors.ALREADY_EXISTS.refusal(kind="Vector search index", name=name)
            if sum(each["endpoint_name"] == endpoint_name for each in there.values()) >= MOST_ON_ENDPOINT:
                raise errors.QUOTA.refusal(most=MOST_ON_ENDPOINT, what=f"indexes of endpoint {endpoint_name}")
            index: Body = {
                "name": name,
                "id": str(uuid.uuid4()),
                "endpoint_name": endpoint_name,
                "endpoint_id": endpoint["id"],
                "creator": call.user,
                "creation": self._clock.begin(
                    "vector_search_indexes.create_index", self._options.durations.create_index
                ),
                **spec,
            }
            if index["index_type"] == DELTA_SYNC:
                self._pipelines.begin(
                    index, "vector_search_indexes.sync_index", self._options.durations.create_index
                )
            self._store.put(KIND, name, index)
        return Reply(self._shown(index), name)

    def _spec(self, call: Call) -> Body:
        kind, key = call.text("index_type"), call.text("primary_key")
        call.refuse("index_subtype")
        common = {"primary_key": key, "index_type": kind, "index_subtype": "HYBRID"}
        if kind not in (DELTA_SYNC, "DIRECT_ACCESS"):
            raise errors.INVALID.refusal(
                problem=f"index_type is {kind!r}; supported: DELTA_SYNC, DIRECT_ACCESS"
            )
        field = "delta_sync_index_spec" if kind == DELTA_SYNC else "direct_access_index_spec"
        spec = call.needed(field)
        if not isinstance(spec, dict):
            raise errors.INVALID.refusal(problem=f"{field} must be an object")
        if kind == DELTA_SYNC:
            sources = cast("Body", spec).get("embedding_source_columns")
            vectors = {} if sources else _vector_columns(cast("Body", spec).get("embedding_vector_columns"))
            return common | self._pipelines.spec(spec, key, vectors)
        direct = cast("Body", spec)
        if direct.get("embedding_source_columns"):
            raise errors.NOT_IMITATED.refusal(what="embedding_source_columns of a DIRECT_ACCESS index")
        vectors = _vector_columns(direct.get("embedding_vector_columns"))
        columns = schemas.parsed(direct.get("schema_json"), key, vectors)
        return {
            **common,
            "direct_access_index_spec": direct,
            "columns": columns,
            "vectors": vectors,
        }

    def _get(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self._of(call)
            if self._clock.look(self._work(found)):
                self._store.put(KIND, found["name"], found)
            return Reply(self._shown(self.find(found["name"])))

    def _list(self, call: Call) -> Reply:
        endpoint = call.params.get("endpoint_name") or call.asked("endpoint_name")
        if not endpoint:
            raise errors.INVALID.refusal(problem="Missing required field: endpoint_name")
        self._endpoints.find(endpoint)
        found = [
            {name: each[name] for name in _MINI}
            for each in self._there().values()
            if each["endpoint_name"] == endpoint
        ]
        return Reply(paged("vector_indexes", found, call.asked("page_token")))

    def _delete(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self._of(call)
            if "deletion" in found:
                return Reply()
            found["deletion"] = self._clock.begin(
                "vector_search_indexes.delete_index", self._options.durations.delete_index
            )
            self._store.put(KIND, found["name"], found)
        return Reply({}, found["name"])

    def _work(self, index: Body) -> Body:
        """What is under way, or has been last."""
        if "deletion" in index:
            return index["deletion"]
        is_made = self._clock.is_done(index["creation"])
        return index["sync"] if is_made and "sync" in index else index["creation"]

    def _sync(self, call: Call) -> Reply:
        with self._store.transaction():
            found = self._of(call)
            if found["index_type"] != DELTA_SYNC:
                raise errors.WRONG_INDEX_TYPE.refusal(
                    what="sync", name=found["name"], kind=found["index_type"]
                )
            if "sync" in found or "deletion" in found:
                raise errors.SYNC_RUNNING.refusal()
            self._pipelines.begin(found, "vector_search_indexes.sync_index")
            self._store.put(KIND, found["name"], found)
        return Reply({}, found["name"])

    def _there(self) -> dict[str, Body]:
        """All indexes that are not gone, by name."""
        found = self._store.all(KIND)
        return {
            name: each
            for name, each in found.items()
            if "deletion" not in each or not self._clock.is_done(each["deletion"])
        }

    def _state(self, index: Body) -> str:
        if "deletion" in index:
            return "OFFLINE"
        is_synced = index["index_type"] == DELTA_SYNC
        if not self._clock.is_done(index["creation"]):
            return "PROVISIONING_PIPELINE_RESOURCES" if is_synced else "PROVISIONING"
        if is_synced and not index["creation"]["fails"]:
            return self._pipelines.state(index)
        return "OFFLINE_FAILED" if index["creation"]["fails"] else "ONLINE_DIRECT_ACCESS"

    def _shown(self, index: Body) -> Body:
        state = self._state(index)
        hidden = ("creation", "deletion", "columns", "vectors", "sync", "failed", "was_synced")
        self._store.settle(index["id"])
        message = {
            "PROVISIONING": "Index creation is in progress.",
            "PROVISIONING_PIPELINE_RESOURCES": "Index creation is in progress.",
            "PROVISIONING_INITIAL_SNAPSHOT": "The first sync is in progress.",
            "ONLINE_TRIGGERED_UPDATE": "A sync is in progress.",
            "ONLINE_PIPELINE_FAILED": "The last sync failed.",
            "OFFLINE": "The index is being deleted.",
            "OFFLINE_FAILED": "The index could not be created.",
        }.get(state, "Index is ready.")
        status: dict[str, Any] = {
            "ready": state.startswith("ONLINE"),
            "detailed_state": state,
            "message": message,
            "indexed_row_count": self._pipelines.progress(index)
            if state == "PROVISIONING_INITIAL_SNAPSHOT"
            else self._store.count(index["id"]),
            "index_url": f"{self._url}{DATA_PLANE}/indexes/{index['name']}",
        }
        return {name: value for name, value in index.items() if name not in hidden} | {"status": status}


def _check_storage_optimized(spec: Body) -> None:
    """See that an index can be on a storage-optimized endpoint.

    Raises:
        Refusal: it cannot.
    """
    for column, dimension in spec["vectors"].items():
        if dimension % DIVISOR:
            raise errors.INVALID.refusal(
                problem=f"The dimension of {column} is {dimension}, and a STORAGE_OPTIMIZED endpoint takes multiples of {DIVISOR}"
            )
    if spec.get("delta_sync_index_spec", {}).get("columns_to_sync"):
        raise errors.INVALID.refusal(
            problem="columns_to_sync is not supported on a STORAGE_OPTIMIZED endpoint"
        )


def _vector_columns(given: Any) -> dict[str, int]:
    """The vector columns of a specification, with their dimensions.

    Raises:
        Refusal: there is none, or one without a name or a dimension.
    """
    found: dict[str, int] = {}
    for column in cast("list[Any]", given) if isinstance(given, list) else []:
        name, dimension = (
            (column.get("name"), column.get("embedding_dimension"))
            if isinstance(column, dict)
            else (None, None)
        )
        if not isinstance(name, str) or not isinstance(dimension, int):
            raise errors.INVALID.refusal(
                problem="embedding_vector_columns need name and embedding_dimension each"
            )
        found[name] = dimension
    if len(found) != 1:
        raise errors.INVALID.refusal(
            problem=f"embedding_vector_columns must have one column, not {len(found)}"
        )
    return found
