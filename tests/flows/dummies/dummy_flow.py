"""A flow that ends in every way that a command can end in, for the command line's tests."""

from __future__ import annotations

import time
from typing import Annotated

from dummy_engine import DUMMY
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, Field

from flows.engine_flow import engine_flow
from flows.options import Confirmed, agreement
from flows.targets import Target
from tasks.errors import GateNotMet, InvalidInput, NotConfirmed, TransientError
from tasks.progress import Progress, say

ENDINGS = {
    "gate": GateNotMet("recall@10", measured=0.5, wanted=0.9),
    "invalid": InvalidInput("The data hold no rows", value="x.hdf5"),
    "transient": TransientError("The service is unavailable."),
    "bug": KeyError("surprise"),
}


class DummyReport(BaseModel):
    seen: str = "all of it"

    def render(self) -> str:
        return "the report of the dummy"


class DummyOptions(Confirmed, frozen=True):
    name: str = Field(description="What it is about.")
    target: Annotated[str, Target("sandbox", "google-cloud")] = Field(description="Where it works.")
    how: str = Field(default="well", description="The ending.")
    limit: int | None = Field(default=None, description="Rows at most.")
    tags: list[str] | None = Field(default=None, description="Some words.")
    yes: bool = agreement("what it costs")


@engine_flow(DUMMY, "end", run_name="end {name} on {target}")
def dummy(options: DummyOptions) -> DummyReport:
    """Ends as requested.

    What it does besides is nothing.

    Example:
        vector-search dummy end --name products --target sandbox
    """
    how, name = options.how, options.name
    if how == "paid" and not options.yes:
        raise NotConfirmed("deploying", consequence="It costs 1 dollar an hour.")
    if how in ENDINGS:
        raise ENDINGS[how]
    with Progress(f"wait for {name}") as progress:
        progress.see("creating")
        if how == "slow":
            time.sleep(120)
        progress.end("there")
    say(f"limit {options.limit}, tags {options.tags}, on {options.target}")
    create_markdown_artifact("# dummy", key="dummy-report")
    return DummyReport()
