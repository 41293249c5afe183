"""`vertex swap`: serve another version that is deployed."""

from __future__ import annotations

from flows.engine_flow import engine_flow
from flows.report import Report
from flows.versions.changes import SwappingOptions, swap
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from flows.vertex.version_steps import VERSIONS


class SwapOptions(BuiltIndexOptions, SwappingOptions, frozen=True):
    """The options of `vertex swap`."""


@engine_flow(VERTEX, "swap", run_name="swap {name} on {target}")
def swap_versions(options: SwapOptions) -> Report:
    """Serve another version that is deployed, without downtime. The one that was served stays, for a rollback.

    Build a version with `vertex build --as-version`, which serves it as soon as it passes its gate. A swap measures nothing:
    `vertex verify --version` does.

    Example:
        vector-search vertex swap --name products --to first --target sandbox
    """
    return swap(VERSIONS, options, options.to)
