"""Questions of a page, asked of a knowledge base: answered, recorded, and kept as long as somebody may look at them."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flows.answers.holders import Holder
from tasks.answers.answering import Answer, read_answer
from tasks.answers.knowledge import How, KnowledgeBase, NoKnowledgeBase
from tasks.answers.records import Asked, Judged, Outcome, append, hash_of, new_id
from tasks.errors import PermanentError, TransientError
from tasks.files import CannotWrite
from tasks.models.settings import ModelSettings
from tasks.redaction import redacted
from tasks.steps import plain_calls

KEPT = 200
"""Answers that can be looked at again; each has some ten kilobytes, mostly passages."""
AT_ONCE = 8
"""Questions asked at the same time; one more is turned away, so that a slow model does not collect them."""
_LOGGER = logging.getLogger("vector_search_ops")


class Busy(TransientError):
    """Too many questions are being asked."""

    def __init__(self) -> None:
        super().__init__(f"{AT_ONCE} questions are being answered. Ask again in a moment.")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A question and what came of it, as long as the page keeps it."""

    id: str
    question: str
    answer: Answer | None
    """None after an error."""
    base: KnowledgeBase | None
    how: str
    seconds: float
    transient: bool = False
    """Whether the error may be gone in a moment."""
    useful: bool | None = None
    """What the reader said of it."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        if self.answer is None:
            return "failed"
        if self.answer.problems:
            return "withheld"
        return "not in the sources" if self.answer.checked.abstains else "answered"


@dataclass
class _Asking:
    """What is known of a question that is being answered, also if it fails halfway."""

    base: KnowledgeBase | None = None
    how: How | None = None
    search_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Desk:
    """Takes questions. Its methods may be called from several threads at once.

    Args:
        holder: what holds the passages, with the settings of the target.
        name: the knowledge base; whichever version is served when a question comes is searched.
        readers: the names that the page's readers go by: what they may not see is not searched.
        records: the file of records, and the key of the hashes in it.
    """

    def __init__(
        self, *, holder: Holder, settings: Any, models: ModelSettings, name: str, how: How | None, most: int,
        readers: Sequence[str], records: Path, key: str,
    ) -> None:  # fmt: skip
        self.name = name
        self._holder, self._settings, self._models = holder, settings, models
        self._how: How | None = how
        self._most, self._readers = most, tuple(readers)
        self._records, self._key = records, key
        self._kept: OrderedDict[str, Shown] = OrderedDict()
        self._lock, self._places = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)

    def ask(self, question: str) -> Shown:
        """Answer a question, whatever comes of it.

        Raises:
            Busy: `AT_ONCE` others are being answered.
        """
        with self._place():
            shown, record = self._answered(question)
        self._record(record)
        with self._lock:
            self._kept[shown.id] = shown
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return shown

    def kept(self, id_: str) -> Shown | None:
        """What came of a question that was asked lately."""
        with self._lock:
            return self._kept.get(id_)

    def judge(self, id_: str, *, useful: bool) -> Shown | None:
        """Take a reader's yes or no; None if the question is not kept any more."""
        with self._lock:
            if (shown := self._kept.get(id_)) is None:
                return None
            is_news = shown.useful != useful
            self._kept[id_] = shown = replace(shown, useful=useful)
        if is_news:
            self._record(Judged(id=id_, useful=useful))
        return shown

    @contextmanager
    def _place(self):  # noqa: ANN202 -- a generator of nothing
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()

    def _answered(self, question: str) -> tuple[Shown, Asked]:
        asking = _Asking()
        try:
            with plain_calls():
                answer = self._answer(question, asking)
        except Exception as error:  # noqa: BLE001 -- a page shows an error and goes on
            _tell(error)
            answer, kind, transient = None, type(error).__name__, isinstance(error, TransientError)
        else:
            kind, transient = "", False
        shown = Shown(
            id=new_id(), question=question, answer=answer, base=asking.base, how=asking.how or "",
            seconds=asking.seconds, transient=transient,
        )  # fmt: skip
        return shown, self._record_of(shown, asking, kind)

    def _answer(self, question: str, asking: _Asking) -> Answer:
        asking.base = base = self._holder.read(self._settings, self.name)
        if base is None:
            raise NoKnowledgeBase(self.name, engine=self._holder.engine.name)
        how: How = self._how or base.ways[-1]
        asking.how = how
        found = self._holder.find(
            self._settings, self._models, base, question, how=how, most=self._most, readers=self._readers
        )
        asking.search_seconds = asking.seconds
        return read_answer(self._models, question, found)

    def _record_of(self, shown: Shown, asking: _Asking, error: str) -> Asked:
        searched = asking.search_seconds or shown.seconds
        answer, common = shown.answer, {
            "id": shown.id, "question": hash_of(shown.question, self._key), "outcome": shown.outcome, "how": shown.how,
            "index": shown.base.index if shown.base else "", "search_seconds": round(searched, 3),
            "answer_seconds": round(shown.seconds - searched, 3),
        }  # fmt: skip
        if answer is None:
            return Asked.model_validate(common | {"error": error})
        facts = {
            "passages": tuple(id_ for passage in answer.passages for id_ in passage.ids),
            "cited": len(answer.checked.cites) if shown.outcome == "answered" else 0,
            "model": answer.model, "prompt_tokens": answer.usage.prompt, "answer_tokens": answer.usage.completion,
        }  # fmt: skip
        return Asked.model_validate(common | facts)

    def _record(self, record: Asked | Judged) -> None:
        try:
            append(self._records, record)
        except CannotWrite as error:  # a full disk takes the record, not the answer
            _tell(error)


def _tell(error: Exception) -> None:
    """Say it in the terminal. What a model or a reader said is in no error of ours that reaches this, except a question's length."""
    known = isinstance(error, (PermanentError, TransientError))
    _LOGGER.error("%s", redacted(str(error) if known else f"{type(error).__name__}: {error}"))
