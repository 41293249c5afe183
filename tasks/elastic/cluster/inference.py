"""Inference called directly: one text to see that a model answers, many texts in calls sized to their timeout.

A call's timeout covers all its texts together, so no fixed number of texts per call fits every model: the size is learned
from earlier calls. Nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.models import INPUT_FIELD, read_model
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.documents import DocumentSource, read_documents
from tasks.elastic.settings import ElasticSettings
from tasks.errors import GateNotMet, InvalidInput, PermanentError
from tasks.files import whole_file
from tasks.plurals import counted
from tasks.progress import Progress
from tasks.steps import step
from tasks.waiting import Deadline, Look, attempt_until

TIMEOUT_SECONDS = 60.0
"""Per call; Elasticsearch's default of 10 s is enough for about 25 texts per allocation."""
TIMED_OUT = 408
"""The status of a call whose texts were not all inferred within its timeout."""
MARGIN_SECONDS = 10.0
"""The client waits this much longer than the cluster, so that the cluster's own answer arrives."""
FILLED = 0.5
"""The part of its timeout that a call is sized to take."""
MOST_TEXTS = 500
MOST_TIMEOUTS = 3
"""Timeouts in a row of a call with a single text; no smaller call is left to try."""
SMOKE_TEXT = "This movie was totally awesome and had loads of adventure"


@dataclass(frozen=True)
class Inference:
    """A model's answer for one text."""

    tokens: dict[str, float]
    """Token and weight, heaviest first."""
    truncated: bool
    """Whether the text had more than the model's 512 tokens and was truncated."""


@dataclass(frozen=True)
class Smoke:
    """One text inferred, to see that it works."""

    id: str
    """The model, deployment or alias that was asked."""
    text: str
    tokens: dict[str, float]
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Inferences:
    """Many texts inferred."""

    texts: int
    truncated: tuple[str, ...]
    """The ids of documents whose text was cut."""
    calls: int
    largest_call: int
    """Texts in the largest one."""
    seconds: float

    @property
    def per_second(self) -> float:
        """Texts per second."""
        return self.texts / self.seconds if self.seconds else 0.0


