"""The results file: a line of JSON per case, on disk before the next case begins, so that a later run continues there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.chaos.cases import Case, Finding
from tests.forks import ROOT

FOLDER = ROOT / "tests" / "chaos" / "results"
_VERSIONS = ("prefect", "google-cloud-aiplatform", "google-cloud-storage", "grpcio", "elasticsearch")


def commit() -> str:
    """The commit that is checked out; with a mark when the program differs from it."""
    now = _git("rev-parse", "--short=12", "HEAD")
    return (
        f"{now}-changed"
        if _git("status", "--porcelain", "flows", "tasks", "protos", "sandbox", "tests")
        else now
    )


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide how a call fails."""
    return {"python": sys.version.split()[0], **{name: version(name) for name in _VERSIONS}}


class Results:
    """One file: of one commit, one seed, and one kind of run."""

    def __init__(self, file: Path, *, seed: int) -> None:
        self.file = file
        self._facts = {"commit": commit(), "seed": seed, "versions": versions()}
        file.parent.mkdir(parents=True, exist_ok=True)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every case so far; a case that was run again counts as it ended last."""
        if not self.file.exists():
            return []
        found = filter(None, map(_whole, self.file.read_text().splitlines()))
        return list({line["id"]: line for line in found}.values())

    def append(self, case: Case, finding: Finding, seconds: float) -> None:
        """Add a case and see it on disk."""
        line = {
            "id": case.id,
            "campaign": case.campaign,
            **finding.facts(),
            "seconds": round(seconds, 2),
            "ended": round(time.time()),
            **self._facts,
        }
        with self.file.open("a+b") as file:
            if file.tell() and not _ends_whole(self.file):
                file.write(b"\n")  # after a line that a killed run left unfinished
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _whole(line: str) -> dict[str, Any] | None:
    """A line that a killed run left unfinished counts for nothing."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _ends_whole(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() == b"\n"


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or ("unknown" if found.returncode else "")
