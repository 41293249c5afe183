"""Trained models: downloaded and resumed, listed, given aliases, deleted only on request.

Elasticsearch fetches a packaged model (`.elser_model_2`) itself. Putting a packaged model again while it downloads returns
at once, and afterwards overwrites it with itself, so a stalled download is resumed by putting it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound
from tasks.elastic.cluster.serverless import is_serverless
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput, PermanentError
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, Unchanged, wait_until

DENSE_PACKAGED = (".multilingual-e5-small", ".multilingual-e5-small_linux-x86_64")
DENSE_DIMENSIONS = 384
"""Of their vectors: https://huggingface.co/intfloat/multilingual-e5-small, "embedding size is 384"."""
RERANKER = ".rerank-v1"
"""Elastic Rerank (8.17), which compares a text with a query."""
PACKAGED = (".elser_model_2", ".elser_model_2_linux-x86_64", ".elser_model_1", *DENSE_PACKAGED, RERANKER)
"""The text models that Elasticsearch downloads by itself: sparse, dense, and one that reranks."""
EMBEDDING_TASKS = {"text_expansion": "tokens with weights", "text_embedding": "a vector"}
"""The tasks of models that embed a text, and what they answer for one."""
RERANKING_TASK = "text_similarity"
"""The task of a model that compares a text with a query and embeds none; inference endpoints call it rerank."""
INPUT_FIELD = "text_field"
DOWNLOAD_ACTION = "xpack/ml/model_import*"
"""The task of a download; it reports its parts since 8.14 (elasticsearch PR 107676)."""
LOOKS_UNTIL_STALLED = 4
"""Looks without a download task before it is requested again: the definition shows a moment after the task has ended."""
RESUMPTIONS = 3
"""After this many stalls without a new part, a download is given up."""
SECONDS_WITHOUT_A_PART = 300.0
"""After this long without a new part, a download whose task still exists is given up. A part has one megabyte."""
USUAL_DOWNLOAD_SECONDS = 120.0
"""438 MB at the speed of elasticsearch's own rally track, which gives it two minutes."""


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A trained model as it was last read."""

    id: str
    type: str
    """`pytorch` for models of text."""
    task: str
    """What it infers: `text_expansion`, `text_embedding`, ..."""
    input_field: str
    """The field that `_infer` expects a text in."""
    size_bytes: int
    usable: bool
    """Whether it is complete (`fully_defined`)."""
    description: str
    prefixes: tuple[tuple[str, str], ...] = ()
    """`prefix_strings`: what the cluster puts in front of a text, by purpose (`ingest`, `search`)."""


@dataclass(frozen=True)
class Download:
    """How far the download of a model is."""

    parts: int
    total: int
    """0 if the cluster does not report it."""

    @property
    def fraction(self) -> float | None:
        """0 to 1, or None."""
        return self.parts / self.total if self.total else None

    def __str__(self) -> str:
        return f"{self.parts} of {self.total} parts" if self.total else "downloading"


class DownloadFailed(PermanentError):
    """The download of a model keeps stalling."""

    def __init__(self, model_id: str, *, resumptions: int, parts: int) -> None:
        self.model_id, self.resumptions, self.parts = model_id, resumptions, parts
        super().__init__(
            f"The download of {model_id!r} stopped {resumptions + 1} times after {parts} parts. Check that the master nodes "
            "can reach ml-models.elastic.co (there is no proxy support), or set xpack.ml.model_repository to a copy that they "
            "can reach; then run the same command again."
        )


class DownloadStalled(PermanentError):
    """The download of a model still runs, but nothing arrives."""

    def __init__(self, model_id: str, *, seen: str, seconds: float) -> None:
        self.model_id, self.seen, self.seconds = model_id, seen, seconds
        super().__init__(
            f"The download of {model_id!r} has made no progress for {seconds:.0f} s: {seen}. While it runs, requesting it again has "
            "no effect. Check the connection of the cluster to ml-models.elastic.co or to its xpack.ml.model_repository, then "
            "run the same command again: it follows the download if it goes on. "
            f"`{command('elastic deploy', name='NAME', model_id=model_id, recreate=True)}` cancels the download, deletes the model, and "
            "downloads it from the beginning."
        )


@step("list the models")
def read_models(settings: ElasticSettings) -> tuple[ModelState, ...]:
    """The text models in the cluster, by id."""
    with calling("list the models"):
        found = connect(settings).ml.get_trained_models(size=1000)
    # Whether a model is complete is reported for one model at a time, and only for text models.
    of_text = (c["model_id"] for c in found["trained_model_configs"] if c.get("model_type") == "pytorch")
    models = (read_model.fn(settings, model_id) for model_id in sorted(of_text))
    return tuple(m for m in models if m is not None)


@step("read model {model_id}")
def read_model(settings: ElasticSettings, model_id: str) -> ModelState | None:
    """A model by its id or one of its aliases, or None."""
    try:
        with calling(f"read the model {model_id}"):
            found = connect(settings).ml.get_trained_models(model_id=model_id, include="definition_status")
    except NotFound:
        return None
    configs = found["trained_model_configs"]
    return _model_state(configs[0]) if configs else None


@step("ensure model {model_id}")
def ensure_model(
    settings: ElasticSettings, model_id: str, *, recreate: bool = False, may_rerank: bool = False
) -> Ensured[ModelState]:
    """The model; its download is started or resumed unless it is complete.

    Args:
        settings: the target.
        model_id: a packaged model, or one that is in the cluster already.
        recreate: delete it first, with its deployments, even if it is usable.
        may_rerank: models that compare texts with a query are accepted too, as inference endpoints use them.

    Raises:
        InvalidInput: no such model exists or can be downloaded, with those that can; it embeds no texts; or it is to be recreated,
            but was uploaded.
    """
    there = read_model.fn(settings, model_id)
    if model_id == RERANKER and not may_rerank:
        raise _reranks(model_id)
    if there is not None:
        _refuse_other_tasks(there, may_rerank=may_rerank)
    if recreate and there is not None and model_id not in PACKAGED:
        raise InvalidInput(
            "This model was uploaded, and Elasticsearch cannot download it again", value=model_id, source="--recreate",
            remedy="Leave out --recreate, or delete the model and upload it again.",
        )  # fmt: skip
    if recreate and there is not None:
        _delete(settings, model_id, force=True)
        there = None
    if there is not None and (there.usable or download(settings, model_id) is not None):
        return Ensured(there)
    if model_id not in PACKAGED:
        if there is not None:
            raise InvalidInput(
                "The upload of this model is incomplete", value=model_id, remedy="Upload it again."
            )
        others = [m.id for m in read_models.fn(settings)]
        raise InvalidInput(
            "There is no such model, and Elasticsearch cannot download one with this id",
            value=model_id,
            accepted=", ".join(dict.fromkeys((*PACKAGED, *others))),
        )
    return Ensured(_put(settings, model_id), "created" if there is None else "changed")


@step("verify that {model_id} gives sparse vectors")
def verify_sparse_model(settings: ElasticSettings, model_id: str, deployment_id: str) -> None:
    """See that a deployment's model answers tokens with weights, as a sparse_vector field holds them.

    Raises:
        InvalidInput: it answers something else; with the way to embed with it, if there is one.
    """
    model = read_model.fn(settings, model_id)
    if model is None or model.task == "text_expansion":
        return
    _refuse_other_tasks(model, deployment_id)
    through = command("elastic endpoint-ensure", name="ENDPOINT", model_id=model.id)
    raise InvalidInput(
        "This deployment's model answers vectors, and a sparse_vector field holds tokens with weights",
        value=f"{deployment_id} ({model.id})",
        source="--deployment",
        remedy=f"Embed through an inference endpoint: `{through}`, then `elastic embed --as semantic-text --endpoint ENDPOINT`.",
    )


@step("wait for model {model_id}")
def wait_for_model(settings: ElasticSettings, model_id: str, deadline: Deadline) -> ModelState:
    """The model, once it is complete. A stalled download is resumed.

    A serverless project does not show whether a download runs: there it is requested again after `SECONDS_WITHOUT_A_PART`.

    Raises:
        DownloadFailed: it keeps stalling.
        DownloadStalled: it runs, but no part arrives.
        DeadlinePassed: the download continues; the same command follows it again.
    """
    idle = resumed = parts = 0
    unchanged, requested = Unchanged(), Unchanged()
    patience = SECONDS_WITHOUT_A_PART if is_serverless(settings) else 0.0

    def look() -> Look[ModelState]:
        nonlocal idle, resumed, parts
        there = read_model.fn(settings, model_id)
        if there is not None and there.usable:
            return Look("complete", value=there, done=True)
        running = download(settings, model_id)
        if running is not None:
            if running.parts > parts:
                parts, resumed = running.parts, 0
            idle = 0
            still = unchanged.seconds(running)
            if running.total and still >= SECONDS_WITHOUT_A_PART:
                raise DownloadStalled(model_id, seen=str(running), seconds=still)
            return Look(str(running), fraction=running.fraction)
        idle += 1
        if requested.seconds(resumed) < patience or idle < LOOKS_UNTIL_STALLED:
            return Look("not available yet")
        if resumed == RESUMPTIONS:
            raise DownloadFailed(model_id, resumptions=resumed, parts=parts)
        idle, resumed = 0, resumed + 1
        say(f"The download of {model_id} has stopped. Requesting it again.")
        _put(settings, model_id)
        return Look("download resumed")

    return wait_until(f"download model {model_id}", look, deadline, usual=USUAL_DOWNLOAD_SECONDS)


@step("ensure model alias {alias}")
def ensure_model_alias(settings: ElasticSettings, alias: str, model_id: str) -> Ensured[str]:
    """Point a model alias at a model. Returns the model's id.

    Raises:
        InvalidInput: the alias is the id of a model.
        BadRequest: the old model is deployed and the new one is not, or the alias ends in digits.
    """
    there = read_model.fn(settings, alias)
    if there is not None and there.id == alias:
        raise InvalidInput(
            "This alias is the id of a model", value=alias, accepted="a name that no model has"
        )
    if there is not None and there.id == model_id:
        return Ensured(model_id)
    with calling(f"point the alias {alias} at {model_id}"):
        connect(settings).ml.put_trained_model_alias(model_id=model_id, model_alias=alias, reassign=True)
    return Ensured(model_id, "created" if there is None else "changed")


@step("remove model {model_id}")
def remove_model(settings: ElasticSettings, model_id: str) -> tuple[str, ...]:
    """Delete a model that nothing uses. Returns its id, or nothing if it did not exist.

    Raises:
        Conflict: it is deployed, or an ingest pipeline names it.
    """
    return _delete(settings, model_id, force=False)


def download(settings: ElasticSettings, model_id: str) -> Download | None:
    """How far the running download of a model is, or None when there is none."""
    if is_serverless(settings):  # which shows no tasks
        return None
    with calling("list the downloads of models"):
        found = connect(settings).tasks.list(actions=DOWNLOAD_ACTION, detailed=True)
    for node in found["nodes"].values():
        for task in node["tasks"].values():
            if f"[{model_id}]" in str(task.get("description")):
                status: dict[str, int] = task.get("status") or {}
                return Download(status.get("downloaded_parts", 0), status.get("total_parts", 0))
    return None


@step("read the download of {model_id}")
def read_download(settings: ElasticSettings, model_id: str) -> Download | None:
    """As `download`, and tried again."""
    return download(settings, model_id)


def _reranks(model_id: str, deployment_id: str = "") -> InvalidInput:
    through = command("elastic endpoint-ensure", name="my-reranker", model_id=model_id)
    return InvalidInput(
        f"This model compares texts with a query (task {RERANKING_TASK}) and embeds none",
        value=f"{deployment_id} ({model_id})" if deployment_id else model_id,
        source="--deployment" if deployment_id else "--model-id",
        remedy=f"Rerank by it: `{through}`, then `elastic search --rerank my-reranker`.",
    )


def _refuse_other_tasks(model: ModelState, deployment_id: str = "", *, may_rerank: bool = False) -> None:
    """Refuse a model that embeds no texts.

    Raises:
        InvalidInput: naming its task, and those that are accepted.
    """
    if model.task in EMBEDDING_TASKS or (may_rerank and model.task == RERANKING_TASK):
        return
    if model.task == RERANKING_TASK:
        raise _reranks(model.id, deployment_id)
    accepted = {**EMBEDDING_TASKS, **({RERANKING_TASK: "a score, for reranking"} if may_rerank else {})}
    tasks = ", ".join(f"{task} ({answer})" for task, answer in accepted.items())
    raise InvalidInput(
        f"The task of this model, {model.task or model.type}, does not embed texts",
        value=f"{deployment_id} ({model.id})" if deployment_id else model.id,
        source="--deployment" if deployment_id else "--model-id",
        accepted=f"a model of the task {tasks}",
        remedy="eland uploads one with `eland_import_hub_model --task-type text_embedding`.",
    )


def _put(settings: ElasticSettings, model_id: str) -> ModelState:
    with calling(f"start the download of {model_id}"):
        config = connect(settings).ml.put_trained_model(
            model_id=model_id, input={"field_names": [INPUT_FIELD]}
        )
    return _model_state(dict(config.body))


def _delete(settings: ElasticSettings, model_id: str, *, force: bool) -> tuple[str, ...]:
    try:
        with calling(f"delete the model {model_id}"):
            connect(settings).ml.delete_trained_model(model_id=model_id, force=force)
    except NotFound:
        return ()
    return (model_id,)


def _model_state(config: dict[str, Any]) -> ModelState:
    fields: list[str] = config.get("input", {}).get("field_names") or [INPUT_FIELD]
    return ModelState(
        id=config["model_id"],
        type=config.get("model_type", ""),
        task=next(iter(config.get("inference_config") or {}), ""),
        input_field=fields[0],
        size_bytes=config.get("model_size_bytes") or config.get("model_package", {}).get("size", 0),
        usable=bool(config.get("fully_defined")),
        description=config.get("description", ""),
        prefixes=tuple(sorted((config.get("prefix_strings") or {}).items())),
    )
