"""What can be chosen when the Vertex stand-in starts. Passed in, never read from a global.

The durations are those that users of the real service report; the clock factor shortens them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Durations:
    """Nominal durations of operations, in seconds of the real service's time."""

    create_index: float = 1800.0
    """Seconds until CreateIndex is done; 1800, the "~30 minutes" of vertex-ai-samples."""
    update_index: float = 1800.0
    """Seconds until a content update is done; 1800, since an overwrite rebuilds the index."""
    sync: float = 60.0
    """Seconds from the end of a content update until deployed copies serve it; 60, a guess: the documentation gives no time."""
    update_fields: float = 0.0
    """Seconds until an update of labels, description or display name is done; 0, as in Google's mock of Vertex AI."""
    create_endpoint: float = 60.0
    """Seconds until CreateIndexEndpoint is done; 60, from memory."""
    deploy: float = 1200.0
    """Seconds until DeployIndex is done; 1200, from practitioners' reports."""
    mutate: float = 300.0
    """Seconds until MutateDeployedIndex is done; 300, from memory."""
    undeploy: float = 180.0
    """Seconds until UndeployIndex is done; 180, from memory."""
    create_collection: float = 10.0
    """Seconds until CreateCollection is done; 10, from memory. Its other changes take effect at once."""
    create_collection_index: float = 1800.0
    """Seconds until CreateIndex of Vector Search 2.0 is done; 1800, as for the other kind of index."""
    import_data_objects: float = 300.0
    """Seconds until ImportDataObjects is done; 300, from memory."""
    delete: float = 5.0
    """Seconds until an index, an endpoint or a collection is deleted; 5; the documentation's samples return at once."""


@dataclass(frozen=True)
class VertexOptions:
    """How the stand-in behaves. Every field is an option of `python -m sandbox start`, as `--clock-factor`."""

    clock_factor: float = 300.0
    """Nominal durations are divided by this; with 300, a 20-minute deployment takes 4 seconds."""
    advance: Literal["time", "reads"] = "time"
    """What advances an operation: elapsed time, as in the real service, or the number of reads."""
    reads: int = 3
    """With `advance="reads"`: the number of reads until an operation is done; 3, so that clients have to poll."""
    list_while_creating: bool = True
    """Whether listings show a resource that is still being created. Undocumented, so both can be tried; Get always
    shows it."""
    listing_delay: float = 0.0
    """Real seconds by which listings lag: behind the end of a creation, or behind its start if resources are listed
    while they are being created; 0. Raise it to test against lag."""
    upsert_delay: float = 0.3
    """Real seconds until upserts and removals show in deployed indexes; 0.3, short but not zero."""
    compaction: float = 0.2
    """The part of a batch index that partial updates change until it is compacted; 0.2, as documented. Until then datapoints that
    were deleted are still served. With 0 every partial update compacts."""
    peered_networks: str = "sandbox"
    """Networks that exist and are peered from the start, separated by commas; `sandbox`, which VERTEX_NETWORK names. With an
    empty list the APIs of networks are not enabled either, as in a new project."""
    automated_endpoints: bool = True
    """Whether an index that is deployed for Private Service Connect without `psc_automation_configs` has an automated endpoint
    all the same, so that clients reach it at once; the real service wants a forwarding rule then."""
    durations: Durations = Durations()
    """Nominal durations per method, before the clock factor."""

    def __post_init__(self) -> None:
        if self.clock_factor <= 0 or self.reads < 1:
            raise ValueError("The clock factor and the number of reads must be positive.")
        if self.compaction < 0:
            raise ValueError(
                "The part of a batch index that is changed until it is compacted must not be negative."
            )
        if self.listing_delay < 0 or self.upsert_delay < 0:
            raise ValueError("Delays must not be negative.")

    def seconds(self, nominal: float) -> float:
        """The real seconds that a nominal duration takes here."""
        return nominal / self.clock_factor
