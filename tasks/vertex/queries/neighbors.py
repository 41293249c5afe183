"""A query and its neighbors as values; `tasks/vertex/queries/matches.py` knows how a query travels."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field, model_validator

from tasks.errors import InvalidInput
from tasks.vertex.datapoints.filters import NumericFilter, Restrict
from tasks.vertex.datapoints.vectors import Vector, VectorModel
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.specs import DistanceMeasure

MEASURES: dict[DistanceMeasure, str] = {
    "DOT_PRODUCT_DISTANCE": "dot product",
    "COSINE_DISTANCE": "cosine distance",
    "SQUARED_L2_DISTANCE": "squared L2 distance",
    "L1_DISTANCE": "L1 distance",
}
"""What an index's measure is called. A dot product is higher for what is nearer, a distance lower; of COSINE_DISTANCE the
documentation has both readings, so only the order counts."""


class Query(VectorModel, frozen=True):
    """What is asked of a served index: the neighbors of a vector, or of a stored datapoint."""

    vector: Vector | None = None
    datapoint_id: str | None = Field(default=None, min_length=1)
    """Ask with the vector of this stored datapoint."""
    neighbor_count: int = Field(default=10, ge=1)
    """Always sent: the service's own default is not documented. Up to 300 stays fast (Vertex AI documentation)."""
    restricts: tuple[Restrict, ...] = ()
    numeric_restricts: tuple[NumericFilter, ...] = ()
    per_crowding_attribute_neighbor_count: int | None = Field(default=None, ge=1)
    """The most neighbors that may share a crowding tag; None or more than neighbor_count: no limit."""
    approximate_neighbor_count: int | None = Field(default=None, ge=1)
    """Candidates of the approximate search, about ten times neighbor_count; None: the index's own."""
    fraction_leaf_nodes_to_search_override: float | None = Field(default=None, gt=0, le=1)
    """Part of the leaves to search; None: the index's own."""

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Query:
        if (self.vector is None) == (self.datapoint_id is None):
            raise ValueError("give either vector or datapoint_id")
        return self

    def check(self, served: ServedIndex) -> None:
        """Check that the index can answer this, before anything is sent.

        Raises:
            InvalidInput: another number of dimensions.
        """
        if self.vector is not None and self.vector.size != served.dimensions:
            raise InvalidInput(
                f"The query's vector has another number of dimensions than the index {served.name}",
                value=int(self.vector.size),
                accepted=str(served.dimensions),
            )


class Neighbor(NamedTuple):
    """One answer to a query; answers come nearest first."""

    id: str
    distance: float
    """As the service reports it, under the index's measure: use rank and id, its sign differs between measures."""
    crowding: str
    """The crowding tag; of a private endpoint an integer of undocumented meaning. Empty: none."""
