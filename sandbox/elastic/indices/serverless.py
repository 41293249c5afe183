"""Elasticsearch Serverless: the APIs and settings that a project's users do not have, since nodes and shards are Elastic's.

What is public is marked so in the elasticsearch-specification repository (`@availability serverless ... visibility=public`) and in the
server's source by `@ServerlessScope`; the rest is answered with 410, a setting that is not public with 400.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sandbox.elastic.errors import Answer
from sandbox.elastic.indices.settings import flat
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

NOT_AVAILABLE = Answer(
    410,
    "api_not_available_exception",
    "Request for uri [{uri}] with method [{method}] exists but is not available when running in serverless mode",
    "elastic-labs#450, elasticsearch-specification#2277",
)
SETTINGS_NOT_AVAILABLE = Answer(
    400,
    "illegal_argument_exception",
    "Settings [{names}] are not available when running in serverless mode",
    "ecs#2532",
)
PRIVATE = frozenset(
    {
        "cancel_reindex",
        "cat.allocation",
        "cluster.health",
        "delete_by_query_rethrottle",
        "get_reindex",
        "indices.flush",
        "indices.forcemerge",
        "indices.stats",
        "list_reindex",
        "ml.clear_trained_model_deployment_cache",
        "ml.get_memory_stats",
        "ml.info",
        "nodes.hot_threads",
        "nodes.info",
        "nodes.stats",
        "nodes.usage",
        "reindex_rethrottle",
        "tasks.cancel",
        "tasks.list",
        "update_by_query_rethrottle",
    }
)
"""By the client's names; indices.flush, indices.forcemerge, ml.info and tasks.cancel from memory."""
_PUBLIC_SETTINGS = (
    "analysis.",
    "analyze.",
    "blocks.",
    "codec",
    "default_pipeline",
    "final_pipeline",
    "hidden",
    "highlight.",
    "lifecycle.",
    "mapping.coerce",
    "mapping.exclude_source_vectors",
    "mapping.ignore_malformed",
    "mapping.source.mode",
    "mapping.total_fields.",
    "max_result_window",
    "mode",
    "query.default_field",
    "refresh_interval",
    "similarity.",
    "sort.",
)
"""Of those that the sandbox knows, as the list of index settings in Elastic's docs marks them for Serverless, from memory. A name that
ends with a dot stands for all that begin with it."""
_BY_SETTINGS = {
    "indices.create": ("settings",),
    "indices.put_settings": (),
    "indices.put_index_template": ("template", "settings"),
    "cluster.put_component_template": ("template", "settings"),
}
_SHOWING = ("indices.get", "indices.get_settings")


def guarded(route: Route) -> Route:
    """The route as a project's users have it."""
    if route.api in PRIVATE:
        return replace(route, handler=_refuse)

    def handle(request: Request) -> Reply | dict[str, Any]:
        if route.api in _BY_SETTINGS:
            _check(request, _BY_SETTINGS[route.api])
        found = route.handler(request)
        return _without_shards(found) if route.api in _SHOWING and isinstance(found, dict) else found

    return replace(route, handler=handle)


def _refuse(request: Request) -> Reply:
    raise NOT_AVAILABLE.refusal(uri=request.path, method=request.method)


def _check(request: Request, path: tuple[str, ...]) -> None:
    body: Any = request.json() if request.body else {}
    for name in path:
        body = body.get(name) or {} if isinstance(body, Mapping) else {}
    if not path and isinstance(body, Mapping):
        body = body.get("settings", body)
    private = sorted(f"index.{name}" for name in _names(body) if not _is_public(name))
    if private:
        raise SETTINGS_NOT_AVAILABLE.refusal(names=",".join(private))


def _names(settings: Any) -> Iterator[str]:
    if isinstance(settings, Mapping):
        yield from (name for name, value in flat(settings).items() if value is not None)


def _is_public(name: str) -> bool:
    return any(name.startswith(each) if each.endswith(".") else name == each for each in _PUBLIC_SETTINGS)


def _without_shards(found: dict[str, Any]) -> dict[str, Any]:
    for shown in found.values():
        inner = shown.get("settings", {})
        for place in (inner, inner.get("index", {})):
            for name in ("number_of_shards", "number_of_replicas"):
                place.pop(name, None)
                place.pop(f"index.{name}", None)
    return found
