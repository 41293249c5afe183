"""A query and its neighbors as values; `tasks/vertex/queries/matches.py` knows how a query travels."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field, model_validator

from tasks.errors import InvalidInput
from tasks.vertex.datapoints.filters import NumericFilter, Restrict
from tasks.vertex.datapoints.sparse import SparseVector
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
SPARSE_MEASURE = "sparse dot product"
"""Sparse vectors have no other measure, whatever the index's ("About hybrid search")."""


class Query(VectorModel, frozen=True):
    """What is asked of a served index: the neighbors of a dense vector, of a sparse one, of both, or of a stored datapoint."""

    vector: Vector | None = None
    """The dense vector."""
    sparse_vector: SparseVector | None = None
    datapoint_id: str | None = Field(default=None, min_length=1)
    """Ask with the vectors of this stored datapoint; without alpha with the dense one, if it has one."""
    alpha: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    """Weight of the dense ranking where both vectors are asked with, that of the sparse one being 1 - alpha. The two are merged
    by reciprocal rank fusion; 1 counts the dense one alone, 0 the sparse one. None: one vector is asked with."""
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
        vectors = (self.vector is not None) + (self.sparse_vector is not None)
        if bool(vectors) == (self.datapoint_id is not None):
            raise ValueError("give either vector, sparse_vector or both, or datapoint_id")
        if vectors == 2 and self.alpha is None:  # the service would leave the sparse one out, without a word
            raise ValueError(
                "a query with both vectors needs alpha, the weight of the dense one from 0 to 1; 0.5 is usual"
            )
        if vectors == 1 and self.alpha is not None:
            raise ValueError("alpha weighs a dense and a sparse vector, and the query has one of them")
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
    sparse_distance: float = 0.0
    """The dot product of the sparse vectors. Each of both is 0 where the search that it belongs to did not find the neighbor."""

    def scores(self, query: Query, measure: DistanceMeasure) -> dict[str, float]:
        """The scores that the query asked for, by name: `{"dot product": 0.7, "sparse dot product": 3.1}`."""
        asked_dense = query.vector is not None or query.datapoint_id is not None
        asked_sparse = query.sparse_vector is not None or query.alpha is not None or self.sparse_distance
        dense = {MEASURES[measure]: self.distance} if asked_dense else {}
        return dense | ({SPARSE_MEASURE: self.sparse_distance} if asked_sparse else {})
