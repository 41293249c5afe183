"""`vertex prune`: remove the versions that are not served."""

from __future__ import annotations

from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import PruningOptions, prune
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from flows.vertex.version_steps import VERSIONS


class PruneOptions(BuiltIndexOptions, PruningOptions, frozen=True):
    """The options of `vertex prune`."""


@engine_flow(VERTEX, "prune", run_name="prune {name} on {target}")
def prune_versions(options: PruneOptions) -> Report:
    """Remove every version of a name that is not served: it is undeployed, then its index and its import files go.

    Its deployed index id stops answering. A rollback is not possible afterwards.

    Example:
        vector-search vertex prune --name products --target sandbox --yes
    """
    return prune(VERSIONS, options, after_hours=options.after_hours, yes=options.yes)
