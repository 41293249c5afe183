"""A case is data: its campaign and its parameters, which are its id. What it found is data as well."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, field
from typing import Literal

_BETWEEN = " | "
Verdict = Literal["kept", "broken", "not reached"]
CAMPAIGN_FAILED = "the campaign itself failed"
"""How a problem begins that a mistake of the campaign is; the case counts as broken until it has been run again."""


@dataclass(frozen=True)
class Case:
    """One disturbance of one scenario."""

    campaign: str
    scenario: str
    how: tuple[str, ...]
    """The disturbance, in words that the campaign reads."""

    @property
    def id(self) -> str:
        """The same in every run."""
        return _BETWEEN.join((self.campaign, self.scenario, *self.how))

    @classmethod
    def of(cls, id_: str) -> Case:
        """The case that has this id."""
        campaign, scenario, *how = id_.split(_BETWEEN)
        return cls(campaign, scenario, tuple(how))

    @property
    def engine(self) -> str:
        """Whose flow it disturbs."""
        return self.scenario.partition(" ")[0]

    @property
    def command(self) -> str:
        """What repeats exactly this case."""
        return f"python -m tests.chaos --case {shlex.quote(self.id)}"


@dataclass
class Finding:
    """What a case found."""

    kills: int = 0
    faults: int = 0
    problems: list[str] = field(default_factory=list)
    reached: bool = True
    """Whether the disturbance happened at all."""

    @property
    def verdict(self) -> Verdict:
        """Whether every promise was kept."""
        if self.problems:
            return "broken"
        return "kept" if self.reached else "not reached"

    def facts(self) -> dict[str, object]:
        """As a line of the results file has it."""
        return {"verdict": self.verdict, **asdict(self)}
