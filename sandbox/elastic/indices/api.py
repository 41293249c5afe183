"""The index APIs: create, get, exists, delete, refresh, mappings, settings, statistics."""

from __future__ import annotations

import time
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.documents.store import Documents
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import mappings
from sandbox.elastic.indices import settings as settings_of_indices
from sandbox.elastic.indices.store import Index, Indices, no_index
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_STATUSES = ("green", "yellow", "red")
_LOOK = 0.05
_SHARDS = {"total": 1, "successful": 1, "failed": 0}


def attach(cluster: Cluster) -> None:
    """Know the indices of an earlier run."""
    cluster.searchers = Searchers(cluster)
    cluster.documents = Documents(cluster)
    cluster.indices = Indices(cluster.store, cluster.release, cluster.searchers.drop)


def detach(cluster: Cluster) -> None:
    """End what is built in the background."""
    cluster.searchers.close()


def resolved(cluster: Cluster, request: Request, expression: str | None = None) -> list[Index]:
    """The indices that a request names, by its own rules for what is missing."""
    return cluster.indices.resolve(
        request.params.get("index", "_all") if expression is None else expression,
        ignore_unavailable=request.flag("ignore_unavailable"),
        allow_no_indices=request.flag("allow_no_indices", True),
    )


def create(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`PUT /{index}`."""
    body, name = request.json(), request.params["index"]
    unknown = [key for key in body if key not in ("settings", "mappings", "aliases")]
    if unknown:
        raise errors.PARSING.refusal(problem=f"unknown key [{unknown[0]}] for create index")
    cluster.indices.create(
        name, body.get("settings") or {}, body.get("mappings") or {}, body.get("aliases") or {}
    )
    request.resource = name
    return {"acknowledged": True, "shards_acknowledged": True, "index": name}


def get(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /{index}`."""
    flat = request.flag("flat_settings")
    return {
        index.name: {
            "aliases": index.aliases,
            "mappings": index.mapping,
            "settings": settings_of_indices.nested(index.settings, flat),
        }
        for index in resolved(cluster, request)
    }


def delete(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`DELETE /{index}`: by its own name, never by a pattern or an alias."""
    names = request.params["index"].split(",")
    if any("*" in name or name == "_all" for name in names):
        raise indices_errors.DESTRUCTIVE.refusal()
    found: dict[str, Index] = {}
    for name in names:
        index = cluster.indices.get(name)
        if index:
            found[name] = index
        elif cluster.indices.behind(name):
            raise indices_errors.ALIAS_FOR_INDEX.refusal(alias=name)
        elif not request.flag("ignore_unavailable"):
            raise no_index(name)
    with cluster.indices.together():
        for index in found.values():
            cluster.indices.delete(index)
    request.resource, request.changed = ",".join(found), bool(found)
    return {"acknowledged": True}


def refresh(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /{index}/_refresh`; flush and forcemerge, which have nothing else to do here."""
    found = resolved(cluster, request)
    for index in found:
        cluster.searchers.refresh(index)
    return {"_shards": {"total": len(found), "successful": len(found), "failed": 0}}


def get_mapping(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /{index}/_mapping`."""
    return {index.name: {"mappings": index.mapping} for index in resolved(cluster, request)}


def put_mapping(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`PUT /{index}/_mapping`."""
    body = request.json()
    with cluster.indices.together():
        for index in resolved(cluster, request):
            merged = mappings.merged(index.mapping, body)
            limit = int(index.settings.get("mapping.total_fields.limit", "1000"))
            if mappings.size(merged) > limit:
                raise indices_errors.FIELD_LIMIT.refusal(
                    limit=limit, added=mappings.size(merged) - mappings.size(index.mapping)
                )
            cluster.indices.put(cluster.indices.with_mapping(index, merged))
    request.resource = request.params["index"]
    return {"acknowledged": True}


def get_settings(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /{index}/_settings`, or of one setting."""
    flat, name = request.flag("flat_settings"), request.params.get("name", "*")
    wanted = [part.removeprefix("index.").rstrip("*") for part in name.split(",")]
    shown = {}
    for index in resolved(cluster, request):
        chosen = {key: value for key, value in index.settings.items() if key.startswith(tuple(wanted))}
        if chosen:
            shown[index.name] = {"settings": settings_of_indices.nested(chosen, flat)}
    return shown


def put_settings(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`PUT /{index}/_settings`."""
    body = request.json()
    changes = settings_of_indices.flat(body.get("settings", body))
    if not changes:
        raise errors.VALIDATION.refusal(problems="1: no settings to update;")
    with cluster.indices.together():
        for index in resolved(cluster, request):
            settings_of_indices.check_changeable(changes, f"{index.name}/{index.uuid}")
            cluster.indices.put(cluster.indices.with_settings(index, changes))
    request.resource = request.params.get("index", "_all")
    return {"acknowledged": True}


def stats(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`GET /{index}/_stats`: counts and sequence numbers; of times and sizes only the store's."""
    shown = {}
    for index in resolved(cluster, request):
        count, deleted = cluster.searchers.counts(index)
        last = cluster.documents.last_sequence_number(index)
        shard = {
            "docs": {"count": count, "deleted": deleted},
            "store": {"size_in_bytes": cluster.documents.bytes(index)},
        }
        sequence = {"max_seq_no": last, "local_checkpoint": last, "global_checkpoint": last}
        shards = {"0": [{**shard, "seq_no": sequence, "routing": {"state": "STARTED", "primary": True}}]}
        both = {"primaries": shard, "total": shard}
        level = {"shards": shards} if request.text("level") == "shards" else {}
        shown[index.name] = {
            "uuid": index.uuid,
            "health": _health(index),
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


def cat_indices(cluster: Cluster, request: Request) -> Reply:
    """`GET /_cat/indices`."""
    rows = []
    for index in resolved(cluster, request):
        count, deleted = cluster.searchers.counts(index)
        size = f"{cluster.documents.bytes(index)}b"
        rows.append(
            {
                "health": _health(index),
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


def table(request: Request, rows: list[dict[str, str]]) -> Reply:
    """A cat API's reply: plain text, or JSON where it is asked for."""
    chosen = request.text("h").split(",") if request.text("h") else None
    rows = [{key: row[key] for key in chosen if key in row} if chosen else row for row in rows]
    if request.text("format") == "json":
        return Reply(rows)
    heads = [dict(zip(rows[0], rows[0], strict=True))] if rows and request.flag("v") else []
    widths = {key: max(len(row[key]) for row in [*heads, *rows]) for key in (rows[0] if rows else {})}
    lines = [" ".join(f"{row[key]:<{widths[key]}}" for key in row) for row in [*heads, *rows]]
    return Reply("".join(f"{line.rstrip()}\n" for line in lines))


def health(cluster: Cluster, request: Request) -> Reply:
    """`GET /_cluster/health`, of an index too: waits until the status is as good as `wait_for_status`.

    What is not so in time answers 408; an index that is not there is red.
    """
    wanted = request.text("wait_for_status", "red").lower()
    if wanted not in _STATUSES:
        raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"unknown cluster health status [{wanted}]")
    deadline = time.monotonic() + request.seconds("timeout", 30)
    while True:
        shown = _health_now(cluster, request.params.get("index", "_all"))
        missing = shown["status"] == "red"
        if not missing and _STATUSES.index(shown["status"]) <= _STATUSES.index(wanted):
            return Reply(shown)
        if time.monotonic() >= deadline or cluster.ending.wait(_LOOK):
            return Reply({**shown, "timed_out": True}, 408)


def _health_now(cluster: Cluster, expression: str) -> dict[str, Any]:
    try:
        indices, status = cluster.indices.resolve(expression), "green"
    except Refusal:
        indices, status = [], "red"
    replicas = sum(int(index.settings["number_of_replicas"]) for index in indices)
    return {
        "cluster_name": cluster.name,
        "status": "yellow" if replicas else status,
        "timed_out": False,
        "number_of_nodes": len(cluster.nodes),
        "number_of_data_nodes": 1,
        "active_primary_shards": len(indices),
        "active_shards": len(indices),
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": replicas,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0 * len(indices) / max(1, len(indices) + replicas),
    }


def _health(index: Index) -> str:
    return "green" if index.settings["number_of_replicas"] == "0" else "yellow"


ROUTES = (
    Route("indices.create", "PUT", "/{index}", create, changes=True),
    Route("indices.get", "GET", "/{index}", get),
    Route("indices.delete", "DELETE", "/{index}", delete, changes=True),
    Route("indices.refresh", "POST GET", "/_refresh", refresh),
    Route("indices.refresh", "POST GET", "/{index}/_refresh", refresh),
    Route("indices.forcemerge", "POST", "/{index}/_forcemerge", refresh),
    Route("indices.flush", "POST GET", "/{index}/_flush", refresh),
    Route("indices.get_mapping", "GET", "/_mapping", get_mapping),
    Route("indices.get_mapping", "GET", "/{index}/_mapping", get_mapping),
    Route("indices.put_mapping", "PUT POST", "/{index}/_mapping", put_mapping, changes=True),
    Route("indices.get_settings", "GET", "/_settings", get_settings),
    Route("indices.get_settings", "GET", "/{index}/_settings", get_settings),
    Route("indices.get_settings", "GET", "/{index}/_settings/{name}", get_settings),
    Route("indices.put_settings", "PUT", "/_settings", put_settings, changes=True),
    Route("indices.put_settings", "PUT", "/{index}/_settings", put_settings, changes=True),
    Route("indices.stats", "GET", "/_stats", stats),
    Route("indices.stats", "GET", "/_stats/{metric}", stats),
    Route("indices.stats", "GET", "/{index}/_stats", stats),
    Route("indices.stats", "GET", "/{index}/_stats/{metric}", stats),
    Route("cat.indices", "GET", "/_cat/indices", cat_indices),
    Route("cat.indices", "GET", "/_cat/indices/{index}", cat_indices),
    Route("cluster.health", "GET", "/_cluster/health", health),
    Route("cluster.health", "GET", "/_cluster/health/{index}", health),
)
