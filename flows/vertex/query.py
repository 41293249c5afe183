"""`vertex query`: nearest neighbors, with filters and crowding."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.filters import parse_numeric_filters, parse_restricts
from tasks.vertex.datapoints.vectors import parsed
from tasks.vertex.imports.import_data import read_query_vector
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import read_neighbors
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.settings import VertexTarget, vertex_settings
from tasks.vertex.specs import Name


@flow(name="vertex query", flow_run_name="query {name} on {target}")
def query_index(
    *,
    name: Name,
    target: VertexTarget,
    vector: tuple[float, ...] = (),
    datapoint_id: str | None = None,
    data: str | None = None,
    row: Annotated[int, Field(ge=0)] = 0,
    neighbor_count: Annotated[int, Field(ge=1)] = 10,
    restricts: tuple[str, ...] = (),
    numeric_restricts: tuple[str, ...] = (),
    per_crowding_attribute_neighbor_count: Annotated[int, Field(ge=1)] | None = None,
    approximate_neighbor_count: Annotated[int, Field(ge=1)] | None = None,
    fraction_leaf_nodes_to_search_override: Annotated[float, Field(gt=0, le=1)] | None = None,
) -> Report:
    """Ask an index for the nearest neighbors of a vector, of a stored datapoint, or of a query row of a data file.

    Args:
        name: The name that the index was built under.
        target: Where it was built: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        vector: The query's numbers.
        datapoint_id: Ask with the vector of this stored datapoint.
        data: Ask with a row of the dataset test of this HDF5 file; a local path or a gs:// address.
        row: Which row of test, from 0.
        neighbor_count: How many neighbors; up to 300 stays fast.
        restricts: Token filters, each class=1,2 to allow or class!=3 to deny.
        numeric_restricts: Number filters, each price>=10i (int64), price<0.5f (float32) or price<0.5d (float64).
        per_crowding_attribute_neighbor_count: The most neighbors that may share a crowding tag.
        approximate_neighbor_count: Candidates of the approximate search; about ten times neighbor_count is usual.
        fraction_leaf_nodes_to_search_override: Part of the leaves to search, in place of the index's own.

    Example:
        vector-search vertex query --name products --datapoint-id 17 --restricts class=17,42 --target sandbox
    """
    if sum(bool(way) for way in (vector, datapoint_id, data)) != 1:
        raise InvalidInput(
            "Give exactly one of vector, datapoint_id and data", source="vector, datapoint_id, data"
        )
    settings = vertex_settings(target)
    with reporting("vertex query", name, target) as report:
        served = read_served_index(settings, name)
        asked = read_query_vector(settings, data, row) if data else (vector or None)
        query = parsed(
            Query,
            {
                "vector": asked,
                "datapoint_id": datapoint_id,
                "neighbor_count": neighbor_count,
                "restricts": parse_restricts(restricts),
                "numeric_restricts": parse_numeric_filters(numeric_restricts),
                "per_crowding_attribute_neighbor_count": per_crowding_attribute_neighbor_count,
                "approximate_neighbor_count": approximate_neighbor_count,
                "fraction_leaf_nodes_to_search_override": fraction_leaf_nodes_to_search_override,
            },
            what="query",
        )
        answers = read_neighbors(settings, served, [query])
        for rank, neighbor in enumerate(answers.neighbors[0], start=1):
            with report.step(f"neighbor {rank}") as step:
                step.saw(
                    f"{neighbor.id} (distance {neighbor.distance:g}, crowding tag {neighbor.crowding or 'none'})"
                )
        report.facts["neighbors"] = [neighbor._asdict() for neighbor in answers.neighbors[0]]
    return report
