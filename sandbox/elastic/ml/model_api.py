"""The trained model APIs: put, definition parts, vocabulary, get, delete, aliases."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.ml import lang_ident, models
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.pipeline_use import PipelineUse
from sandbox.elastic.wire.exchange import Request, whole
from sandbox.elastic.wire.expressions import chosen
from sandbox.elastic.wire.routing import Route

_BODY = {
    "compressed_definition",
    "definition",
    "description",
    "inference_config",
    "input",
    "metadata",
    "model_id",
} | {*("model_size_bytes", "model_type", "platform_architecture", "prefix_strings", "tags")}
TASKS = (
    *("fill_mask", "ner", "pass_through", "question_answering", "text_classification", "text_embedding"),
    *("text_expansion", "text_similarity", "zero_shot_classification"),
)
"""What a model of text can be for; which of them can run is decided when one is started."""
_MOST_PARTS = 10_000
_NEEDED_BESIDE = {"roberta": "merges", "xlm_roberta": "scores"}
"""What a tokenizer needs beside its vocabulary."""
_ID = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?")
_ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z_\-.])?(?<![0-9])")
_MODEL = "/_ml/trained_models/{model_id}"


class ModelApi:
    """Manages models and their aliases."""

    def __init__(
        self, models: Models, deployments: Deployments, pipelines: PipelineUse, ending: threading.Event
    ) -> None:
        self._models = models
        self._deployments = deployments
        self._pipelines = pipelines
        self._ending = ending

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route(
                "ml.put_trained_model", "PUT", _MODEL, self.put, changes=True, at_end=("internal", "stall")
            ),
            Route(
                "ml.put_trained_model_definition_part",
                "PUT",
                f"{_MODEL}/definition/{{part}}",
                self.put_part,
                changes=True,
            ),
            Route(
                "ml.put_trained_model_vocabulary",
                "PUT",
                f"{_MODEL}/vocabulary",
                self.put_vocabulary,
                changes=True,
            ),
            Route("ml.get_trained_models", "GET", _MODEL, self.get),
            Route("ml.get_trained_models", "GET", "/_ml/trained_models", self.get),
            Route("ml.delete_trained_model", "DELETE", _MODEL, self.delete, changes=True),
            Route(
                "ml.put_trained_model_alias",
                "PUT",
                f"{_MODEL}/model_aliases/{{model_alias}}",
                self.put_alias,
                changes=True,
            ),
            Route(
                "ml.delete_trained_model_alias",
                "DELETE",
                f"{_MODEL}/model_aliases/{{model_alias}}",
                self.delete_alias,
                changes=True,
            ),
        )

    def put(self, request: Request) -> dict[str, Any]:
        """`PUT /_ml/trained_models/{model_id}`: returns at once; a packaged model is downloaded in the background."""
        model = request.params["model_id"]
        body = request.fields("trained_model_config", *_BODY)
        held = self._models
        if self._deployments.find(model):
            raise ml_errors.MODEL_ID_IS_DEPLOYMENT.refusal(model=model)
        fields = body.get("input", {}).get("field_names") or ["text_field"]
        if held.is_packaged(model):
            record = held.put_package(model, fields)
            download = held.download(model)
            if request.flag("wait_for_completion") and download:
                download.ended.wait()
                if self._ending.is_set():
                    raise ml_errors.SHUT_DOWN.refusal()
                record = held.record(model)
            return models.shown(held, record, set())
        if not _ID.fullmatch(model):
            raise (
                ml_errors.RESERVED_MODEL_ID.refusal()
                if model.startswith(".")
                else ml_errors.BAD_MODEL_ID.refusal(model=model)
            )
        if held.exists(model):
            raise ml_errors.MODEL_EXISTS.refusal(model=model)
        if body.get("model_type") != "pytorch":
            raise (
                ml_errors.ONLY_PYTORCH.refusal()
                if "model_type" in body
                else ml_errors.NO_MODEL_CONTENT.refusal()
            )
        for task in body.get("inference_config") or {}:
            if task not in TASKS:
                raise errors.UNKNOWN_FIELD.refusal(parser="inference_config", field=task)
        config = models.new_config(model, fields, body.get("inference_config", {}))
        kept = ("description", "tags", "metadata", "prefix_strings", "platform_architecture")
        config |= {key: body[key] for key in kept if key in body}
        record = {"config": config, "parts": {}, "total_parts": 0, "total_length": 0}
        record |= {"vocabulary": 0, "stalled": False}
        held.save(model, record)
        return models.shown(held, record, set())

    def put_part(self, request: Request) -> dict[str, Any]:
        """`PUT /_ml/trained_models/{model_id}/definition/{part}`: only the size is stored."""
        model = request.params["model_id"]
        body = request.fields("put_definition_part", "definition", "total_definition_length", "total_parts")
        with self._models.lock:
            record = self._uploaded(model)
            part, total = (
                whole("part", request.params["part"]),
                whole("total_parts", body.get("total_parts", 0)),
            )
            length = whole("total_definition_length", body.get("total_definition_length", 0))
            _refuse_sizes(part, total, length)
            try:
                size = len(base64.b64decode(body.get("definition", ""), validate=True))
            except binascii.Error as error:
                raise ml_errors.NOT_BASE64.refusal(problem=error) from error
            if not size:
                raise ml_errors.BAD_UPLOAD.refusal(problem="[definition] must not be empty")
            record["parts"][str(part)] = size
            record |= {"total_parts": total, "total_length": length}
            self._models.save(model, record)
        return {"acknowledged": True}

    def put_vocabulary(self, request: Request) -> dict[str, Any]:
        """`PUT /_ml/trained_models/{model_id}/vocabulary`: only its size is stored."""
        model = request.params["model_id"]
        body = request.fields("put_vocabulary", "vocabulary", "merges", "scores")
        with self._models.lock:
            record = self._uploaded(model)
            _refuse_vocabulary(model, body, record["config"]["inference_config"])
            record["vocabulary"] = len(body["vocabulary"])
            self._models.save(model, record)
        return {"acknowledged": True}

    def _uploaded(self, model: str) -> dict[str, Any]:
        record = self._models.record(model)
        if self._models.is_packaged(model) or record["config"]["model_type"] != "pytorch":
            raise ml_errors.NOT_FOR_PACKAGED.refusal(model=model)
        return record

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_ml/trained_models[/{model_id}]`, with `include=definition_status`, wildcards, from and size."""
        include = set(request.text("include").split(",")) - {""}
        found = self.matching(request)
        tags = set(request.text("tags").split(",")) - {""}
        if tags:
            record = self._models.record
            found = [model for model in found if tags <= set(record(model)["config"].get("tags", []))]
        first = request.number("from", 0)
        page = found[first : first + request.number("size", 100)]
        if "definition_status" in include and len(page) > 1:
            raise ml_errors.STATUS_OF_SEVERAL.refusal()
        configs = [models.shown(self._models, self._models.record(model), include) for model in page]
        return {"count": len(found), "trained_model_configs": configs}

    def matching(self, request: Request) -> list[str]:
        """The models that a path's expression matches: ids, aliases, wildcards, `_all`; all models without one.

        Raises:
            Refusal: an id is unknown, or a pattern matches nothing and `allow_no_match` is false.
        """
        expression = request.params.get("model_id", "_all")
        aliases = self._models.aliases()
        found = chosen(expression, [*self._models.ids(), *aliases])
        if found.missing and (not found.wildcard or not request.flag("allow_no_match", True)):
            raise ml_errors.NO_SUCH_MODEL.refusal(model=",".join(found.missing))
        return sorted({aliases.get(name, name) for name in found.names})

    def delete(self, request: Request) -> dict[str, Any]:
        """`DELETE /_ml/trained_models/{model_id}`: refused while a pipeline or deployment uses it, unless forced."""
        held, model = self._models, request.params["model_id"]
        if not held.exists(model):
            raise ml_errors.NO_SUCH_MODEL.refusal(model=model)
        if model == lang_ident.MODEL:
            raise ml_errors.MODEL_REQUIRED.refusal(model=model)
        force = request.flag("force")
        deployed = self._deployments.of_model(model)
        if not force:
            referenced = self._pipelines.referenced_models()
            if model in referenced:
                raise ml_errors.MODEL_IN_PIPELINE.refusal(model=model)
            for alias in held.aliases_of(model):
                if alias in referenced:
                    raise ml_errors.MODEL_ALIAS_IN_PIPELINE.refusal(model=model, alias=alias)
            if deployed:
                raise ml_errors.MODEL_DEPLOYED.refusal(model=model)
        for deployment in deployed:
            self._deployments.stop(deployment)
        held.delete(model)
        return {"acknowledged": True}

    def put_alias(self, request: Request) -> dict[str, Any]:
        """`PUT /_ml/trained_models/{model_id}/model_aliases/{model_alias}`."""
        held, model, alias = self._models, request.params["model_id"], request.params["model_alias"]
        if not _ALIAS.fullmatch(alias):
            raise ml_errors.BAD_ALIAS.refusal(alias=alias)
        if held.exists(alias):
            raise ml_errors.ALIAS_IS_MODEL.refusal(alias=alias)
        if not held.exists(model):
            raise ml_errors.NO_SUCH_MODEL.refusal(model=model)
        with held.lock:
            self._check_reassignment(alias, model, request.flag("reassign"))
            held.set_alias(alias, model)
        return {"acknowledged": True}

    def _check_reassignment(self, alias: str, model: str, reassign: bool) -> None:
        other = self._models.aliases().get(alias)
        if other is None or other == model:
            return
        if not reassign:
            raise ml_errors.ALIAS_TAKEN.refusal(alias=alias, model=model, other=other)
        if self._deployments.of_model(other) and not self._deployments.of_model(model):
            raise ml_errors.ALIAS_NOT_DEPLOYED.refusal(alias=alias, model=model, other=other)

    def delete_alias(self, request: Request) -> dict[str, Any]:
        """`DELETE /_ml/trained_models/{model_id}/model_aliases/{model_alias}`."""
        held, model, alias = self._models, request.params["model_id"], request.params["model_alias"]
        with held.lock:
            target = held.aliases().get(alias)
            if target is None:
                raise ml_errors.NO_SUCH_ALIAS.refusal(alias=alias)
            if target != model:
                raise ml_errors.ALIAS_OF_ANOTHER.refusal(alias=alias, model=model)
            if alias in self._pipelines.referenced_models():
                raise ml_errors.ALIAS_IN_PIPELINE.refusal(alias=alias)
            held.drop_alias(alias)
        return {"acknowledged": True}


