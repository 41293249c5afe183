"""`vertex swap`: serve another version that is deployed."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from flows.vertex.version_steps import say_versions, serve
from tasks.progress import say
from tasks.vertex.resources.versions import read_versions


class SwapOptions(BuiltIndexOptions, frozen=True):
    """The options of `vertex swap`."""

    to: str = Field(description="The version to serve: first, or the twelve hex digits that its build named.")

    @property
    def timeout_minutes(self) -> float:
        """Enough for the slot of a killed run to become free; moving the mark takes a moment."""
        return 5


@engine_flow(VERTEX, "swap", run_name="swap {name} on {target}")
def swap_versions(options: SwapOptions) -> Report:
    """Serve another version that is deployed, without downtime. The one that was served stays, for a rollback.

    Build a version with `vertex build --as-version`, which serves it as soon as it passes its gate. A swap measures nothing:
    `vertex verify --version` does.

    Example:
        vector-search vertex swap --name products --to first --target sandbox
    """
    name = options.name
    with running(VERTEX, "swap", options) as run:
        before = read_versions(run.settings, name)
        serve(run, name, options.to)
        if before.serves == options.to:
            say("Nothing to do: this version is served already.")
        run.report.facts["versions"] = say_versions(read_versions(run.settings, name))
    return run.report
