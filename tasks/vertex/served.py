"""A served index: everything that a query, an upsert or a measurement has to know, read from the service by name."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.vertex.specs import DistanceMeasure, EndpointKind, FeatureNorm, UpdateMethod


@dataclass(frozen=True)
class ServedIndex:
    """An index that is deployed behind an endpoint."""

    name: str
    """The name that the user gave."""
    index: str
    """The index's resource name: upserts and removals go there."""
    endpoint: str
    """The index endpoint's resource name."""
    deployed_index_id: str
    kind: EndpointKind
    """How queries travel: `public` by FindNeighbors, the others by the private MatchService."""
    address: str
    """Where queries go: the public domain name, or the private gRPC address without its port 10000."""
    dimensions: int
    distance_measure: DistanceMeasure
    feature_norm: FeatureNorm
    update_method: UpdateMethod
    vectors_count: int
    """What the index's statistics say; they lag behind streaming updates."""
