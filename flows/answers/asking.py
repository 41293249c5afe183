"""Questions whose answers are known, searched once and answered by one or several models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.answers.holders import Holder
from tasks.answers.answering import read_answer
from tasks.answers.evaluation.outcomes import Outcome
from tasks.answers.evaluation.questions import Gold, Question, relevant
from tasks.answers.evaluation.retrieval import DEPTH
from tasks.answers.knowledge import How, KnowledgeBase
from tasks.answers.passages import Passage
from tasks.models.settings import ModelSettings
from tasks.progress import Progress
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class Searched:
    """A question and what it finds."""

    question: Question
    relevant: tuple[frozenset[str], ...]
    """For each quote the passages that hold it."""
    found: tuple[Passage, ...]
    """Best first, at least `DEPTH` of them where there are as many."""
    seconds: float


def search_all(
    holder: Holder,
    settings: Any,
    models: ModelSettings,
    base: KnowledgeBase,
    questions: Sequence[Question],
    how: How,
    passages: int,
    gold: Gold | None = None,
) -> list[Searched]:
    """Search for every question.

    Args:
        holder: of the passages.
        settings: of its target.
        models: what embeds questions.
        base: where to search.
        questions: all of them.
        how: the way.
        passages: of a prompt.
        gold: the passages that answer each question. Default: read from the knowledge base.

    Raises:
        InvalidInput: the quote of a question is in no passage.
    """
    gold = relevant(questions, holder.all_passages(settings, base)) if gold is None else gold
    searched = list[Searched]()
    most = max(DEPTH, passages)
    with Progress(f"search {base.name}") as progress:
        for question in questions:
            began = time.monotonic()
            found = holder.find(
                settings, models, base, question.question, how=how, most=most, readers=question.readers
            )
            seconds = time.monotonic() - began
            searched.append(
                Searched(question=question, relevant=gold[question.id], found=found, seconds=seconds)
            )
            progress.count(len(searched), len(questions), "questions")
    return searched


def answer_all(
    models: ModelSettings, searched: Sequence[Searched], passages: int, deadline: Deadline | None = None
) -> list[Outcome]:
    """Answer every question from what it found; until the deadline a model that is starting is waited for."""
    outcomes: list[Outcome] = []
    with Progress(f"ask {models.chat()}") as progress:
        for one in searched:
            answer = read_answer(models, one.question.question, one.found[:passages], deadline)
            outcomes.append(
                Outcome(
                    question=one.question, relevant=one.relevant, answer=answer, search_seconds=one.seconds,
                    ranking=tuple(passage.first.id for passage in one.found),
                )
            )  # fmt: skip
            progress.count(len(outcomes), len(searched), "questions")
    return outcomes