def _refuse_sizes(part: int, total: int, length: int) -> None:
    """Refuse numbers of a part that cannot be.

    Raises:
        Refusal: naming the number.
    """
    if not 0 <= part < total:
        raise ml_errors.BAD_PART.refusal()
    problem = ""
    if total > _MOST_PARTS:
        problem = f"[total_parts] must be less than or equal to {_MOST_PARTS}"
    elif length <= 0:
        problem = "[total_definition_length] must be greater than 0"
    if problem:
        raise ml_errors.BAD_UPLOAD.refusal(problem=problem)


def _refuse_vocabulary(model: str, body: Mapping[str, Any], inference_config: Mapping[str, Any]) -> None:
    """Refuse a vocabulary that the model's tokenizer cannot use.

    Raises:
        Refusal: it is empty, or what belongs to it is missing or has another length.
    """
    words, scores = body.get("vocabulary") or [], body.get("scores") or []
    if not words:
        raise ml_errors.BAD_UPLOAD.refusal(problem="[vocabulary] must not be empty")
    if scores and len(scores) != len(words):
        raise ml_errors.BAD_UPLOAD.refusal(
            problem=f"[scores] must have same length as [vocabulary], was [{len(scores)}] instead of [{len(words)}]"
        )
    for config in inference_config.values():
        for tokenizer in config.get("tokenization") or {}:
            part = _NEEDED_BESIDE.get(tokenizer)
            if part and not body.get(part):
                raise ml_errors.VOCABULARY_PART_MISSING.refusal(model=model, tokenizer=tokenizer, part=part)
