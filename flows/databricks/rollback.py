"""`databricks rollback`: serve the version before the last swap again."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.version_steps import VERSIONS
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import MovingOptions
from flows.versions.changes import roll_back as roll_back_versions


class RollbackOptions(BuiltIndexOptions, MovingOptions, frozen=True):
    """The options of `databricks rollback`."""


@engine_flow(DATABRICKS, "rollback", run_name="roll back {name} on {target}")
def roll_back(options: RollbackOptions) -> Report:
    """Serve the version before the last swap again. A second rollback changes nothing.

    Example:
        vector-search databricks rollback --name products --target sandbox
    """
    return roll_back_versions(VERSIONS, options)