class CallSize:
    """How many texts go into the next call, from what the last ones took.

    Args:
        timeout: seconds that a call may take.
        most: texts at most, whatever the speed; no more than the queue takes.
    """

    def __init__(self, timeout: float, most: int) -> None:
        self._budget, self._most = timeout * FILLED, max(1, most)
        self.texts = 1

    def succeeded(self, texts: int, seconds: float) -> None:
        """Grow to what the timeout allows at this speed, at most fourfold at a time."""
        affordable = int(self._budget * texts / seconds) if seconds > 0 else self._most
        self.texts = max(1, min(affordable, 4 * self.texts, self._most))

    def failed(self) -> None:
        """Halve: it timed out or the queue was full."""
        self.texts = max(1, self.texts // 2)


class InferenceTooSlow(PermanentError):
    """A call with a single text takes longer than its timeout, again and again."""

    def __init__(self, model_id: str, *, timeout: float, times: int) -> None:
        self.model_id, self.timeout, self.times = model_id, timeout, times
        super().__init__(
            f"{model_id!r} did not answer a call with one text within {timeout:g} s, {times} times in a row. It is too slow, or others "
            "keep its queue full: give the deployment more threads or allocations, or try again when it has less to do."
        )


@step("infer one text with {model_id}")
def verify_inference(settings: ElasticSettings, model_id: str, text: str = SMOKE_TEXT) -> Smoke:
    """See that a model, deployment or alias answers with tokens.

    Raises:
        NotFound: no model, deployment or alias has this id.
        Conflict: it is not deployed, or not started on any node.
        GateNotMet: it answers without tokens.
    """
    began = time.perf_counter()
    found = infer(settings, model_id, [text], name=input_field(settings, model_id))[0]
    milliseconds = (time.perf_counter() - began) * 1000
    if not found.tokens:
        raise GateNotMet(
            f"The number of tokens that {model_id} returns for {text!r}", measured=0, wanted="at least 1"
        )
    return Smoke(model_id, text, found.tokens, milliseconds)


@step("infer the documents of {source.path} with {model_id}")
def read_inferences(
    settings: ElasticSettings,
    model_id: str,
    source: DocumentSource,
    field: str,
    deadline: Deadline,
    *,
    timeout: float = TIMEOUT_SECONDS,
    into: Path | None = None,
) -> Inferences:
    """Infer a field of every document of a file. Documents without the field are skipped.

    Args:
        settings: the target.
        model_id: model, deployment or alias.
        source: the documents.
        field: the text field.
        deadline: for all calls together.
        timeout: seconds for one call; calls are sized to take half of it.
        into: where to write the answers as JSON lines `{"id", "tokens", "truncated"}`; None keeps none.

    Raises:
        InferenceTooSlow: a single text takes longer than the timeout.
        DeadlinePassed: the queue stayed full.
    """
    texts = (
        (document.id, text)
        for document in read_documents(source)
        if isinstance(text := document.body.get(field), str) and text
    )
    there = read_deployment.fn(settings, model_id)
    size = CallSize(timeout, min(MOST_TEXTS, there.queue_capacity // 2) if there else MOST_TEXTS)
    name = input_field(settings, model_id)
    began = time.perf_counter()
    done = calls = largest = 0
    truncated: list[str] = []

    def call(part: list[str]) -> list[Inference]:
        return infer(settings, model_id, part, name=name, timeout=timeout)

    too_slow = InferenceTooSlow(model_id, timeout=timeout, times=MOST_TIMEOUTS)
    with Progress(f"infer {source.path.name}") as progress, _rows(into) as write:
        for part in _taken(texts, lambda: size.texts):
            answers: list[Inference] = []
            while len(answers) < len(part):
                rest = [text for _, text in part[len(answers) :]]
                answered = _infer_sized(call, rest, size, deadline, too_slow)
                answers += answered
                calls, largest = calls + 1, max(largest, len(answered))
            for (id_, _), answer in zip(part, answers, strict=True):
                write({"id": id_, "tokens": answer.tokens, "truncated": answer.truncated})
                if answer.truncated:
                    truncated.append(id_)
            done += len(part)
            progress.see(counted(done, "text"))
    return Inferences(
        texts=done,
        truncated=tuple(truncated),
        calls=calls,
        largest_call=largest,
        seconds=time.perf_counter() - began,
    )


def infer(
    settings: ElasticSettings,
    model_id: str,
    texts: Sequence[str],
    *,
    name: str,
    timeout: float = TIMEOUT_SECONDS,
) -> list[Inference]:
    """One call of `_infer`.

    Args:
        settings: the target.
        model_id: model, deployment or alias.
        texts: as many as fit into the timeout.
        name: the field that the model expects a text in: `input_field`.
        timeout: seconds.

    Raises:
        ServiceUnwell: it timed out, or the queue is full.
    """
    client = connect(settings).options(request_timeout=timeout + MARGIN_SECONDS)
    with calling(f"infer {counted(len(texts), 'text')} with {model_id}"):
        answer = client.ml.infer_trained_model(
            model_id=model_id, docs=[{name: text} for text in texts], timeout=f"{timeout:.0f}s"
        )
    return [
        Inference(result.get("predicted_value") or {}, bool(result.get("is_truncated")))
        for result in answer["inference_results"]
    ]


def speed(settings: ElasticSettings, model_id: str, texts: Sequence[str]) -> float:
    """Texts per second, measured on these: all at once, so that every allocation has work."""
    if not texts:
        raise InvalidInput("There is no text to measure the speed of inference with")
    name = input_field(settings, model_id)
    infer(settings, model_id, texts[:1], name=name)  # the first one pays for lazy loading
    began = time.perf_counter()
    infer(settings, model_id, texts, name=name)
    return len(texts) / max(time.perf_counter() - began, 1e-6)


def input_field(settings: ElasticSettings, model_id: str) -> str:
    """The field that a model, deployment or alias expects a text in."""
    there = read_deployment.fn(settings, model_id)
    found = read_model.fn(settings, there.model_id if there else model_id)
    return found.input_field if found else INPUT_FIELD


def _infer_sized(
    call: Callable[[list[str]], list[Inference]],
    texts: list[str],
    size: CallSize,
    deadline: Deadline,
    too_slow: InferenceTooSlow,
) -> list[Inference]:
    """Infer the first of these texts, as many as the current size allows."""
    timeouts = 0

    def attempt() -> Look[list[Inference]]:
        nonlocal timeouts
        taken, began = texts[: size.texts], time.perf_counter()
        try:
            answers = call(taken)
        except ServiceUnwell as error:
            size.failed()
            timeouts = timeouts + 1 if len(taken) == 1 and error.status == TIMED_OUT else 0
            if timeouts == MOST_TIMEOUTS:
                raise too_slow from error
            raise
        size.succeeded(len(taken), time.perf_counter() - began)
        return Look("answered", value=answers, done=True)

    return attempt_until("infer", attempt, deadline)


def _taken(texts: Iterator[tuple[str, str]], size: Callable[[], int]) -> Iterator[list[tuple[str, str]]]:
    part: list[tuple[str, str]] = []
    for text in texts:
        part.append(text)
        if len(part) >= size():
            yield part
            part = []
    if part:
        yield part


@contextmanager
def _rows(into: Path | None) -> Generator[Callable[[dict[str, Any]], object]]:
    if into is None:
        yield lambda row: row
        return
    with whole_file(into) as file:
        yield lambda row: file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
