"""The stored trained models and their aliases. Packaged models are downloaded, others are uploaded."""

from __future__ import annotations

import threading
import time
from typing import Any

from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml import lang_ident
from sandbox.elastic.ml.downloads import ACTION, Download
from sandbox.elastic.ml.packages import PACKAGES, RERANKER, TYPE_OF_TASK, TaskType
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.store import Store
from sandbox.elastic.tasks.manager import Tasks
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.routing import TakeAtEnd

WEIGHTS = ".ml-inference-native-000002"
"""The index that holds definitions."""


class Models:
    """All models. A model is a config, the parts of its definition, and the size of its vocabulary."""

    def __init__(
        self,
        store: Store,
        options: ElasticOptions,
        release: Release,
        tasks: Tasks,
        take_at_end: TakeAtEnd,
        ending: threading.Event,
    ) -> None:
        self._records = store.records("trained_models")
        self._aliases = store.records("trained_model_aliases")
        self._options = options
        self._release = release
        self._tasks = tasks
        self._take_at_end = take_at_end
        self._ending = ending
        self.lock = threading.RLock()
        self._downloads: dict[str, Download] = {}

    def ids(self) -> list[str]:
        """The ids of all models, sorted."""
        return sorted([lang_ident.MODEL, *self._records.all()])

    def record(self, model: str) -> dict[str, Any]:
        """The record of a model, by id or alias.

        Raises:
            Refusal: there is no such model.
        """
        name = self.aliases().get(model, model)
        found = lang_ident.RECORD if name == lang_ident.MODEL else self._records.get(name)
        if found is None:
            raise ml_errors.NO_SUCH_MODEL.refusal(model=model)
        return found

    def exists(self, model: str) -> bool:
        """Whether there is a model with this id; aliases do not count."""
        return model in self.ids()

    def save(self, model: str, record: dict[str, Any]) -> None:
        """Store the record of a model."""
        self._records.put(model, record)

    def delete(self, model: str) -> None:
        """Delete a model, its download and its aliases."""
        with self.lock:
            download = self._downloads.pop(model, None)
            if download:
                download.ended.set()
            for alias in self.aliases_of(model):
                self._aliases.delete(alias)
            self._records.delete(model)

    def aliases(self) -> dict[str, str]:
        """All aliases: alias to model."""
        return self._aliases.all()

    def aliases_of(self, model: str) -> list[str]:
        """The aliases of a model, sorted."""
        return sorted(alias for alias, target in self.aliases().items() if target == model)

    def set_alias(self, alias: str, model: str) -> None:
        """Point an alias at a model."""
        self._aliases.put(alias, model)

    def drop_alias(self, alias: str) -> None:
        """Delete an alias."""
        self._aliases.delete(alias)

    def is_packaged(self, model: str) -> bool:
        """Whether it is a packaged model, which is downloaded."""
        return model in PACKAGES and (model != RERANKER or self._release.reranker)

    def is_elser(self, model: str) -> bool:
        """Whether it is a packaged ELSER."""
        return model in PACKAGES and PACKAGES[model].is_elser

    def task_type(self, model: str) -> TaskType:
        """What a model answers; tokens with weights if its task is none that can run."""
        (task, *_) = self.record(model)["config"]["inference_config"] or [""]
        return TYPE_OF_TASK.get(task, "sparse_embedding")

    def fully_defined(self, record: dict[str, Any]) -> bool:
        """Whether the definition is complete."""
        return record["total_parts"] > 0 and len(record["parts"]) >= record["total_parts"]

    def size(self, record: dict[str, Any]) -> int:
        """The size of the definition in bytes, as far as it exists."""
        package = record["config"].get("model_package")
        if package:
            return package["size"] if self.fully_defined(record) else 0
        return sum(record["parts"].values())

    def download(self, model: str) -> Download | None:
        """The running download of a model, if any."""
        found = self._downloads.get(model)
        return found if found and not found.ended.is_set() else None

    def put_package(self, model: str, fields: list[str]) -> dict[str, Any]:
        """The record of a packaged model; starts or resumes its download if necessary."""
        with self.lock:
            record = self._records.get(model)
            if record is None:
                record = {
                    "config": _packaged(model, fields),
                    "parts": {},
                    "total_parts": self._options.download_parts,
                    "vocabulary": 0,
                    "stalled": False,
                }
                self.save(model, record)
            if not self.fully_defined(record) and not self.download(model):
                self._begin(model, record)
            return record

    def _begin(self, model: str, record: dict[str, Any]) -> None:
        options = self._options
        stalls = options.download_stalls if not record["stalled"] else 0
        first = len(record["parts"])
        seconds = options.download_seconds
        if fault := self._take_at_end("ml.put_trained_model"):
            # Broken off half way, or without progress for as long as the fault lasts.
            stalls = record["total_parts"] // 2 if fault.kind == "internal" else stalls
            seconds += fault.seconds if fault.kind == "stall" else 0.0
        download = Download(model, record["total_parts"], seconds, first, stalls)
        self._downloads[model] = download
        shown = download.status if self._release.download_progress else lambda: None
        task = self._tasks.begin(ACTION, f"model_id-[{model}]", shown)

        def arrived(parts: int) -> None:
            with self.lock:
                kept = self._records.get(model)
                if kept is None or download.ended.is_set():
                    return
                kept["parts"] = {str(number): 0 for number in range(parts)}
                kept["stalled"] = kept["stalled"] or bool(options.download_stalls)
                self.save(model, kept)

        def run() -> None:
            download.run(self._ending, arrived)
            self._tasks.end(task)

        threading.Thread(target=run, name="model-download", daemon=True).start()


def shown(models: Models, record: dict[str, Any], include: set[str]) -> dict[str, Any]:
    """The config of a model, as clients see it.

    Raises:
        Refusal: its `definition_status` was requested, but it has none.
    """
    config = dict(record["config"])
    config["model_size_bytes"] = models.size(record)
    aliases = models.aliases_of(config["model_id"])
    if aliases:
        config["metadata"] = {**config["metadata"], "model_aliases": aliases}
    if "definition_status" in include:
        if config["model_type"] != "pytorch":
            raise ml_errors.STATUS_OF_NO_PYTORCH.refusal()
        config["fully_defined"] = models.fully_defined(record)
    return config


def new_config(model: str, fields: list[str], inference: dict[str, Any]) -> dict[str, Any]:
    """The common part of every model's config."""
    return {
        "model_id": model,
        "model_type": "pytorch",
        "created_by": "api_user",
        "version": "12.0.0",
        "create_time": int(time.time() * 1000),
        "model_size_bytes": 0,
        "estimated_operations": 0,
        "license_level": "platinum",
        "description": "",
        "tags": [],
        "metadata": {},
        "input": {"field_names": fields},
        "inference_config": inference,
        "location": {"index": {"name": WEIGHTS}},
    }


def _packaged(model: str, fields: list[str]) -> dict[str, Any]:
    package = PACKAGES[model]
    config = {
        **new_config(model, fields, package.inference_config(WEIGHTS)),
        **package.config(),
        "tags": ["elastic"],
    }
    # In the order in which the service shows them.
    first = ("model_id", "model_type", "model_package")
    return {**{name: config[name] for name in first}, **config}
