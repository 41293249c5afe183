"""`databricks swap`: serve another version that is there."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.version_steps import VERSIONS
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import SwappingOptions, swap


class SwapVersionsOptions(BuiltIndexOptions, SwappingOptions, frozen=True):
    """The options of `databricks swap`."""


@engine_flow(DATABRICKS, "swap", run_name="swap {name} on {target}")
def swap_versions(options: SwapVersionsOptions) -> Report:
    """Serve another version that is loaded, without downtime. The one that was served stays, for a rollback.

    Build a version with `databricks build --as-version`, which serves it as soon as it passes its gate. A swap measures nothing:
    `databricks verify --version` does.

    Example:
        vector-search databricks swap --name products --to first --target sandbox
    """
    return swap(VERSIONS, options, options.to)
