"""The body of a request that creates an endpoint, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference import openai
from sandbox.elastic.inference.endpoints import Endpoint
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.packages import PACKAGES, TaskType
from sandbox.elastic.versions import Release

TASK_TYPES = get_args(TaskType)
_OTHER_TASK_TYPES = ("embedding", "completion", "chat_completion")
_REMOTE = frozenset(
    {
        "ai21",
        "alibabacloud-ai-search",
        "amazonbedrock",
        "amazon_sagemaker",
        "anthropic",
        "azureaistudio",
        "azureopenai",
    }
    | {
        "cohere",
        "contextualai",
        "custom",
        "deepseek",
        "elastic",
        "fireworksai",
        "googleaistudio",
        "googlevertexai",
    }
    | {
        "groq",
        "hugging_face",
        "jinaai",
        "llama",
        "mistral",
        "nvidia",
        "openshift_ai",
        "voyageai",
        "watsonxai",
    }
)
"""Services that call other machines, as the official client names them."""
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?")
_SETTINGS = ("num_threads", "num_allocations", "adaptive_allocations", "model_id", "deployment_id")
_OPENAI_SETTINGS = ("api_key", "model_id", "url", "dimensions")
_BODY = {"service", "service_settings", "task_settings", "task_type", "chunking_settings"}


class Definitions:
    """Reads definitions of endpoints, with the models and deployments that they may refer to."""

    def __init__(self, models: Models, deployments: Deployments, release: Release) -> None:
        self._models = models
        self._deployments = deployments
        self._release = release

    def read(self, inference_id: str, task_type: str | None, body: Mapping[str, Any]) -> Endpoint:
        """The endpoint that a body defines.

        Raises:
            Refusal: the body, the id or the model is not allowed.
        """
        service = _service(body)
        unknown = {name: value for name, value in body.items() if name not in _BODY}
        if unknown:
            raise _unknown(unknown, service)
        settings: dict[str, Any] = dict(body.get("service_settings") or {})
        if service == "openai":
            _task_settings(body, service, "")
            return self._openai(inference_id, task_type or body.get("task_type"), settings, body)
        if extra := {name: value for name, value in settings.items() if name not in _SETTINGS}:
            raise _unknown(extra, service)
        if service == "elser":
            settings = {"model_id": ".elser_model_2_linux-x86_64", "num_threads": 1, **settings}
        model = self._model(settings)
        wanted = task_type_of(task_type or body.get("task_type"))
        if wanted == "rerank" and (service == "elser" or not self._release.reranker):
            raise inference_errors.SERVICE_WITHOUT_TASK.refusal(service=service, task_type=wanted)
        returns = _task_settings(body, service, wanted)
        self._check_id(inference_id)
        there = self._task_type(model)
        if there != wanted:
            raise inference_errors.MODEL_OF_OTHER_TASK.refusal(model=model, there=there, asked=wanted)
        if wanted == "rerank" and body.get("chunking_settings"):
            raise _unknown({"chunking_settings": body["chunking_settings"]}, service)
        chunking.read(body.get("chunking_settings"))
        running = settings.get("deployment_id")
        return Endpoint(
            inference_id,
            wanted,
            service,
            model,
            1 if running else _positive(settings, "num_threads", required=True) or 1,
            _positive(settings, "num_allocations"),
            settings.get("adaptive_allocations"),
            running,
            dict(body.get("chunking_settings") or {}),
            return_documents=returns,
        )

    def _openai(
        self, inference_id: str, task_type: Any, settings: Mapping[str, Any], body: Mapping[str, Any]
    ) -> Endpoint:
        """An endpoint of the service openai; only for embeddings, and only on this machine."""
        if extra := {name: value for name, value in settings.items() if name not in _OPENAI_SETTINGS}:
            raise _unknown(extra, "openai")
        for name in ("api_key", "model_id"):
            if not settings.get(name):
                raise _missing(name)
        wanted = task_type_of(task_type)
        if wanted != "text_embedding":
            raise inference_errors.TASK_TYPE_NOT_IMITATED.refusal(task_type=wanted)
        self._check_id(inference_id)
        url = str(settings.get("url") or openai.DEFAULT_URL)
        openai.check_address(url)
        chunking.read(body.get("chunking_settings"))
        dimensions = _positive(settings, "dimensions")
        return Endpoint(
            inference_id,
            wanted,
            "openai",
            str(settings["model_id"]),
            chunking_settings=dict(body.get("chunking_settings") or {}),
            url=url,
            secret=str(settings["api_key"]),
            dimensions=dimensions or 0,
            dimensions_given=dimensions is not None,
        )

    def _model(self, settings: Mapping[str, Any]) -> str:
        """The model that the settings name, itself or by a running deployment."""
        if running := settings.get("deployment_id"):
            found = self._deployments.find(running)
            if found is None:
                raise inference_errors.INVALID.refusal(
                    problem=f"Could not find a running deployment with id [{running}]"
                )
            return found.model
        if not settings.get("model_id"):
            raise _missing("model_id")
        if settings.get("num_allocations") is None and settings.get("adaptive_allocations") is None:
            problem = "[service_settings] does not contain one of the required settings [num_allocations, adaptive_allocations]"
            raise inference_errors.INVALID.refusal(problem=problem)
        if settings.get("num_allocations") is not None and (settings.get("adaptive_allocations") or {}).get(
            "enabled"
        ):
            problem = "[number_of_allocations] cannot be set if adaptive allocations is enabled"
            raise inference_errors.INVALID.refusal(problem=problem)
        return str(settings["model_id"])

    def _task_type(self, model: str) -> TaskType:
        """What a model answers: packaged ones by their name, uploaded ones by their config."""
        return PACKAGES[model].task_type if self._models.is_packaged(model) else self._models.task_type(model)

    def _check_id(self, inference_id: str) -> None:
        if not _ID.fullmatch(inference_id):
            raise inference_errors.BAD_ID.refusal(id=inference_id)
        if self._models.exists(inference_id) or self._deployments.find(inference_id):
            raise inference_errors.ID_IS_MODEL.refusal(id=inference_id)


def task_type_of(given: Any) -> TaskType:
    """A task type that a model here answers.

    Raises:
        Refusal: there is none, or it is unknown or not imitated.
    """
    if not given or given == "any":
        raise inference_errors.NO_TASK_TYPE.refusal()
    if given in _OTHER_TASK_TYPES:
        raise inference_errors.TASK_TYPE_NOT_IMITATED.refusal(task_type=given)
    if given not in TASK_TYPES:
        raise inference_errors.UNKNOWN_TASK_TYPE.refusal(task_type=given)
    return cast("TaskType", given)


def _service(body: Mapping[str, Any]) -> str:
    service = body.get("service")
    if not service:
        raise inference_errors.NO_SERVICE.refusal()
    if service in _REMOTE:
        raise inference_errors.SERVICE_NOT_IMITATED.refusal(service=service)
    if service not in ("elasticsearch", "elser", "openai"):
        raise inference_errors.UNKNOWN_SERVICE.refusal(service=service)
    return service


def _task_settings(body: Mapping[str, Any], service: str, task_type: str) -> bool:
    """Whether answers repeat the texts (CustomElandRerankTaskSettings.java); other tasks have no settings."""
    given = dict(body.get("task_settings") or {})
    returns = given.pop("return_documents", None) if task_type == "rerank" else None
    if given:
        raise _unknown(given, service)
    if returns is not None and not isinstance(returns, bool):
        problem = f"field [return_documents] is not of the expected type. The value [{returns}] cannot be converted to a [Boolean]"
        raise inference_errors.INVALID.refusal(problem=problem)
    return returns is not False


def _unknown(settings: Mapping[str, Any], service: str) -> Exception:
    shown = ", ".join(f"{name}={value}" for name, value in settings.items())
    return inference_errors.UNKNOWN_SETTINGS.refusal(shown=shown, service=service)


def _missing(name: str) -> Exception:
    return inference_errors.INVALID.refusal(
        problem=f"[service_settings] does not contain the required setting [{name}]"
    )


def _positive(settings: Mapping[str, Any], name: str, *, required: bool = False) -> int | None:
    value = settings.get(name)
    if value is None:
        if required:
            raise _missing(name)
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        problem = f"field [{name}] is not of the expected type. The value [{value}] cannot be converted to a [Integer]"
        raise inference_errors.INVALID.refusal(problem=problem)
    if value < 1:
        problem = f"[service_settings] Invalid value [{value}]. [{name}] must be a positive integer"
        raise inference_errors.INVALID.refusal(problem=problem)
    return value
