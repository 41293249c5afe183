"""The ingest pipeline APIs: put, get, delete, simulate."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.execution import Run, Step, timestamp
from sandbox.elastic.ingest.field_paths import METADATA, IngestDocument
from sandbox.elastic.ingest.parsing import PipelineParser
from sandbox.elastic.ingest.pipelines import Pipelines
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.expressions import chosen
from sandbox.elastic.wire.routing import Route

_PIPELINE = "/_ingest/pipeline/{id}"


class PipelineApi:
    """Manages and simulates pipelines."""

    def __init__(self, pipelines: Pipelines, parser: PipelineParser, indices: Indices) -> None:
        self._pipelines = pipelines
        self._parser = parser
        self._indices = indices

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("ingest.put_pipeline", "PUT", _PIPELINE, self.put, changes=True),
            Route("ingest.get_pipeline", "GET", _PIPELINE, self.get),
            Route("ingest.get_pipeline", "GET", "/_ingest/pipeline", self.get),
            Route("ingest.delete_pipeline", "DELETE", _PIPELINE, self.delete, changes=True),
            Route("ingest.simulate", "GET POST", f"{_PIPELINE}/_simulate", self.simulate),
            Route("ingest.simulate", "GET POST", "/_ingest/pipeline/_simulate", self.simulate),
        )

    def put(self, request: Request) -> dict[str, Any]:
        """`PUT /_ingest/pipeline/{id}`."""
        self._pipelines.put(request.params["id"], request.json())
        return {"acknowledged": True}

    def get(self, request: Request) -> Reply:
        """`GET /_ingest/pipeline[/{id}]`: 404 and an empty object if it is missing."""
        pipelines = self._pipelines.all()
        found = chosen(request.params.get("id", "*"), pipelines)
        shown = {name: pipelines[name] for name in found.names}
        if request.flag("summary"):
            shown = {name: {} for name in shown}
        return Reply(shown, 200 if shown or found.wildcard else 404)

    def delete(self, request: Request) -> dict[str, Any]:
        """`DELETE /_ingest/pipeline/{id}`: refused while an index uses it as default or final pipeline."""
        found = chosen(request.params["id"], self._pipelines.all())
        if found.missing and not (found.wildcard and request.params["id"] == "*"):
            raise ingest_errors.PIPELINE_MISSING.refusal(pipeline=found.missing[0])
        for name in found.names:
            for role in ("default", "final"):
                used = self._indices_with(f"{role}_pipeline", name)
                if used:
                    raise ingest_errors.PIPELINE_IN_USE.refusal(
                        pipeline=name, role=role, count=len(used), indices=",".join(used)
                    )
        for name in found.names:
            self._pipelines.delete(name)
        return {"acknowledged": True}

    def simulate(self, request: Request) -> dict[str, Any]:
        """`POST /_ingest/pipeline[/{id}]/_simulate`: nothing is written, but models are called."""
        body, name = request.fields("simulate", "pipeline", "docs"), request.params.get("id")
        if name:
            pipeline = self._pipelines.find(name)
            if not pipeline:
                raise ingest_errors.NO_SUCH_PIPELINE.refusal(pipeline=name)
        elif "pipeline" in body:
            pipeline = self._parser.parse("_simulate_pipeline", body["pipeline"])
        else:
            raise ingest_errors.REQUIRED_PROPERTY.refusal(
                property="pipeline", metadata={"property_name": "pipeline"}
            )
        if "docs" not in body:
            raise ingest_errors.REQUIRED_PROPERTY.refusal(property="docs", metadata={"property_name": "docs"})
        if not body["docs"]:
            raise ingest_errors.SIMULATE_NOTHING.refusal()
        documents = [_document(given) for given in body["docs"]]
        watcher = _Verbose() if request.flag("verbose") else None
        Run(self._pipelines.find, watcher).pipeline(pipeline, documents)
        if watcher:
            return {"docs": [{"processor_results": watcher.results.get(id(each), [])} for each in documents]}
        return {"docs": [_simulated(each) for each in documents]}

    def _indices_with(self, setting: str, pipeline: str) -> list[str]:
        """The indices with this pipeline in a setting."""
        return [index.name for index in self._indices if index.settings.get(setting) == pipeline]


def _document(given: dict[str, Any]) -> IngestDocument:
    if "_source" not in given:
        raise ingest_errors.REQUIRED_PROPERTY.refusal(
            property="_source", metadata={"property_name": "_source"}
        )
    metadata = {"_index": "_index", "_id": "_id", "_version": -3}
    metadata |= {name: given[name] for name in METADATA if name in given}
    return IngestDocument(given["_source"], metadata, {"timestamp": timestamp()})


def _simulated(document: IngestDocument) -> dict[str, Any] | None:
    if document.error:
        return {"error": _root(document.error)}
    return (
        None if document.dropped else {"doc": _shown(document, {"timestamp": document.ingest["timestamp"]})}
    )


def _root(refusal: Refusal) -> dict[str, Any]:
    return refusal.body()["error"]


def _shown(document: IngestDocument, ingest: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: str(value) for name, value in document.metadata.items() if value is not None}
    return {**metadata, "_source": copy.deepcopy(document.source), "_ingest": ingest}


class _Verbose:
    """Records every document after every processor."""

    def __init__(self) -> None:
        self.results: dict[int, list[dict[str, Any]]] = {}

    def saw(self, step: Step, document: IngestDocument, status: str, failure: Refusal | None) -> None:
        shown: dict[str, Any] = {"processor_type": step.kind, "status": status}
        if step.tag:
            shown["tag"] = step.tag
        if failure and status == "error_ignored":
            shown["ignored_error"] = {"error": _root(failure)}
        elif failure:
            shown["error"] = _root(failure)
        if status in ("success", "error_ignored"):
            shown["doc"] = _shown(document, dict(document.ingest))
        self.results.setdefault(id(document), []).append(shown)
