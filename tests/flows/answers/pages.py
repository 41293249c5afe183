"""A page of `answers serve` as a process, on documents that are indexed without Prefect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.answers.holders import holder_of
from flows.answers.plans import IndexPlan
from flows.report import Report
from flows.runs import Run
from sandbox.announced import announcement
from tasks.answers.chunks import Splitting, read_chunks
from tasks.steps import plain_calls
from tasks.waiting import Deadline
from tests.polling import PATIENCE, until

ROOT = Path(__file__).parents[3]


def index_plainly(service, name, folder, *, engine="elastic", models=None, **splitting):
    """A folder indexed as `answers index` does it, for its words or by a model. Returns what the report says."""
    plan = IndexPlan(
        name=name, chunks=read_chunks.fn(folder, Splitting(**splitting)), deployment="", search_deployment="", replicas=0, models=models
    )  # fmt: skip
    run = Run(
        settings=service.settings,
        report=Report(flow="answers index", name=name, target="sandbox"),
        deadline=Deadline.after(seconds=60),
    )
    with plain_calls():
        holder_of(engine).index(run, plan)
    return run.report.facts


def insert_a_part(file):
    """Put a new part before the one for carers: what was above stays, what was below only moves."""
    part = (
        "## What is new\n\nWhat changed is told in a paragraph of some length, in a passage of its own.\n\n"
    )
    file.write_text(file.read_text().replace("## Carers", f"{part}## Carers"))


@dataclass
class Served:
    """A page under way."""

    process: subprocess.Popen
    home: Path
    said: Path

    @property
    def out(self):
        return self.said.read_text()

    @property
    def url(self):
        return self.out.partition("http://")[2].partition("/\n")[0].join(("http://", ""))

    @property
    def key(self):
        return (self.home / "answers" / "key").read_text().strip()

    @property
    def records(self):
        return next((self.home / "answers").glob("*.jsonl"), self.home / "nothing")


@contextmanager
def serving(service, name, home, *words):
    """A running page: `with serving(service, "handbook", tmp_path) as page: page.url`."""
    home.mkdir(parents=True, exist_ok=True)
    said = home / "said"
    environment = os.environ | {
        "VECTOR_SEARCH_SANDBOX": str(announcement(service.state)), "VECTOR_SEARCH_HOME": str(home), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = ["answers", "serve", "--name", name, "--target", "sandbox", "--port", "0", *words]
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows", *command], cwd=home, env=environment, stdout=output, stderr=output
        )
    page = Served(process, home, said)
    try:
        until(lambda: "Shows:" in page.out or process.poll() is not None, "the page's address")
        assert process.poll() is None, page.out
        yield page
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, page.out
    finally:
        process.kill()
        process.wait()
