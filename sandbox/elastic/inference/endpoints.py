"""The stored inference endpoints, and those that every cluster has without anybody having created them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.ml.packages import PACKAGES, RERANKER, TaskType
from sandbox.elastic.store import Records
from sandbox.elastic.versions import Release

DEFAULT_ELSER = ".elser-2-elasticsearch"
DEFAULT_E5 = ".multilingual-e5-small-elasticsearch"
DEFAULT_RERANKER = ".rerank-v1-elasticsearch"
_ADAPTIVE = {"enabled": True, "min_number_of_allocations": 0, "max_number_of_allocations": 32}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint; a change makes a new one."""

    inference_id: str
    task_type: TaskType
    service: str
    model_id: str
    num_threads: int = 1
    num_allocations: int | None = None
    adaptive_allocations: Mapping[str, Any] | None = None
    deployment_id: str | None = None
    """A running deployment that it uses, instead of one of its own."""
    chunking_settings: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    """Where texts are sent by the service `openai`; empty for a model in the cluster."""
    secret: str = field(default="", repr=False)
    """Its key, which no answer shows."""
    dimensions: int = 0
    """Of its vectors, as it was asked for or found out."""
    dimensions_given: bool = False
    return_documents: bool = True
    """Whether a reranker's answers repeat the texts, where a call does not say it."""

    @property
    def is_remote(self) -> bool:
        """Whether its model is outside the cluster."""
        return bool(self.url)

    @property
    def deployment(self) -> str:
        """The id of the deployment that answers; its own bears the endpoint's id."""
        return self.deployment_id or self.inference_id

    def shown(self, allocations: int | None, with_chunking: bool) -> dict[str, Any]:
        """The endpoint as the API returns it; `allocations` are those of its running deployment."""
        if self.is_remote:
            return self._shown_remote(with_chunking)
        count = self.num_allocations if allocations is None else allocations
        settings: dict[str, Any] = {} if count is None else {"num_allocations": count}
        settings |= {"num_threads": self.num_threads, "model_id": self.model_id}
        if self.adaptive_allocations is not None:
            settings["adaptive_allocations"] = dict(self.adaptive_allocations)
        if self.deployment_id:
            settings["deployment_id"] = self.deployment_id
        shown: dict[str, Any] = {
            "inference_id": self.inference_id,
            "task_type": self.task_type,
            "service": self.service,
            "service_settings": settings,
        }
        if self.task_type == "rerank":
            return shown | {"task_settings": {"return_documents": self.return_documents}}
        if with_chunking:
            shown["chunking_settings"] = chunking.read(self.chunking_settings).shown()
        return shown

    def _shown_remote(self, with_chunking: bool) -> dict[str, Any]:
        settings = {
            "model_id": self.model_id,
            "url": self.url,
            "similarity": "dot_product",
            "dimensions": self.dimensions,
            "rate_limit": {"requests_per_minute": 3000},
        }
        shown: dict[str, Any] = {
            "inference_id": self.inference_id,
            "task_type": self.task_type,
            "service": self.service,
            "service_settings": settings,
        }
        return shown | (
            {"chunking_settings": dict(self.chunking_settings or chunking.DEFAULT)} if with_chunking else {}
        )


class Endpoints:
    """All endpoints."""

    def __init__(self, records: Records, release: Release) -> None:
        self._records = records
        self._defaults = _defaults(release)

    def all(self) -> dict[str, Endpoint]:
        """By id, sorted."""
        stored = {name: Endpoint(**value) for name, value in self._records.all().items()}
        return dict(sorted((self._defaults | stored).items()))

    def find(self, inference_id: str) -> Endpoint | None:
        """The endpoint with this id, if there is one."""
        stored = self._records.get(inference_id)
        return Endpoint(**stored) if stored else self._defaults.get(inference_id)

    def get(self, inference_id: str, task_type: str | None = None) -> Endpoint:
        """The endpoint with this id.

        Raises:
            Refusal: there is none, or it has another task type.
        """
        found = self.find(inference_id)
        if found is None:
            raise inference_errors.NOT_FOUND.refusal(id=inference_id)
        if task_type not in (None, "any", found.task_type):
            raise inference_errors.OTHER_TASK_TYPE.refusal(asked=task_type, there=found.task_type)
        return found

    def is_default(self, inference_id: str) -> bool:
        """Whether every cluster has it; its model is deployed when it is first used."""
        return inference_id in self._defaults

    def put(self, endpoint: Endpoint) -> None:
        """Store an endpoint."""
        self._records.put(endpoint.inference_id, asdict(endpoint))

    def delete(self, inference_id: str) -> None:
        """Delete a stored endpoint."""
        self._records.delete(inference_id)


def _defaults(release: Release) -> dict[str, Endpoint]:
    models: dict[str, str] = {}
    if release.default_endpoints:
        models |= {
            DEFAULT_ELSER: ".elser_model_2_linux-x86_64",
            DEFAULT_E5: ".multilingual-e5-small_linux-x86_64",
        }
    if release.default_reranker:
        models[DEFAULT_RERANKER] = RERANKER
    return {
        name: Endpoint(
            name, PACKAGES[model].task_type, "elasticsearch", model, adaptive_allocations=_ADAPTIVE
        )
        for name, model in models.items()
    }
