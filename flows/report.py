"""The report of a flow, its steps and times, for the terminal, the Prefect UI, a browser (report_page.py) and a JSON file.

The files are written whatever happens to Prefect, so that an outage of its API loses no measurement.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from httpx import HTTPStatusError
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, Field, PrivateAttr
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.report_page.comparisons import Intervals
from flows.report_page.page import page
from flows.report_page.pictures import Picture, data_address, pictures
from flows.results import ResultTable, value_text
from flows.resuming import resuming
from tasks.artifact_keys import artifact_key
from tasks.errors import GateNotMet, NotConfirmed
from tasks.files import CannotWrite, write_whole
from tasks.progress import say
from tasks.redaction import redacted
from tasks.settings import home

_MOST_EARLIER = 29
"""Reports that a trend is drawn of, besides the present one: a month of nights."""
_MOMENT = re.compile(r"\d{8}T\d{12}")
"""When a report began, at the end of its file's name."""


class StepReport(BaseModel):
    """One step: its title, what was seen, how long it took."""

    step: str
    seen: str = ""
    began: float = 0.0
    """Seconds after the flow's own beginning."""
    seconds: float = 0.0

    def saw(self, seen: str) -> None:
        """Record what was seen; several records are joined."""
        self.seen = redacted(f"{self.seen}; {seen}" if self.seen else seen)


class Report(BaseModel):
    """The report of one flow run."""

    flow: str
    name: str
    target: str
    where: str = ""
    """What the name is unique in."""
    started: datetime = Field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    outcome: str = "running"
    """`done`, or why it ended."""
    resume: str = ""
    """The command that resumes a run that was interrupted or has failed; empty where there is nothing to resume."""
    steps: list[StepReport] = Field(default_factory=list)
    chapters: list[StepReport] = Field(default_factory=list)
    """The steps of a long run in a few words, for whoever has one screen: of tours."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """Facts for the caller: resource names, counts, measurements."""
    results: list[dict[str, Any]] = Field(default_factory=list)
    """What a query found, best first, as records for people: the id, its score under the name of its measure, the fields asked for."""
    answer: str = ""
    """What a question was answered; its sources are the results."""
    nothing: str = ""
    """Why a query found nothing: `no neighbors, because ...`."""
    file: Path | None = None
    """The JSON file of this report. Beside it lies the same as a page, `.html`."""
    _began: float = PrivateAttr(default_factory=time.monotonic)
    _pictures: list[Picture | Intervals] = PrivateAttr(default_factory=list[Picture | Intervals])

    last: ClassVar[Report | None] = None
    """The one that this process published last: a command that fails prints it too, and nothing that a flow raises carries it."""

    @contextmanager
    def step(self, title: str, changes: Sequence[str] | None = None) -> Generator[StepReport]:
        """Time a step; it is in the report even if it fails.

        Args:
            title: what is done; of a step that ensures a resource its kind and name, because it may be there as it should.
            changes: what the flow has changed so far. What such a step adds to it is told first, or that it added nothing.
        """
        before = len(changes or ())
        with self._timed(self.steps, title) as step:
            yield step
            if changes is not None:
                did = ", ".join(changes[before:]) or "unchanged"
                step.seen = redacted(f"{did}; {step.seen}" if step.seen else did)

    @contextmanager
    def chapter(self, title: str) -> Generator[StepReport]:
        """Time several steps that belong together, for whoever has one screen; what it saw is said in one sentence."""
        with self._timed(self.chapters, title) as chapter:
            yield chapter

    @contextmanager
    def _timed(self, among: list[StepReport], title: str) -> Generator[StepReport]:
        began = time.monotonic()
        step = StepReport(step=title, began=began - self._began)
        among.append(step)
        try:
            yield step
        except BaseException as error:
            step.saw(f"failed: {error}" if str(error) else "interrupted")
            raise
        finally:
            step.seconds = time.monotonic() - began

    @property
    def title(self) -> str:
        """`vertex build products on sandbox`."""
        return f"{self.flow} {self.name} on {self.target}"

    def render(self) -> RenderableType:
        """For the terminal. Everything is `Text`, so that ids and names in brackets or between colons are not read as markup."""
        lines = [Text(f"{self.outcome} in {self.seconds:.1f} s")]
        if self.file is not None:
            lines.append(
                Text(f"report: {self.file.with_suffix('.html')}", no_wrap=True, overflow="ignore")
            )  # a path stays one word
        found: list[RenderableType] = [Text(said) for said in (self.answer, self.nothing) if said]
        found += [ResultTable(self.results)] if self.results else []
        if found:  # the steps on the way to it are in the report
            return Group(Text(self.title, style="bold"), *found, *lines)
        if not self.steps:
            return Group(Text(self.title, style="bold"), *lines)
        table = Table(
            title=Text(self.title, style="bold"), title_justify="left", expand=False, show_lines=False
        )
        table.add_column("step", overflow="fold")
        table.add_column("seen", overflow="fold")
        table.add_column("s", justify="right")
        for step in self.steps:
            table.add_row(Text(step.step), Text(step.seen), f"{step.seconds:.1f}")
        return Group(table, *lines)

    def markdown(self) -> str:
        """For the Prefect UI."""
        rows = "".join(f"| {_cell(s.step)} | {_cell(s.seen)} | {s.seconds:.1f} |\n" for s in self.steps)
        table = f"\n| step | seen | seconds |\n|---|---|---:|\n{rows}" if rows else ""
        found = "".join(f"\n{_cell(said)}\n" for said in (self.answer, self.nothing) if said)
        if self.results:
            names = list(self.results[0])
            lines = [
                names,
                ["---"] * len(names),
                *([value_text(row.get(name)) for name in names] for row in self.results),
            ]
            found += "\n" + "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)
        shown = "".join(
            f"\n**{one.title}**\n\n![{one.title}]({data_address(one)})\n" for one in self._pictures
        )
        resume = (
            f"\nWhat the target has started continues by itself. Resume with `{self.resume}`\n"
            if self.resume
            else ""
        )
        return (
            f"# {self.title}\n\n{_cell(self.outcome)} in {self.seconds:.1f} s\n{resume}{found}{table}{shown}"
        )

    def publish(self) -> None:
        """Write the JSON file and the artifacts."""
        Report.last = self
        key, folder = artifact_key(self.flow, self.name, self.where), home() / "reports"
        self._pictures = pictures(self._shown_facts, list(_earlier(folder, key)))
        try:
            self._write(folder / f"{key}-{self.started:%Y%m%dT%H%M%S%f}.json")
        except CannotWrite as error:  # a full disk must not hide how the flow ended
            say(f"There is no report of this run. {error}")
        try:
            create_markdown_artifact(self.markdown(), key=f"{key}-report", description=self.title)
            rows = [step.model_dump() for step in self.steps]
            create_table_artifact(rows, key=f"{key}-steps", description=f"Steps of {self.title}")
        except Exception as error:  # noqa: BLE001 -- whatever happens to Prefect, the flow's own outcome stands
            # Without an answer there is nothing to add to what the command line says about an outage.
            level = logging.INFO if isinstance(error, HTTPStatusError) else logging.DEBUG
            say(f"The report's artifacts could not be written ({error})", level=level)

    @property
    def _shown_facts(self) -> dict[str, Any]:
        return self.model_dump(mode="json")["facts"]

    def _write(self, file: Path) -> None:
        self.model_copy(update={"file": file}).write_to(file)
        self.file = file
        self.write_to(file.with_suffix(".html"))

    def write_to(self, file: Path) -> None:
        """Write it as a page to a file whose name ends with `.html`, otherwise as JSON.

        Raises:
            CannotWrite: what was there before is unchanged.
        """
        if file.suffix == ".html":
            write_whole(file, page(self, self._shown_facts, self._pictures))
        else:
            write_whole(file, self.model_dump_json(indent=2) + "\n")


def _earlier(folder: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The facts of the last reports of the same flow, name and place, oldest first, each with its day."""
    files = sorted(one for one in folder.glob(f"{key}-*.json") if _MOMENT.fullmatch(one.stem[len(key) + 1 :]))
    for file in files[-_MOST_EARLIER:]:
        with suppress(
            OSError, ValueError, KeyError, TypeError
        ):  # a file that somebody has changed or removed is no report
            facts = json.loads(file.read_bytes())["facts"]
            yield f"{file.stem[-17:-15]}-{file.stem[-15:-13]}", dict(facts)


