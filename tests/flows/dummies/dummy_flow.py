"""A flow that ends in every way that a command can end in, for the command line's tests."""

from __future__ import annotations

import time
from typing import Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from tasks.errors import GateNotMet, InvalidInput, NotConfirmed, TransientError
from tasks.progress import Progress, say

ENDINGS = {
    "gate": GateNotMet("recall@10", measured=0.5, wanted=0.9),
    "invalid": InvalidInput("The data hold no rows", value="x.hdf5"),
    "transient": TransientError("The service is unavailable."),
    "bug": KeyError("surprise"),
}


class DummyReport:
    def render(self) -> str:
        return "the report of the dummy"


@flow(name="dummy")
def dummy(
    name: str,
    target: Literal["sandbox", "google-cloud"],
    how: str = "well",
    limit: int | None = None,
    tags: list[str] | None = None,
    yes: bool = False,
) -> DummyReport:
    """Ends as it is told.

    What it does besides is nothing.

    Args:
        name: What it is about.
        target: Where it works.
        how: The ending.
        limit: Rows at most.
        tags: Some words.
        yes: Agree to what it costs.

    Example:
        vector-search dummy end --name products --target sandbox
    """
    if how == "paid" and not yes:
        raise NotConfirmed("deploying", consequence="It costs 1 dollar an hour.")
    if how in ENDINGS:
        raise ENDINGS[how]
    progress = Progress(f"wait for {name}")
    progress.see("creating")
    if how == "slow":
        time.sleep(120)
    progress.end("there")
    say(f"limit {limit}, tags {tags}, on {target}")
    create_markdown_artifact("# dummy", key="dummy-report")
    return DummyReport()
