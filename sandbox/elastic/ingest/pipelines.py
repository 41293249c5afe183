"""Ingest pipelines as they are stored and read: their definitions in the store, their counts in memory.

A definition is checked when it is put, so that what runs (ingest.py) is always whole.
"""

from __future__ import annotations

import threading
from typing import Any

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest import inference_processor
from sandbox.elastic.ingest.execution import Act, Pipeline, Step, each_document, inner_pipeline
from sandbox.elastic.ingest.processor_config import ProcessorConfig
from sandbox.elastic.ingest.processors import CHANGES

_KNOWN = {"description", "processors", "on_failure", "version", "_meta", "deprecated", "field_access_pattern"}


class Pipelines:
    """All pipelines of the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._records = cluster.store.records("ingest_pipelines")
        self._lock = threading.Lock()
        self._ready = {name: parsed(cluster, name, body) for name, body in self._records.all().items()}

    def all(self) -> dict[str, Any]:
        """Definitions by id."""
        return self._records.all()

    def ready(self) -> list[Pipeline]:
        """All that could run, with their counts."""
        return list(self._ready.values())

    def find(self, name: str) -> Pipeline | None:
        """The pipeline as it runs now."""
        return self._ready.get(name)

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Keep a definition, in place of another of that id.

        Raises:
            Refusal: it is none that could run.
        """
        pipeline = parsed(self._cluster, name, body)
        with self._lock:
            before = self._ready.get(name)
            if before:
                pipeline.counts = before.counts
            self._ready[name] = pipeline
            self._records.put(name, body)

    def delete(self, name: str) -> None:
        """Forget it."""
        with self._lock:
            self._ready.pop(name, None)
            self._records.delete(name)

    def referenced_models(self) -> set[str]:
        """Ids of models, aliases and deployments that processors name."""
        return {model for models in self.models().values() for model in models}

    def models(self) -> dict[str, set[str]]:
        """By pipeline: the ids that its processors name."""
        return {name: set(_models(body)) for name, body in self.all().items()}


def _models(value: Any) -> list[str]:
    if isinstance(value, list):
        return [model for each in value for model in _models(each)]
    if not isinstance(value, dict):
        return []
    found = [value["inference"]["model_id"]] if isinstance(value.get("inference"), dict) else []
    return found + [model for each in value.values() for model in _models(each)]


def parsed(cluster: Cluster, name: str, body: dict[str, Any]) -> Pipeline:
    """A definition, ready to run.

    Raises:
        Refusal: something is missing, unknown, or contradicts something else.
    """
    if "processors" not in body:
        raise ingest_errors.REQUIRED_PROPERTY.refusal(
            property="processors", metadata={"property_name": "processors"}
        )
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise ingest_errors.UNKNOWN_PIPELINE_PROPERTIES.refusal(
            pipeline=name, properties=f"[{', '.join(unknown)}]"
        )
    failing = body.get("on_failure")
    if failing is not None and not failing:
        raise ingest_errors.EMPTY_ON_FAILURE.refusal(pipeline=name)
    return Pipeline(name, _steps(cluster, body["processors"]), _steps(cluster, failing or []))


def _steps(cluster: Cluster, definitions: Any) -> tuple[Step, ...]:
    if not isinstance(definitions, list):
        raise ingest_errors.WRONG_PROPERTY.refusal(property="processors", problem="property isn't a list")
    return tuple(
        _step(cluster, kind, values)
        for definition in definitions
        for kind, values in dict(definition).items()
    )


def _step(cluster: Cluster, kind: str, values: Any) -> Step:
    config = ProcessorConfig(kind, values)
    if kind not in CHANGES and kind not in ("inference", "pipeline"):
        raise config.refusal(ingest_errors.NO_SUCH_PROCESSOR, type=kind)
    if config.has("if"):
        raise config.refusal(ingest_errors.NO_CONDITIONS, "if")
    ignore = config.flag("ignore_failure")
    failing = config.value("on_failure", None)
    if failing == []:
        problem = "processor on-failure processors list cannot be empty"
        raise config.refusal(ingest_errors.WRONG_PROPERTY, "on_failure", problem=problem)
    act = _act(cluster, config)
    config.finish()
    return Step(kind, config.tag, act, ignore, _steps(cluster, failing or []))


def _act(cluster: Cluster, config: ProcessorConfig) -> Act:
    if config.kind == "inference":
        processor = inference_processor.read(config)
        return lambda _run, documents: processor.act(cluster, documents)
    if config.kind == "pipeline":
        return inner_pipeline(config.text("name"), config.flag("ignore_missing_pipeline"))
    return each_document(CHANGES[config.kind](config))
