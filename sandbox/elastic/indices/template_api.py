"""Index templates and component templates."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices import names
from sandbox.elastic.indices.templates import NOTHING, Named, Templates
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route


class IndexTemplateApi:
    """Definitions of templates, and what an index would get from them."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        component, index = "/_component_template", "/_index_template"
        return (
            Route(
                "cluster.put_component_template", "PUT POST", f"{component}/{{name}}", self.put_component, changes=True
            ),
            Route("cluster.get_component_template", "GET", component, self.get_components),
            Route("cluster.get_component_template", "GET", f"{component}/{{name}}", self.get_components),
            Route(
                "cluster.delete_component_template", "DELETE", f"{component}/{{name}}", self.delete_components, changes=True
            ),
            Route("indices.put_index_template", "PUT POST", f"{index}/{{name}}", self.put, changes=True),
            Route("indices.get_index_template", "GET", index, self.get),
            Route("indices.get_index_template", "GET", f"{index}/{{name}}", self.get),
            Route("indices.delete_index_template", "DELETE", f"{index}/{{name}}", self.delete, changes=True),
            Route("indices.simulate_index_template", "POST", f"{index}/_simulate_index/{{name}}", self.simulate_index),
            Route("indices.simulate_template", "POST", f"{index}/_simulate", self.simulate),
            Route("indices.simulate_template", "POST", f"{index}/_simulate/{{name}}", self.simulate),
        )  # fmt: skip

    def put_component(self, request: Request) -> dict[str, Any]:
        """`PUT /_component_template/{name}`."""
        name = request.params["name"]
        _refuse_another(self._templates.components, request, "component template")
        self._templates.put_component(name, request.json())
        request.resource = name
        return {"acknowledged": True}

    def get_components(self, request: Request) -> Reply:
        """`GET /_component_template[/{name}]`."""
        return _shown(request, self._templates.components, "component_template")

    def delete_components(self, request: Request) -> dict[str, Any]:
        """`DELETE /_component_template/{name}`."""
        request.resource = request.params["name"]
        self._templates.delete_components(request.resource)
        return {"acknowledged": True}

    def put(self, request: Request) -> dict[str, Any]:
        """`PUT /_index_template/{name}`."""
        name = request.params["name"]
        _refuse_another(self._templates.composables, request, "index template")
        self._templates.put(name, request.json())
        request.resource = name
        return {"acknowledged": True}

    def get(self, request: Request) -> Reply:
        """`GET /_index_template[/{name}]`."""
        return _shown(request, self._templates.composables, "index_template")

    def delete(self, request: Request) -> dict[str, Any]:
        """`DELETE /_index_template/{name}`."""
        request.resource = request.params["name"]
        self._templates.composables.delete(self._templates.composables.matching(request.resource))
        return {"acknowledged": True}

    def simulate_index(self, request: Request) -> dict[str, Any]:
        """`POST /_index_template/_simulate_index/{name}`: what an index of this name would get; empty if no template matches."""
        name, body = request.params["name"], request.json()
        names.check(name)
        found = self._templates.for_index(name)
        if body:
            found = self._templates.resolved("simulated", self._templates.checked("simulated", body))
        return {} if found is NOTHING else {"template": found.body(), "overlapping": []}

    def simulate(self, request: Request) -> dict[str, Any]:
        """`POST /_index_template/_simulate[/{name}]`: what a template gives, stored or in the body."""
        name, body = request.params.get("name", "simulated"), request.json()
        there = self._templates.composables.all().get(name)
        if not body and there is None:
            raise self._templates.composables.absent(name)
        template = self._templates.checked(name, body) if body else there or {}
        return {"template": self._templates.resolved(name, template).body(), "overlapping": []}


def _shown(request: Request, templates: Named, key: str) -> Reply:
    found = templates.matching(request.params.get("name", "*"))
    everything = templates.all()
    return Reply({f"{key}s": [{"name": name, key: everything[name]} for name in found]})


def _refuse_another(templates: Named, request: Request, kind: str) -> None:
    if request.flag("create") and request.params["name"] in templates.all():
        raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"{kind} [{request.params['name']}] already exists")
