"""`vertex rollback`: serve the version before the last swap again."""

from __future__ import annotations

from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import MovingOptions
from flows.versions.changes import roll_back as roll_back_versions
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from flows.vertex.version_steps import VERSIONS


class RollbackOptions(BuiltIndexOptions, MovingOptions, frozen=True):
    """The options of `vertex rollback`."""


@engine_flow(VERTEX, "rollback", run_name="roll back {name} on {target}")
def roll_back(options: RollbackOptions) -> Report:
    """Serve the version before the last swap again. A second rollback changes nothing.

    Example:
        vector-search vertex rollback --name products --target sandbox
    """
    return roll_back_versions(VERSIONS, options)
