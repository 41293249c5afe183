"""How questions went over time, by the records of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from tasks.answers.records import Asked, Outcome, Records
from tasks.errors import GateNotMet
from tasks.plurals import counted
from tasks.steps import step


@dataclass(frozen=True, kw_only=True)
class Period:
    """What came of the questions of a time."""

    questions: int
    answered: int
    abstained: int
    """Not in the sources."""
    withheld: int
    failed: int
    median_seconds: float
    slow_seconds: float
    """The 95th percentile: one question in twenty took longer."""
    prompt_tokens: int
    answer_tokens: int
    yes: int
    no: int

    @property
    def judged(self) -> int:
        """Questions to which a reader said yes or no."""
        return self.yes + self.no

    @property
    def tokens(self) -> float:
        """Of prompt and answer, for a question, on average."""
        return (self.prompt_tokens + self.answer_tokens) / self.questions if self.questions else 0.0

    def share(self, number: int) -> float:
        """A part of the questions, 0 to 1."""
        return number / self.questions if self.questions else 0.0

    @property
    def useful(self) -> float:
        """The part of the judgements that are a yes, 0 to 1."""
        return self.yes / self.judged if self.judged else 0.0

    def __str__(self) -> str:
        if not self.questions:
            return "no questions"
        said = f"{counted(self.questions, 'question')}: {self.answered} answered, {self.abstained} not in the sources"
        said += f", {self.withheld} withheld, {self.failed} failed"
        said += f"; {self.median_seconds:.1f} s, 95% within {self.slow_seconds:.1f} s; {self.tokens:,.0f} tokens each"
        return f"{said}; yes {self.yes}, no {self.no}" if self.judged else f"{said}; nobody judged"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a period must keep to."""

    least_questions: int
    """Below this many questions, or judgements, their limits judge nothing: a share of a few says little."""
    least_answered: float
    most_withheld: float
    most_failed: float
    most_seconds: float
    """Of the 95th percentile."""
    least_useful: float
    most_tokens: float | None
    """None for no limit."""


def period(records: Records, begin: datetime, end: datetime) -> Period:
    """What came of the questions from `begin` on and before `end`."""
    asked = [each for each in records.asked if begin <= each.at < end]
    seconds = np.asarray([each.seconds for each in asked] or [0.0])
    said = [records.useful[each.id] for each in asked if each.id in records.useful]
    return Period(
        questions=len(asked), answered=_of(asked, "answered"), abstained=_of(asked, "not in the sources"),
        withheld=_of(asked, "withheld"), failed=_of(asked, "failed"), median_seconds=float(np.median(seconds)),
        slow_seconds=float(np.quantile(seconds, 0.95)), prompt_tokens=sum(each.prompt_tokens for each in asked),
        answer_tokens=sum(each.answer_tokens for each in asked), yes=sum(said), no=len(said) - sum(said),
    )  # fmt: skip


def by_day(records: Records, begin: datetime, end: datetime) -> dict[date, Period]:
    """The periods of all days between, in UTC, those on which somebody asked."""
    days = sorted(
        {each.at.astimezone(begin.tzinfo).date() for each in records.asked if begin <= each.at < end}
    )
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = ((day, midnight + timedelta(days=(day - midnight.date()).days)) for day in days)
    return {
        day: period(records, max(begin, start), min(end, start + timedelta(days=1))) for day, start in starts
    }


@step("judge the questions")
def verify_period(found: Period, limits: Limits) -> str:
    """Judge a period, the gravest limit first.

    Returns:
        What was judged and what was not, in words.

    Raises:
        GateNotMet: names the first limit that is not kept.
    """
    if found.questions < limits.least_questions:
        return f"too few questions to judge: {found.questions} of {limits.least_questions}"
    most = {
        "The share of questions that failed": (found.share(found.failed), limits.most_failed),
        "The share of withheld answers": (found.share(found.withheld), limits.most_withheld),
        "The time that one question in twenty exceeds, in seconds,": (
            found.slow_seconds,
            limits.most_seconds,
        ),
        "The number of tokens of a question": (found.tokens, limits.most_tokens),
    }
    for gate, (measured, wanted) in most.items():
        if wanted is not None and measured > wanted:
            raise GateNotMet(gate, measured=f"{measured:.2f}", wanted=f"at most {wanted}")
    _least("The share of questions with an answer", found.share(found.answered), limits.least_answered)
    if found.judged < limits.least_questions:
        return f"all met; too few judgements to judge: {found.judged} of {limits.least_questions}"
    _least("The share of yes", found.useful, limits.least_useful)
    return "all met"


def _least(gate: str, measured: float, wanted: float) -> None:
    if measured < wanted:
        raise GateNotMet(gate, measured=f"{measured:.2f}", wanted=f"at least {wanted}")


def _of(asked: Sequence[Asked], outcome: Outcome) -> int:
    return sum(each.outcome == outcome for each in asked)


def repeated(asked: Iterable[Asked]) -> int:
    """How many questions had been asked before in the same words."""
    hashes = [each.question for each in asked]
    return len(hashes) - len(set(hashes))
