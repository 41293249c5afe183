"""What can be chosen when the Databricks stand-in starts. Passed in, never read from a global."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.models.serving import ModelStart


@dataclass(frozen=True)
class Durations:
    """Nominal durations, in seconds of the real service's time."""

    create_endpoint: float = 300.0
    """Seconds until an endpoint is ONLINE; 300, from memory: a few minutes."""
    create_index: float = 120.0
    """Seconds until a Direct Vector Access index takes data; 120, a guess."""
    delete_index: float = 30.0
    """Seconds until a deleted index is gone; 30, a guess."""
    sync: float = 300.0
    """Seconds of a sync of a Delta Sync index, the first one too; 300, a guess: public logs tell of 30 minutes for 30,000 rows that the
    service embeds itself."""
    statement: float = 15.0
    """Seconds of a statement; 15, a guess."""
    delete_endpoint: float = 10.0
    """Seconds until a deleted endpoint is gone; 10, a guess."""


@dataclass(frozen=True)
class DatabricksOptions:
    """How the stand-in behaves. Each field is an option of `python -m sandbox start`, for example `--databricks.clock-factor`."""

    clock_factor: float = 300.0
    """Nominal durations are divided by this; with 300, an endpoint is online after a second."""
    advance: Literal["time", "reads"] = "time"
    """What moves an endpoint or an index on: elapsed time, as in the real service, or the number of reads of it."""
    reads: int = 3
    """With `advance="reads"`: the number of reads until it is done; 3, so that clients have to poll."""
    write_delay: float = 0.1
    """Real seconds until upserted and deleted rows show in queries, scans and counts; 0.1, short but not zero."""
    max_endpoints: int = 100
    """Endpoints that the workspace may have; 100, from memory of the page "Resource and data size limits"."""
    model_start: ModelStart = field(default_factory=ModelStart)
    """How the model of the endpoint that embeds starts."""
    durations: Durations = Durations()
    """Nominal durations, before the clock factor."""

    def __post_init__(self) -> None:
        if self.clock_factor <= 0 or self.reads < 1:
            raise ValueError("The clock factor and the number of reads must be positive.")
        if self.write_delay < 0 or self.max_endpoints < 0:
            raise ValueError("The write delay and the number of endpoints must not be negative.")
