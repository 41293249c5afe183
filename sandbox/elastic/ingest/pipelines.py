"""The stored ingest pipelines: definitions in the database, counts in memory.

A definition is validated when it is put, so every stored pipeline can run.
"""

from __future__ import annotations

import threading
from typing import Any

from sandbox.elastic.ingest.execution import Pipeline
from sandbox.elastic.ingest.parsing import PipelineParser
from sandbox.elastic.store import Records


class Pipelines:
    """All pipelines."""

    def __init__(self, records: Records, parser: PipelineParser) -> None:
        self._records = records
        self._parser = parser
        self._lock = threading.Lock()
        self._ready = {name: parser.parse(name, body) for name, body in self._records.all().items()}

    def all(self) -> dict[str, Any]:
        """The definitions by id."""
        return self._records.all()

    def ready(self) -> list[Pipeline]:
        """All executable pipelines, with their counts."""
        return list(self._ready.values())

    def find(self, name: str) -> Pipeline | None:
        """The current executable pipeline of this id."""
        return self._ready.get(name)

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Store a definition; replaces one of the same id.

        Raises:
            Refusal: the definition is invalid.
        """
        pipeline = self._parser.parse(name, body)
        with self._lock:
            before = self._ready.get(name)
            if before:
                pipeline.counts = before.counts
            self._ready[name] = pipeline
            self._records.put(name, body)

    def delete(self, name: str) -> None:
        """Delete a pipeline."""
        with self._lock:
            self._ready.pop(name, None)
            self._records.delete(name)

    def referenced_models(self) -> set[str]:
        """The ids of models, aliases and deployments that processors reference."""
        return {model for models in self.models().values() for model in models}

    def statistics(self, models: set[str]) -> dict[str, dict[str, Any]]:
        """The counts of every pipeline that references one of these ids, by pipeline id."""
        using = [name for name, named in self.models().items() if named & models]
        return {name: pipeline.statistics() for name in using if (pipeline := self.find(name))}

    def models(self) -> dict[str, set[str]]:
        """By pipeline: the ids that its processors reference."""
        return {name: set(_models(body)) for name, body in self.all().items()}


def _models(value: Any) -> list[str]:
    if isinstance(value, list):
        return [model for each in value for model in _models(each)]
    if not isinstance(value, dict):
        return []
    found = [value["inference"]["model_id"]] if isinstance(value.get("inference"), dict) else []
    return found + [model for each in value.values() for model in _models(each)]
