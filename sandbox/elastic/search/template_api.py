"""Stored scripts, as far as they are search templates; rendering them, and searching with them."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import templates
from sandbox.elastic.search.api import searched
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route


def attach(cluster: Cluster) -> None:
    """Know the scripts of an earlier run."""
    cluster.scripts = cluster.store.records("scripts")


def put_script(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`PUT /_scripts/{id}`."""
    script = request.json().get("script")
    if not isinstance(script, dict) or "source" not in script:
        raise search_errors.SCRIPT_BODY.refusal()
    if script.get("lang") != "mustache":
        raise search_errors.SCRIPT_LANGUAGE.refusal(lang=script.get("lang"))
    source, id_ = templates.source(script["source"]), request.params["id"]
    templates.check(source)
    stored = {
        "lang": "mustache",
        "source": source,
        "options": {"content_type": "application/json;charset=utf-8"},
    }
    request.changed = cluster.scripts.get(id_) != stored
    cluster.scripts.put(id_, stored)
    request.resource = id_
    return {"acknowledged": True}


def get_script(cluster: Cluster, request: Request) -> Reply:
    """`GET /_scripts/{id}`."""
    id_ = request.params["id"]
    found = cluster.scripts.get(id_)
    shown = {"_id": id_, "found": found is not None}
    return Reply({**shown, "script": found} if found else shown, 200 if found else 404)


def delete_script(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`DELETE /_scripts/{id}`."""
    id_ = request.params["id"]
    if not cluster.scripts.delete(id_):
        raise search_errors.SCRIPT_NOT_DELETED.refusal(id=id_)
    request.resource = id_
    return {"acknowledged": True}


def render(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /_render/template/{id}`."""
    return {"template_output": _rendered(cluster, request)}


def search_template(cluster: Cluster, request: Request) -> dict[str, Any]:
    """`POST /{index}/_search/template`."""
    return searched(cluster, request, _rendered(cluster, request))


def _rendered(cluster: Cluster, request: Request) -> dict[str, Any]:
    body = request.json()
    unknown = [key for key in body if key not in ("id", "source", "params", "explain", "profile", "file")]
    if unknown:
        raise errors.PARSING.refusal(problem=f"[search_template] unknown field [{unknown[0]}]")
    id_, source = request.params.get("id") or body.get("id"), body.get("source")
    if id_ is not None and source is None:
        stored = cluster.scripts.get(id_)
        if stored is None:
            raise search_errors.NO_SCRIPT.refusal(id=id_)
        source = stored["source"]
    if source is None:
        raise search_errors.TEMPLATE_MISSING.refusal()
    return templates.rendered(templates.source(source), body.get("params") or {})


ROUTES = (
    Route("put_script", "PUT POST", "/_scripts/{id}", put_script, changes=True),
    Route("put_script", "PUT POST", "/_scripts/{id}/{context}", put_script, changes=True),
    Route("get_script", "GET", "/_scripts/{id}", get_script),
    Route("delete_script", "DELETE", "/_scripts/{id}", delete_script, changes=True),
    Route("render_search_template", "POST GET", "/_render/template", render),
    Route("render_search_template", "POST GET", "/_render/template/{id}", render),
    Route("search_template", "POST GET", "/_search/template", search_template),
    Route("search_template", "POST GET", "/{index}/_search/template", search_template),
)
