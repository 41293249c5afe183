"""Texts embedded as vectors, by an inference endpoint or a deployment, as documents or as queries.

What a model reads in front of a text ("query: ", "passage: ") decides how well it is found. The cluster puts it there for a model whose
config says so (`prefix_strings`), when a pipeline or a search asks; `_infer` sends texts as they are, so here it is put there by us.
For a model outside the cluster nobody does, and the caller gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from tasks.elastic.cluster.cluster import read_release
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.endpoints import EndpointState, read_endpoint, verify_endpoint
from tasks.elastic.cluster.models import INPUT_FIELD, read_model
from tasks.elastic.connection.clients import CALL_SECONDS, connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import GateNotMet, InvalidInput
from tasks.plurals import counted
from tasks.steps import step
from tasks.waiting import Deadline

Purpose = Literal["ingest", "search"]
"""Whether a text is to be found, or searched for."""
MOST_TEXTS = 16
"""In one call: a few seconds of work for a small model on one processor."""
SECONDS = 2 * CALL_SECONDS
"""Of one call: embedding takes longer than other calls do."""
MARGIN_SECONDS = 10.0
_E5 = re.compile(r"(?<![a-z0-9])e5(?![a-z0-9])")


@dataclass(frozen=True, kw_only=True)
class VectorModel:
    """What answers vectors, and how it is asked."""

    id: str
    model_id: str
    deployment_id: str
    """The deployment whose queue is watched; empty outside the cluster."""
    endpoint: EndpointState | None
    """None for a deployment."""
    prefixes: dict[str, str]
    """What the cluster puts in front of texts, by purpose."""
    input_field: str = INPUT_FIELD

    @property
    def wants_prefixes(self) -> bool:
        """Whether the model was trained with a word in front of every text, and nobody is known to put it there.

        E5 was: https://huggingface.co/intfloat/multilingual-e5-small, "Each input text should start with".
        """
        return not self.prefixes and _E5.search(self.model_id.lower()) is not None


@step("read what {id_} embeds with")
def read_vector_model(
    settings: ElasticSettings, id_: str, *, deadline: Deadline | None = None
) -> VectorModel:
    """The inference endpoint or deployment of an id.

    A default endpoint whose model is not in the cluster yet is used for the first time here, which downloads and starts the model:
    what stands in front of texts is in its config. That takes until the deadline at most.

    Raises:
        InvalidInput: there is neither, or its model answers no vectors.
    """
    endpoint = read_endpoint.fn(settings, id_)
    deployment = read_deployment.fn(settings, endpoint.deployment_id if endpoint else id_)
    if endpoint is None and deployment is None:
        raise InvalidInput("There is no inference endpoint and no deployment of this id", value=id_)
    model_id = endpoint.model_id if endpoint else deployment.model_id if deployment else ""
    local = endpoint is None or endpoint.is_local
    model = read_model.fn(settings, model_id) if local else None
    if endpoint is not None and local and model is None:
        verify_endpoint.fn(settings, id_, deadline=deadline)
        model = read_model.fn(settings, model_id)
    task = endpoint.task_type if endpoint else model.task if model else ""
    if task != "text_embedding":
        raise InvalidInput(
            f"The model behind this id answers {task}, and a dense_vector field holds vectors",
            value=f"{id_} ({model_id})",
            accepted="a model of the task text_embedding; one of tokens with weights embeds with --as sparse-vector",
        )
    return VectorModel(
        id=id_,
        model_id=model_id,
        deployment_id=endpoint.deployment_id if endpoint else id_,
        endpoint=endpoint,
        prefixes=dict(model.prefixes) if model else {},
        input_field=model.input_field if model else INPUT_FIELD,
    )


@step("embed texts with {model.id}")
def read_vectors(
    settings: ElasticSettings, model: VectorModel, texts: Sequence[str], purpose: Purpose
) -> list[list[float]]:
    """The vector of each text.

    Args:
        settings: the target.
        model: what is asked.
        texts: any number, with the prefix of the caller's own, if there is one.
        purpose: what the texts are.

    Raises:
        GateNotMet: a text gets no vector.
    """
    found: list[list[float]] = []
    ask = _asking(settings, model, purpose)
    for start in range(0, len(texts), MOST_TEXTS):
        part = list(texts[start : start + MOST_TEXTS])
        with calling(f"embed {counted(len(part), 'text')} with {model.id}"):
            found += ask(part)
    if len(found) != len(texts) or not all(found):
        raise GateNotMet(
            f"The number of vectors of {model.id} for {counted(len(texts), 'text')}",
            measured=sum(map(bool, found)),
            wanted=len(texts),
        )
    return found


def takes_purpose(release: tuple[int, int]) -> bool:
    """Whether `_inference` may be told what texts are (`input_type`): since 8.19 and 9.1, before an unknown field (PR 122638)."""
    return (8, 19) <= release < (9, 0) or release >= (9, 1)


def _asking(
    settings: ElasticSettings, model: VectorModel, purpose: Purpose
) -> Callable[[list[str]], list[list[float]]]:
    """How a model is asked: by its deployment where the endpoint cannot be told what texts are, so that their prefix is right."""
    by_deployment = partial(_by_deployment, settings, model, purpose)
    if model.endpoint is None:
        return by_deployment
    # OpenAI's service refuses a purpose that a caller names (OpenAiService.java, validateInputType); its routes have none.
    if model.endpoint.service == "openai":
        return partial(_by_endpoint, settings, model, None)
    if takes_purpose(read_release(settings)):
        return partial(_by_endpoint, settings, model, purpose)
    return by_deployment if model.deployment_id else partial(_by_endpoint, settings, model, None)


def _by_endpoint(
    settings: ElasticSettings, model: VectorModel, input_type: Purpose | None, texts: list[str]
) -> list[list[float]]:
    client = connect(settings).options(request_timeout=SECONDS + MARGIN_SECONDS)
    answer: dict[str, Any] = client.inference.text_embedding(
        inference_id=model.id, input=texts, timeout=f"{SECONDS:.0f}s", input_type=input_type
    ).body
    return [each["embedding"] for each in next(iter(answer.values()))]


def _by_deployment(
    settings: ElasticSettings, model: VectorModel, purpose: Purpose, texts: list[str]
) -> list[list[float]]:
    client = connect(settings).options(request_timeout=SECONDS + MARGIN_SECONDS)
    prefix = model.prefixes.get(purpose, "")
    answer = client.ml.infer_trained_model(
        model_id=model.deployment_id or model.id,
        docs=[{model.input_field: prefix + text} for text in texts],
        timeout=f"{SECONDS:.0f}s",
    )
    return [each.get("predicted_value") or [] for each in answer["inference_results"]]
