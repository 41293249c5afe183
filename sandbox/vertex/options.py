"""What can be chosen when the Vertex stand-in starts. Passed in, never read from a global.

The durations are those that people report of the real service; the clock factor makes them bearable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Durations:
    """Nominal durations of operations, in seconds of the real service's time."""

    create_index: float = 1800.0
    """Seconds until CreateIndex is done; 1800, as the official samples say ("~30 minutes")."""
    update_index: float = 1800.0
    """Seconds until a content update is done; 1800, since an overwrite builds the index anew."""
    update_fields: float = 0.0
    """Seconds until an update of labels, description or display name is done; 0, as in Google's own mock."""
    create_endpoint: float = 60.0
    """Seconds until CreateIndexEndpoint is done; 60, the order of magnitude that people see."""
    deploy: float = 1200.0
    """Seconds until DeployIndex is done; 1200, as practitioners report."""
    mutate: float = 300.0
    """Seconds until MutateDeployedIndex is done; 300, faster than a deployment, slower than a call."""
    undeploy: float = 180.0
    """Seconds until UndeployIndex is done; 180."""
    delete: float = 5.0
    """Seconds until DeleteIndex or DeleteIndexEndpoint is done; 5, the doc samples return at once."""


@dataclass(frozen=True)
class VertexOptions:
    """How the stand-in behaves. Every field is an option of `python -m sandbox start`, as `--clock-factor`."""

    clock_factor: float = 300.0
    """Nominal durations are divided by this; 300, so that a 20-minute deployment lasts 4 seconds."""
    advance: Literal["time", "reads"] = "time"
    """What moves an operation on: elapsed time, or how often somebody looked. Time, as in reality."""
    reads: int = 3
    """With `advance="reads"`: looks until an operation is done; 3, so that polling shows as polling."""
    list_while_creating: bool = True
    """Whether listings show a resource under creation. Undocumented, so both can be tried; Get always does."""
    listing_delay: float = 0.0
    """Seconds (real ones) by which listings lag: behind the creation's end, or behind its beginning where resources
    under creation are listed; 0, raise it to test against lag."""
    upsert_delay: float = 0.3
    """Seconds (real ones) until upserts and removals show in deployed copies; 0.3, short but not nothing."""
    durations: Durations = Durations()
    """Nominal durations per method, before the clock factor."""

    def __post_init__(self) -> None:
        if self.clock_factor <= 0 or self.reads < 1:
            raise ValueError("The clock factor and the number of reads must be positive.")
        if self.listing_delay < 0 or self.upsert_delay < 0:
            raise ValueError("Delays must not be negative.")

    def seconds(self, nominal: float) -> float:
        """Real seconds that a nominal duration lasts here."""
        return nominal / self.clock_factor
