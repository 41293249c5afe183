"""`databricks swap`: serve another version that is there."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.version_steps import say_versions
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.runs import running
from tasks.databricks.versions import ensure_swap, read_versions
from tasks.progress import say


class SwapVersionsOptions(BuiltIndexOptions, frozen=True):
    """The options of `databricks swap`."""

    to: str = Field(description="The version to serve: first, or the twelve hex digits that its build named.")

    @property
    def timeout_minutes(self) -> float:
        """Enough for the slot of a killed run to become free; moving the mark takes a moment."""
        return 5


@engine_flow(DATABRICKS, "swap", run_name="swap {name} on {target}")
def swap_versions(options: SwapVersionsOptions) -> Report:
    """Serve another version that is loaded, without downtime. The one that was served stays, for a rollback.

    Build a version with `databricks build --as-version`, which serves it as soon as it passes its gate. A swap measures nothing:
    `databricks verify --version` does.

    Example:
        vector-search databricks swap --name products --to first --target sandbox
    """
    name = options.name
    with running(DATABRICKS, "swap", options) as run:
        before = read_versions(run.settings, name)
        with run.report.step(f"serve version {options.to} of {name}") as step:
            endpoint = ensure_swap(run.settings, name, options.to).there
            step.saw(f"served, before {endpoint.replaced or endpoint.rolled_back_from or 'nothing else'}")
        if before.serves == options.to:
            say("Nothing to do: this version is served already.")
        run.report.facts["versions"] = say_versions(read_versions(run.settings, name))
    return run.report
