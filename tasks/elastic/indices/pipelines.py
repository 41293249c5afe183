"""Ingest pipelines: simulated before use, stored, read in the older form too, never replaced while in use.

The inference pipeline keeps on the document why it has no embedding. So a full queue shows in the deployment's statistics,
not as a failed item of the reindex, and the repair finds what is missing by asking which documents lack the field.

The processor appends to what is already at its output field, and writes `model_id` and `is_truncated` next to its outputs.
So it works in an object of its own, from which only the embeddings are taken: a document's own fields are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling, reason_of
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField, PipelineSpec
from tasks.errors import NotOurs, PermanentError
from tasks.marks import fingerprint, is_ours, marks
from tasks.outcomes import Ensured
from tasks.progress import say
from tasks.steps import step

FAILURE_FIELD = "embedding_failure"
"""Why a document has no embedding; absent if all went well."""
WORK_FIELD = "vector_search_ops"
"""The object that the processor writes into, removed at the end. A name that no other field has."""
_READ = "read"
"""Within it, the texts as the model reads them."""
SIMULATE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class PipelineState:
    """A pipeline as it was last read."""

    id: str
    ours: bool
    spec: str
    """Hash of what it does."""
    model_ids: tuple[str, ...]
    """The models, deployments or aliases that its inference processors name."""
    fields: tuple[EmbeddedField, ...]
    """What it embeds, in whichever form it was written."""
    users: tuple[str, ...]
    """What needs it: `index movies` as its default, `pipeline outer`."""
    embedded: tuple[str, ...]
    """Our indices whose documents went through it: it must not change, but they do not need it any more."""


class PipelineFails(PermanentError):
    """A pipeline fails on a sample document."""

    def __init__(self, pipeline: str, *, document: str, reason: str) -> None:
        self.pipeline, self.document, self.reason = pipeline, document, reason
        super().__init__(
            f"The pipeline {pipeline!r} fails on document {document!r}: {reason} Nothing was created or changed."
        )


class PipelineInUse(PermanentError):
    """A pipeline that is in use would be replaced or deleted."""

    def __init__(self, pipeline: str, *, users: Sequence[str], remedy: str) -> None:
        self.pipeline, self.users = pipeline, list(users)
        super().__init__(
            f"The pipeline {pipeline!r} cannot be replaced or deleted, because it is in use by {', '.join(users)}. {remedy}"
        )


def inference_pipeline(
    id_: str, model_id: str, fields: Sequence[EmbeddedField], *, prefix: str = ""
) -> PipelineSpec:
    """A pipeline that embeds fields and keeps the reason on the document when it cannot.

    Args:
        id_: the pipeline's id.
        model_id: model, deployment or alias: the deployment that is for ingest; or an inference endpoint.
        fields: all in one processor, which fails as a whole.
        prefix: what the model reads in front of every text, where the cluster does not put it there itself.
    """
    outputs = [field.output for field in fields]
    reason: dict[str, Any] = {"field": FAILURE_FIELD, "value": "{{{_ingest.on_failure_message}}}"}
    read = {field.input: f"{WORK_FIELD}.{_READ}.{field.input}" if prefix else field.input for field in fields}
    return PipelineSpec(
        id=id_,
        description=f"Embeds {', '.join(field.input for field in fields)} with {model_id}",
        processors=(
            {"remove": {"field": [FAILURE_FIELD, WORK_FIELD, *outputs], "ignore_missing": True}},
            *(
                {"gsub": prefixed(field.input, read[field.input], prefix) | {"on_failure": [{"set": reason}]}}
                for field in fields
                if prefix
            ),
            {
                "inference": {
                    "model_id": model_id,
                    "input_output": [
                        {"input_field": read[field.input], "output_field": f"{WORK_FIELD}.{field.output}"}
                        for field in fields
                    ],
                    # The first reason is the one that helps: without its text there is nothing to embed.
                    "on_failure": [{"set": reason | ({"override": False} if prefix else {})}],
                }
            },
            *(
                {
                    "rename": {
                        "field": f"{WORK_FIELD}.{output}",
                        "target_field": output,
                        "ignore_missing": True,
                    }
                }
                for output in outputs
            ),
            {"remove": {"field": WORK_FIELD, "ignore_missing": True}},
        ),
    )


def prefixed(path: str, target: str, prefix: str) -> dict[str, Any]:
    """The settings of a `gsub` processor that copies a text with something in front of it.

    A template of `set` would do the same, and make a text of a field that is not there.
    """
    quoted = prefix.replace("\\", "\\\\").replace("$", "\\$")  # as Matcher.quoteReplacement of Java
    return {"field": path, "pattern": "^", "replacement": quoted, "target_field": target}


def lowercase_pipeline(id_: str, field: str) -> PipelineSpec:
    """A pipeline that makes a field lowercase, if there is one."""
    return PipelineSpec(
        id=id_,
        description=f"Lowercase {field}",
        processors=({"lowercase": {"field": field, "ignore_missing": True}},),
    )


def embedded_fields(processors: Sequence[dict[str, Any]]) -> tuple[EmbeddedField, ...]:
    """What inference processors embed: `input_output`, a list or one object, or the older `field_map`, `target_field`.

    A renamed output counts under its new name. What `foreach` embeds is in passages, if our own pipeline does it.
    """
    found = [field for inference in _processors(processors, "inference") for field in _fields_of(inference)]
    renamed = {rename["field"]: rename["target_field"] for rename in _processors(processors, "rename")}
    copied = {gsub.get("target_field"): gsub["field"] for gsub in _processors(processors, "gsub")}
    whole = (
        EmbeddedField(input=copied.get(f.input, f.input), output=renamed.get(f.output, f.output))
        for f in found
    )
    loops = (loop for loop in _processors(processors, "foreach") if "inference" in loop["processor"])
    return (*whole, *(EmbeddedField.in_passages(f"{loop['field']}.text", loop["field"]) for loop in loops))


def _fields_of(inference: dict[str, Any]) -> list[EmbeddedField]:
    pairs = inference.get("input_output")
    if pairs is not None:
        listed: list[dict[str, str]] = [pairs] if isinstance(pairs, dict) else pairs
        return [EmbeddedField(input=p["input_field"], output=p["output_field"]) for p in listed]
    target = inference.get("target_field") or f"ml.inference.{inference.get('tag', '')}".rstrip(".")
    configured: list[dict[str, Any]] = list((inference.get("inference_config") or {}).values())
    results = configured[0].get("results_field") if configured else None
    output = f"{target}.{results or 'predicted_value'}"
    inputs = list(inference.get("field_map") or {}) or ["text_field"]
    return [EmbeddedField(input=name, output=output) for name in inputs]


@step("read pipeline {pipeline_id}")
def read_pipeline(settings: ElasticSettings, pipeline_id: str) -> PipelineState | None:
    """A pipeline, whoever created it, or None."""
    there = _get(settings, pipeline_id)
    if there is None:
        return None
    processors: list[dict[str, Any]] = there.get("processors", [])
    users, embedded = _users(settings, pipeline_id)
    return PipelineState(
        id=pipeline_id,
        ours=is_ours(there.get("_meta"), pipeline_id),
        spec=fingerprint(processors),
        model_ids=tuple(i["model_id"] for i in _inferences(processors) if "model_id" in i),
        fields=embedded_fields(processors),
        users=tuple(users),
        embedded=tuple(embedded),
    )


@step("verify pipeline {spec.id} on a sample")
def verify_pipeline(
    settings: ElasticSettings, spec: PipelineSpec, sample: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], ...]:
    """Simulate a pipeline on a few documents before it is stored. Returns the results.

    Args:
        settings: the target.
        spec: the pipeline.
        sample: sources of a few documents, with an `_id` where one is known.

    Raises:
        PipelineFails: every document fails, or comes out without one of its embeddings.
        Conflict: the model is not deployed.
    """
    docs: list[dict[str, Any]] = [
        {"_index": "sample", "_id": str(body.get("_id", n)), "_source": {k: v for k, v in body.items() if k != "_id"}}
        for n, body in enumerate(sample)
    ]  # fmt: skip
    client = connect(settings).options(request_timeout=SIMULATE_SECONDS)
    with calling(f"simulate the pipeline {spec.id}"):
        answer = client.ingest.simulate(docs=docs, pipeline={"processors": list(spec.processors)})
    results: list[dict[str, Any]] = answer["docs"]
    fields = embedded_fields(spec.processors)
    reasons = [
        _why_it_fails(doc["_source"], result, fields) for doc, result in zip(docs, results, strict=True)
    ]
    if all(reasons):
        raise PipelineFails(spec.id, document=docs[0]["_id"], reason=reasons[0])
    for doc, reason in zip(docs, reasons, strict=True):
        if reason:
            say(f"The document {doc['_id']} will have no embedding: {reason}")
    return tuple(
        result["doc"]["_source"] for result, reason in zip(results, reasons, strict=True) if not reason
    )


def _why_it_fails(body: dict[str, Any], result: dict[str, Any], fields: Sequence[EmbeddedField]) -> str:
    """Why a document comes out of a pipeline without one of its embeddings; empty if it has them all."""
    done: dict[str, Any] = {} if "error" in result else result["doc"]["_source"]
    lacking = [field for field in fields if not _is_embedded(done, field)]
    for field in lacking:
        if field.passages is None and (unreadable := _unreadable(body, field.input)):
            return unreadable
    if "error" in result:
        return reason_of(result["error"])[1] + "."
    if lacking:
        reason = done.get(FAILURE_FIELD) or f"{lacking[0].output} stays empty"
        return f"{reason}. Its fields are {', '.join(sorted(body))}."
    return ""


@step("ensure pipeline {spec.id}")
def ensure_pipeline(settings: ElasticSettings, spec: PipelineSpec) -> Ensured[str]:
    """The pipeline of this specification, created unless it exists. Returns its id.

    One that does the same is kept, whoever created it.

    Raises:
        NotOurs: one exists that does something else, and is not ours.
        PipelineInUse: ours exists, does something else, and indices or pipelines use it.
    """
    there = read_pipeline.fn(settings, spec.id)
    if there is not None:
        if there.spec == spec.spec:
            return Ensured(spec.id)
        if not there.ours:
            raise NotOurs("pipeline", spec.id, resource="ingest pipeline", remedy="Choose another id.")
        if there.users or there.embedded:
            raise PipelineInUse(
                spec.id, users=(*there.users, *there.embedded), remedy="Choose another id for the new one."
            )
    with calling(f"create the pipeline {spec.id}"):
        connect(settings).ingest.put_pipeline(
            id=spec.id,
            description=spec.description,
            processors=list(spec.processors),
            meta=marks(spec.id, spec.spec),
        )
    return Ensured(spec.id, "created" if there is None else "changed")


@step("remove pipeline {pipeline_id}")
def remove_pipeline(settings: ElasticSettings, pipeline_id: str) -> tuple[str, ...]:
    """Delete a pipeline that we created. Returns its id, or nothing if it did not exist.

    Raises:
        NotOurs: it is not ours.
        PipelineInUse: it is the default pipeline of an index, or another pipeline calls it.
    """
    there = read_pipeline.fn(settings, pipeline_id)
    if there is None:
        return ()
    if not there.ours:
        raise NotOurs("pipeline", pipeline_id, resource="ingest pipeline", remedy="It was not deleted.")
    if there.users:
        raise PipelineInUse(pipeline_id, users=there.users, remedy="Remove those first.")
    try:
        with calling(f"delete the pipeline {pipeline_id}"):
            connect(settings).ingest.delete_pipeline(id=pipeline_id)
    except NotFound:
        return ()
    return (pipeline_id,)


def pipelines_of_ours(settings: ElasticSettings) -> list[str]:
    """Every pipeline that carries our mark, by name."""
    with calling("list the pipelines"):
        found: dict[str, Any] = connect(settings).ingest.get_pipeline().body
    return sorted(name for name, pipeline in found.items() if is_ours(pipeline.get("_meta"), name))


def _is_embedded(done: dict[str, Any], field: EmbeddedField) -> bool:
    if field.passages is None:
        return bool(value_at(done, field.output))
    parts: list[dict[str, Any]] = done.get(field.passages) or []
    return bool(parts) and all(part.get("embedding") for part in parts)


def _unreadable(body: dict[str, Any], path: str) -> str:
    """Why a pipeline finds no single text at the path of a field, and what to do; empty if the document is not to blame."""
    place: Any = body
    parts = path.split(".")
    for depth, part in enumerate(parts):
        rest = ".".join(parts[depth:])
        if len(parts) > depth + 1 and part not in place and any(_begins(key, rest) for key in place):
            return (
                f"{path} is written with dots in its name instead of as an object, and an ingest pipeline does not find it. Embed with "
                '--as semantic-text, which does, or load the documents with objects: {"a": {"b": ...}} in place of {"a.b": ...}.'
            )
        place = place.get(part)
        if isinstance(place, list):
            what = "a list of objects" if any(isinstance(each, dict) for each in place) else "a list"  # pyright: ignore[reportUnknownVariableType]
            return (
                f"{'.'.join(parts[: depth + 1])} holds {what}, and the model takes one string. Split the document into one per text, "
                "or join the texts."
            )
        if not isinstance(place, dict):
            return ""
    return ""


def _begins(key: str, path: str) -> bool:
    """Whether a key with dots is this path, or the beginning of it."""
    return "." in key and (path == key or path.startswith(f"{key}."))


def value_at(source: Any, path: str) -> Any:
    """The value at a dotted path of a document, or None."""
    for part in path.split("."):
        if not isinstance(source, dict):
            return None
        source = source.get(part)  # pyright: ignore[reportUnknownVariableType]
    return source


def _get(settings: ElasticSettings, pipeline_id: str) -> dict[str, Any] | None:
    try:
        with calling(f"read the pipeline {pipeline_id}"):
            return connect(settings).ingest.get_pipeline(id=pipeline_id)[pipeline_id]
    except NotFound:
        return None


def _users(settings: ElasticSettings, pipeline_id: str) -> tuple[list[str], list[str]]:
    """What needs a pipeline, by setting or by `pipeline` processor; and what was embedded by it."""
    client = connect(settings)
    with calling(f"list the users of the pipeline {pipeline_id}"):
        indices: dict[str, Any] = client.indices.get(index="*").body
        pipelines: dict[str, Any] = client.ingest.get_pipeline().body
    users: list[str] = []
    embedded: list[str] = []
    for name, index in sorted(indices.items()):
        chosen: dict[str, Any] = index.get("settings", {}).get("index", {})
        meta: dict[str, Any] = index.get("mappings", {}).get("_meta") or {}
        if pipeline_id in (chosen.get("default_pipeline"), chosen.get("final_pipeline")):
            users.append(f"index {name}")
        elif (meta.get("made_from") or {}).get("pipeline") == pipeline_id:
            embedded.append(f"index {name}")
    for name, pipeline in sorted(pipelines.items()):
        if any(
            called.get("name") == pipeline_id for called in _processors(pipeline["processors"], "pipeline")
        ):
            users.append(f"pipeline {name}")
    return users, embedded


def _inferences(processors: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    loops = (loop["processor"] for loop in _processors(processors, "foreach"))
    return [*_processors(processors, "inference"), *_processors(list(loops), "inference")]


def _processors(processors: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [processor[kind] for processor in processors if kind in processor]
