"""How questions went over time, by the records of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from tasks.answers.records import Asked, Outcome, Records
from tasks.plurals import counted


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


def _of(asked: Sequence[Asked], outcome: Outcome) -> int:
    return sum(each.outcome == outcome for each in asked)


def repeated(asked: Iterable[Asked]) -> int:
    """How many questions had been asked before in the same words."""
    hashes = [each.question for each in asked]
    return len(hashes) - len(set(hashes))
