"""The inference APIs: put, get, update, delete, and infer for sparse and dense embeddings and for reranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference import openai, reranking
from sandbox.elastic.inference.definitions import TASK_TYPES, Definitions, task_type_of
from sandbox.elastic.inference.endpoints import Endpoint, Endpoints
from sandbox.elastic.inference.serving import EndpointInference
from sandbox.elastic.inference.use import EndpointUse
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.inference import Purpose, embedding_of
from sandbox.elastic.ml.licence import MachineLearningLicence
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.expressions import chosen
from sandbox.elastic.wire.routing import Route

_ID = "/_inference/{inference_id}"
_TYPED = "/_inference/{task_type}/{inference_id}"
_INPUT_TYPES = ("ingest", "search", "classification", "clustering", "unspecified")
_PROBE = "how big"
_PURPOSES: dict[str, Purpose] = {"ingest": "ingest", "search": "search"}
"""Input types by which a model's prefix is chosen."""
_INFER = {"input", "input_type", "query", "task_settings", *reranking.OPTIONS}


class InferenceEndpointApi:
    """Manages endpoints and calls them."""

    def __init__(
        self,
        endpoints: Endpoints,
        definitions: Definitions,
        serving: EndpointInference,
        use: EndpointUse,
        deployments: Deployments,
        licence: MachineLearningLicence,
        release: Release,
    ) -> None:
        self._endpoints = endpoints
        self._definitions = definitions
        self._serving = serving
        self._use = use
        self._deployments = deployments
        self._licence = licence
        self._release = release

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        typed = (
            Route(
                f"inference.{kind}",
                "POST",
                f"/_inference/{kind}/{{inference_id}}",
                partial(self.infer, kind=kind),
            )
            for kind in TASK_TYPES
        )
        return (
            *(Route("inference.put", "PUT", path, self.put, changes=True) for path in (_ID, _TYPED)),
            *(Route("inference.get", "GET", path, self.get) for path in ("/_inference", _ID, _TYPED)),
            *(
                Route("inference.update", "PUT", f"{path}/_update", self.update, changes=True)
                for path in ((_ID, _TYPED) if self._release.inference_update else ())
            ),
            *(Route("inference.delete", "DELETE", path, self.delete, changes=True) for path in (_ID, _TYPED)),
            *typed,
            *(Route("inference.inference", "POST", path, self.infer) for path in (_ID, _TYPED)),
        )

    def put(self, request: Request) -> dict[str, Any]:
        """`PUT /_inference/[{task_type}/]{inference_id}`: downloads and deploys the model; what takes longer goes on."""
        self._licence.require()
        name = request.params["inference_id"]
        if self._endpoints.find(name):
            raise inference_errors.EXISTS.refusal(id=name)
        endpoint = self._definitions.read(name, request.params.get("task_type"), request.json())
        if endpoint.is_remote:  # asked once: what it answers says how many dimensions a field needs
            (answer,) = openai.embed(endpoint, [_PROBE])
            endpoint = replace(endpoint, dimensions=len(answer.value))
        self._endpoints.put(endpoint)
        try:
            self._serving.bring_up(endpoint, request.seconds("timeout", 30), request.text("timeout", "30s"))
        except Refusal as refusal:
            if refusal.status != ml_errors.START_TIMED_OUT.status:
                self._endpoints.delete(name)
            raise
        return self._shown(endpoint)

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_inference[/{task_type}][/{inference_id}]`: `_all`, `*` and lists too."""
        name, kind = request.params.get("inference_id", "_all"), request.params.get("task_type")
        everything = self._endpoints.all()
        found = chosen(name, everything)
        if found.missing and not found.wildcard and name != "_all":
            raise inference_errors.NOT_FOUND.refusal(id=",".join(found.missing))
        matching = [everything[each] for each in found.names]
        if name in everything:
            self._endpoints.get(name, kind)
        shown = [self._shown(each) for each in matching if kind in (None, "any", "_all", each.task_type)]
        return {"endpoints": shown}

    def update(self, request: Request) -> dict[str, Any]:
        """`PUT /_inference/[{task_type}/]{inference_id}/_update`: the allocations of its deployment."""
        endpoint = self._endpoints.get(request.params["inference_id"], request.params.get("task_type"))
        settings = request.json().get("service_settings") or {}
        if endpoint.is_remote and set(settings) == {"api_key"}:
            changed = replace(endpoint, secret=str(settings["api_key"]))
            openai.embed(changed, [_PROBE])
            self._endpoints.put(changed)
            return self._shown(changed)
        unknown = {
            name: value
            for name, value in settings.items()
            if name not in ("num_allocations", "adaptive_allocations")
        }
        if unknown:
            shown = ", ".join(f"{name}={value}" for name, value in unknown.items())
            raise inference_errors.UNKNOWN_SETTINGS.refusal(shown=shown, service=endpoint.service)
        if not settings:
            raise inference_errors.UPDATE_NOTHING.refusal()
        deployment = self._deployments.find(endpoint.deployment)
        if deployment is None:
            raise ml_errors.NO_SUCH_DEPLOYMENT.refusal(deployment=endpoint.deployment)
        adaptive, count = settings.get("adaptive_allocations"), settings.get("num_allocations")
        if (adaptive or {}).get("enabled") and count is not None:
            raise inference_errors.INVALID.refusal(
                problem="[number_of_allocations] cannot be set if adaptive allocations is enabled"
            )
        least = (adaptive or {}).get("min_number_of_allocations") or 1
        now = deployment.parameters["number_of_allocations"]
        self._deployments.update(deployment, count or max(now, least), adaptive)
        changed = replace(endpoint, num_allocations=count, adaptive_allocations=adaptive)
        self._endpoints.put(changed)
        return self._shown(changed)

    def delete(self, request: Request) -> Reply | dict[str, Any]:
        """`DELETE /_inference/[{task_type}/]{inference_id}`: refused while it is used, unless forced; stops its deployment."""
        name = request.params["inference_id"]
        endpoint = self._endpoints.get(name, request.params.get("task_type"))
        pipelines, indexes = self._use.pipelines(name), self._use.indexes(name)
        shown: dict[str, Any] = {"pipelines": pipelines, "indexes": indexes}
        in_use = inference_errors.IN_USE.refusal(problem=_users(name, pipelines, indexes))
        if request.flag("dry_run"):
            request.changed = False
            message = {"error_message": in_use.reason} if pipelines or indexes else {}
            return {"acknowledged": False, **message, **shown}
        if self._endpoints.is_default(name) and not request.flag("force"):
            raise inference_errors.RESERVED.refusal(id=name)
        if (pipelines or indexes) and not request.flag("force"):
            raise in_use
        deployment = self._deployments.find(endpoint.deployment)
        if deployment and not endpoint.deployment_id:
            self._deployments.stop(deployment)
        self._endpoints.delete(name)
        return {"acknowledged": True, **shown}

    def infer(self, request: Request, kind: str | None = None) -> dict[str, Any]:
        """`POST /_inference/[{task_type}/]{inference_id}`: one answer for each input, in order; of rerank the best first."""
        self._licence.require()
        body, asked = request.json(), kind or request.params.get("task_type")
        if asked is not None:
            task_type_of(asked)
        endpoint = self._endpoints.get(request.params["inference_id"], asked)
        texts = _texts(body, endpoint, with_options=self._release.rerank_options)
        purpose = _PURPOSES.get(str(body.get("input_type", "")).lower(), "infer")
        timeout, shown_timeout = request.seconds("timeout", 30), request.text("timeout", "30s")
        if endpoint.task_type == "rerank":
            asked = reranking.Asked.read(body, endpoint)
            scores = self._serving.relevance(endpoint, asked.query, texts, purpose, timeout, shown_timeout)
            return asked.shown(texts, scores)
        outcomes = self._serving.embed(endpoint.inference_id, texts, purpose, timeout, shown_timeout)
        answers = [embedding_of(outcome) for outcome in outcomes]
        if endpoint.task_type == "text_embedding":
            return {"text_embedding": [{"embedding": each.value} for each in answers]}
        shown = [{"is_truncated": each.is_truncated, "embedding": each.value} for each in answers]
        return {"sparse_embedding": shown}

    def _shown(self, endpoint: Endpoint) -> dict[str, Any]:
        deployment = self._deployments.find(endpoint.deployment)
        allocations = deployment.parameters["number_of_allocations"] if deployment else None
        return endpoint.shown(allocations, self._release.chunking_settings)


def _users(name: str, pipelines: Sequence[str], indexes: Sequence[str]) -> str:
    """What uses an endpoint, in the words of the service."""
    by_pipelines = inference_errors.USED_BY_PIPELINES.format(id=name, names=", ".join(pipelines))
    by_indices = inference_errors.USED_BY_INDICES.format(id=name, names=", ".join(indexes))
    return (by_pipelines if pipelines else "") + (by_indices if indexes else "")


def _texts(body: dict[str, Any], endpoint: Endpoint, *, with_options: bool) -> list[str]:
    for name, value in body.items():
        if name not in _INFER or (name in reranking.OPTIONS and not with_options):
            raise inference_errors.UNKNOWN_SETTINGS.refusal(shown=f"{name}={value}", service=endpoint.service)
    kind = body.get("input_type")
    if kind is not None and str(kind).lower() not in _INPUT_TYPES:
        cause = inference_errors.NO_INPUT_TYPE.refusal(input_type=str(kind).upper())
        raise inference_errors.INPUT_TYPE.refusal(cause=cause)
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if texts == []:
        raise inference_errors.EMPTY_INPUT.refusal()
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise inference_errors.NO_INPUT.refusal()
    if endpoint.task_type != "rerank":
        for name in ("query", "task_settings", *reranking.OPTIONS):
            if body.get(name) is not None and body[name] != {}:
                raise inference_errors.NOT_FOR_TASK.refusal(field=name, task_type=endpoint.task_type)
    return texts