@contextmanager
def reporting(flow: str, name: str, target: str, where: str = "") -> Generator[Report]:
    """A report that is published when the block ends, whether it succeeds or fails.

    Args:
        flow: the engine and its flow: `vertex build`.
        name: what it works on.
        target: where, in a word.
        where: what the name is unique in: reports and artifacts of the same name elsewhere are others.
    """
    report = Report(flow=flow, name=name, target=target, where=where)
    began = time.monotonic()
    try:
        yield report
        report.outcome = "done"
    except BaseException as error:
        if isinstance(error, GateNotMet):
            gate = {"what": error.gate, "measured": _plain(error.measured), "required": _plain(error.wanted)}
            report.facts |= {"gate": gate, **error.facts}
        failed = "" if isinstance(error, NotConfirmed) else "failed: "
        notes = " ".join(getattr(error, "__notes__", ()))
        interrupted = f"interrupted: {notes}" if notes else "interrupted"
        report.outcome = redacted(f"{failed}{error}" if str(error) else interrupted)
        report.resume = redacted(resuming(error))
        raise
    finally:
        report.seconds = time.monotonic() - began
        report.publish()


def _plain(value: object) -> object:
    """A number as it is, everything else in words."""
    return value if isinstance(value, (int, float)) else redacted(str(value))


def _cell(text: str) -> str:
    """A text from files, services and models: in Prefect's UI it makes no element, image or link, each of which may call out."""
    text = text.replace("](", "]\\(").replace("<", "&lt;").replace("|", "\\|")
    return "<br>".join(text.splitlines())
