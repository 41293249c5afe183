"""`databricks prune`: remove the versions that are not served."""

from __future__ import annotations

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import BuiltIndexOptions
from flows.databricks.version_steps import VERSIONS
from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import PruningOptions, prune


class PruneVersionsOptions(BuiltIndexOptions, PruningOptions, frozen=True):
    """The options of `databricks prune`."""


@engine_flow(DATABRICKS, "prune", run_name="prune {name} on {target}")
def prune_versions(options: PruneVersionsOptions) -> Report:
    """Remove every version of a name that is not served: its index, its source table if it has one, then its marks.

    Its index stops answering to its full name. A rollback is not possible afterwards.

    Example:
        vector-search databricks prune --name products --target sandbox --yes
    """
    return prune(VERSIONS, options, after_hours=options.after_hours, yes=options.yes)
