"""How fast documents went: samples taken where the work is polled anyway, small enough for a report of a run of days."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

MOST_SAMPLES = 400
"""Kept of a run. At more, every second one goes, and later ones are taken half as often: all are counts since the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was done by a moment."""

    at: float
    """Seconds since 1970, so that samples of several runs lie on one line of time."""
    part: str
    """Whose counts these are: the id of a task, or the name of a file."""
    documents: int
    """Done by this part since its own beginning, also before this run."""
    rejected: int = 0
    """Rejected for now, and tried again: texts by the model's queue, documents by a bulk request (429)."""
    limit: float | None = None
    """The throttle in documents per second; None for none."""


@dataclass(kw_only=True)
class Pace:
    """The documents that went into an index during a run. It is filled while the run goes on, so an interrupted one has it too."""

    into: str
    """The index."""
    ended: bool = False
    """Whether the work reached its end; otherwise the run that resumes it continues these samples."""
    documents: int = 0
    """Of all parts that this run has followed."""
    seconds: float = 0.0
    """In which these were done, without the time between two parts."""
    per_second: float = 0.0
    """Documents, on average; 0 as long as it is not known."""
    rejected: int = 0
    throttled: int = 0
    """How often the throttle was tightened."""
    samples: list[Sample] = field(default_factory=list[Sample])

    def __post_init__(self) -> None:
        self._last = dict[str, Sample]()
        self._every = 0.0

    def see(
        self,
        part: str,
        documents: int,
        *,
        running: float = 0.0,
        rejected: int = 0,
        limit: float | None = None,
        now: float | None = None,
    ) -> None:
        """Take note of a part of the work.

        Args:
            part: which.
            documents: done by it since its beginning.
            running: seconds since that beginning, when it is seen for the first time.
            rejected: since its beginning, or since it is followed.
            limit: its throttle in documents per second; None for none.
            now: seconds since 1970; default: the clock's.
        """
        at = time.time() if now is None else now
        sample = Sample(at=round(at, 3), part=part, documents=documents, rejected=rejected, limit=limit)
        before = self._last.get(part)
        if before is None or documents < before.documents:  # another attempt begins at its first document
            before = Sample(at=round(at - running, 3), part=part, documents=0)
            self.samples += [before] if running else []
        self._last[part] = sample
        self.documents += documents - before.documents
        self.rejected += max(0, rejected - before.rejected)
        self.throttled += is_tightened(before, sample)
        self.seconds += sample.at - before.at
        self.per_second = self.documents / self.seconds if self.seconds else 0.0
        self._keep(sample)

    def _keep(self, sample: Sample) -> None:
        """The newest one always stays; those before it are as far apart as `_every`, except where the throttle changes."""
        if self.samples and _counts(self.samples[-1]) == _counts(sample):
            return
        if len(self.samples) > 1:
            before, last = self.samples[-2:]
            is_near = last.at - before.at < self._every
            if is_near and _throttle(before) == _throttle(last) == _throttle(sample):
                self.samples[-1] = sample
                return
        self.samples.append(sample)
        if len(self.samples) > MOST_SAMPLES:
            self._every = 2 * (sample.at - self.samples[0].at) / MOST_SAMPLES
            del self.samples[1:-1:2]


def is_tightened(before: Sample, after: Sample) -> bool:
    """Whether a throttle was set or lowered between two samples of one part."""
    return after.limit is not None and (before.limit is None or after.limit < before.limit)


def _counts(sample: Sample) -> tuple[str, int, int, float | None]:
    return sample.part, sample.documents, sample.rejected, sample.limit


def _throttle(sample: Sample) -> tuple[str, float | None]:
    return sample.part, sample.limit


class Rate(NamedTuple):
    """Documents per second between two samples of one part."""

    since: float
    """Seconds since 1970."""
    until: float
    per_second: float


class Throttled(NamedTuple):
    """A moment at which it was made slower or faster, or documents were rejected for now."""

    at: float
    """Seconds since 1970."""
    sign: str
    """`▼` slower, `▲` faster, `●` rejected."""
    said: str


def rates(samples: Sequence[Sample], *, most: int) -> list[Rate]:
    """How fast it went, in time's order, as at most about `most` stretches: a batch that ends shows as one jump of the count.

    Args:
        samples: of one or several runs, in any order. Several parts follow each other; nothing is told of the time between them.
        most: stretches over the whole time.
    """
    parts = _parts(samples)
    whole = max((one.at for one in samples), default=0.0) - min((one.at for one in samples), default=0.0)
    found: list[Rate] = []
    for part in parts:
        since = part[0]
        for sample in part[1:]:
            if sample.documents < since.documents:  # another attempt
                since = sample
            is_end = sample is part[-1]
            if sample.at > since.at and (sample.at - since.at >= whole / most or is_end):
                took = sample.at - since.at
                found.append(Rate(since.at, sample.at, (sample.documents - since.documents) / took))
                since = sample
    return sorted(found)


def throttle_marks(samples: Sequence[Sample], *, most: int) -> list[Throttled]:
    """When it was slowed down or let go again, at most about `most` of them: of those near each other the first, and a change of the throttle before a rejection."""
    whole = max((one.at for one in samples), default=0.0) - min((one.at for one in samples), default=0.0)
    marks: list[Throttled] = []
    for before, after in (pair for part in _parts(samples) for pair in pairwise(part)):
        if is_tightened(before, after):
            marks.append(Throttled(after.at, "▼", f"throttled to {after.limit:.3g} per second"))
        elif after.limit != before.limit:
            now = (
                "throttle off" if after.limit is None else f"throttle raised to {after.limit:.3g} per second"
            )
            marks.append(Throttled(after.at, "▲", now))
        elif after.rejected > before.rejected:
            marks.append(Throttled(after.at, "●", f"{after.rejected - before.rejected:,} rejected for now"))
    shown: list[Throttled] = []
    for mark in sorted(marks, key=lambda one: (one.sign == "●", one.at)):
        if all(abs(mark.at - other.at) >= whole / most for other in shown):
            shown.append(mark)
    return sorted(shown)


def _parts(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples of each part, in time's order, each once."""
    parts: dict[str, list[Sample]] = {}
    for sample in sorted(set(samples), key=lambda one: (one.at, one.documents)):
        parts.setdefault(sample.part, []).append(sample)
    return list(parts.values())
