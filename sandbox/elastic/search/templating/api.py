"""Search templates: stored, rendered, and searched with."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.search.api import SearchApi
from sandbox.elastic.search.templating import errors as templating_errors
from sandbox.elastic.search.templating import templates
from sandbox.elastic.store import Records
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route


class TemplateApi:
    """Stored scripts that are search templates."""

    def __init__(self, scripts: Records, search: SearchApi) -> None:
        self._scripts = scripts
        self._search = search

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("put_script", "PUT POST", "/_scripts/{id}", self.put_script, changes=True),
            Route("put_script", "PUT POST", "/_scripts/{id}/{context}", self.put_script, changes=True),
            Route("get_script", "GET", "/_scripts/{id}", self.get_script),
            Route("delete_script", "DELETE", "/_scripts/{id}", self.delete_script, changes=True),
            Route("render_search_template", "POST GET", "/_render/template", self.render),
            Route("render_search_template", "POST GET", "/_render/template/{id}", self.render),
            Route("search_template", "POST GET", "/_search/template", self.search_template),
            Route("search_template", "POST GET", "/{index}/_search/template", self.search_template),
        )

    def put_script(self, request: Request) -> dict[str, Any]:
        """`PUT /_scripts/{id}`."""
        script = request.fields("stored script", "script").get("script")
        if not isinstance(script, dict) or script.get("lang") is None:
            raise templating_errors.SCRIPT_WITHOUT_LANGUAGE.refusal()
        if script.get("source") is None:
            raise templating_errors.SCRIPT_WITHOUT_SOURCE.refusal()
        if script.get("lang") != "mustache":
            raise templating_errors.SCRIPT_LANGUAGE.refusal(lang=script.get("lang"))
        source, id_ = templates.source(script["source"]), request.params["id"]
        templates.check(source)
        stored = {
            "lang": "mustache",
            "source": source,
            "options": {"content_type": "application/json;charset=utf-8"},
        }
        request.changed = self._scripts.get(id_) != stored
        self._scripts.put(id_, stored)
        request.resource = id_
        return {"acknowledged": True}

    def get_script(self, request: Request) -> Reply:
        """`GET /_scripts/{id}`."""
        id_ = request.params["id"]
        found = self._scripts.get(id_)
        shown = {"_id": id_, "found": found is not None}
        return Reply({**shown, "script": found} if found else shown, 200 if found else 404)

    def delete_script(self, request: Request) -> dict[str, Any]:
        """`DELETE /_scripts/{id}`."""
        id_ = request.params["id"]
        if not self._scripts.delete(id_):
            raise templating_errors.SCRIPT_NOT_DELETED.refusal(id=id_)
        request.resource = id_
        return {"acknowledged": True}

    def render(self, request: Request) -> dict[str, Any]:
        """`POST /_render/template/{id}`."""
        return {"template_output": self._rendered(request)}

    def search_template(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_search/template`."""
        return self._search.searched(request, self._rendered(request))

    def _rendered(self, request: Request) -> dict[str, Any]:
        body = request.json()
        unknown = [key for key in body if key not in ("id", "source", "params", "explain", "profile", "file")]
        if unknown:
            raise errors.PARSING.refusal(problem=f"[search_template] unknown field [{unknown[0]}]")
        id_, source = request.params.get("id") or body.get("id"), body.get("source")
        if id_ is not None and source is None:
            stored = self._scripts.get(id_)
            if stored is None:
                raise templating_errors.NO_SCRIPT.refusal(id=id_)
            source = stored["source"]
        if source is None:
            raise templating_errors.TEMPLATE_MISSING.refusal()
        return templates.rendered(templates.source(source), body.get("params") or {})
