"""The results file: a line of JSON per case, on disk before the next case begins, so that a later run continues there.

A file belongs to one seed and one kind of run. A case counts for the state of the code that it ran on, as far as it
matters to its engine and campaign (`versions.code`); another state's cases are passed over. A full run is kept in the repository beside
its report, packed: whoever checks it out continues it, or reads any case.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

from tests.chaos import versions
from tests.chaos.cases import CAMPAIGN_FAILED, Case, Finding
from tests.forks import ROOT

FOLDER = ROOT / "tests" / "chaos" / "results"
KEPT = ROOT / "tests" / "chaos" / "REPORT.jsonl.gz"
"""The cases of the last full run, with what they have in common in the first line."""

Line = dict[str, Any]
_OF_A_CASE = ("id", "seconds", "ended")
ENGINES = (
    "vertex",
    "elastic",
    "vertex-collections",
    "databricks",
    "answers-on-elastic",
    "answers-on-databricks",
    "answers-on-vertex",
)
"""In the order in which workers prefer them."""


class Results:
    """One file.

    Args:
        file: where it is; None for where a run of this code, seed and kind has it.
        seed: of the run.
        full: whether the run has every case; then it goes on from what the repository keeps.
        kept: the file in the repository.
    """

    def __init__(self, file: Path | None, *, seed: int, full: bool = False, kept: Path = KEPT) -> None:
        self.file = file or FOLDER / f"{'full' if full else 'short'}-{seed}.jsonl"
        self._code = cache(versions.code)
        self._facts = {
            "seed": seed,
            "commit": versions.commit(),
            "versions": versions.versions(),
            "machine": versions.machine(),
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if full and not self.file.exists():
            self.file.write_text("".join(f"{json.dumps(line)}\n" for line in read_kept(kept)))

    @property
    def lines(self) -> list[Line]:
        """Every case so far that counts, each once."""
        if not self.file.exists():
            return []
        found = filter(None, map(_whole, self.file.read_text().splitlines()))
        return list({line["id"]: line for line in found if self._counts(line)}.values())

    def _counts(self, line: Line) -> bool:
        case = Case.of(line["id"])
        return (line["code"], line["seed"]) == (self._code(case.engine, case.campaign), self._facts["seed"])

    def append(self, case: Case, finding: Finding, seconds: float) -> None:
        """Add a case and see it on disk."""
        line = {
            "id": case.id,
            **finding.facts(),
            "seconds": round(seconds, 2),
            "ended": round(time.time()),
            "code": self._code(case.engine, case.campaign),
            **self._facts,
        }
        with self.file.open("a+b") as file:
            if file.tell() and not _ends_whole(self.file):
                file.write(b"\n")  # after a line that a killed run left unfinished
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def is_failed_campaign(line: Line) -> bool:
    """Whether a campaign's own mistake ended the case."""
    return any(problem.startswith(CAMPAIGN_FAILED) for problem in line["problems"])


def keep(lines: list[Line], file: Path = KEPT) -> None:
    """Pack the lines of a run; what most of them have in common is written once."""
    head = {name: value for name, value in lines[0].items() if name not in _OF_A_CASE}
    rows = [
        head,
        *({name: value for name, value in line.items() if head.get(name) != value} for line in lines),
    ]
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_kept(file: Path = KEPT) -> list[Line]:
    """What `keep` packed; nothing if there is none."""
    if not file.exists():
        return []
    head, *rows = map(json.loads, gzip.decompress(file.read_bytes()).decode().splitlines())
    return [{**row, **{name: row.get(name, value) for name, value in head.items()}} for row in rows]


def _whole(line: str) -> Line | None:
    """A line that a killed run left unfinished counts for nothing."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() == b"\n"
