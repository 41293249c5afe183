"""`vertex verify`: what is served, measured against exact search. Changes nothing."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from tasks.vertex.imports.import_data import DataSource
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.settings import VertexTarget, vertex_settings
from tasks.vertex.specs import Name
from tasks.vertex.verification.recall import read_truth, verify_recall


@flow(name="vertex verify", flow_run_name="verify {name} on {target}")
def verify_index(
    *,
    name: Name,
    data: str,
    target: VertexTarget,
    limit: Annotated[int, Field(ge=1)] | None = None,
    k: Annotated[int, Field(ge=1)] = 10,
    min_recall: Annotated[float, Field(ge=0, le=1)] = 0.9,
    queries: Annotated[int, Field(ge=1)] | None = None,
    fraction_leaf_nodes_to_search_override: Annotated[float, Field(gt=0, le=1)] | None = None,
    approximate_neighbor_count: Annotated[int, Field(ge=1)] | None = None,
) -> Report:
    """Measure recall and latency of what is served against exact search under the index's own distance measure.

    Fails when recall@k stays below min_recall. Changes nothing.

    Args:
        name: The name that the index was built under.
        data: The HDF5 file that it was built from, with queries in test; a local path or a gs:// address.
        target: Where it was built: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        limit: The limit that it was built with.
        k: Neighbors a query.
        min_recall: What recall@k must reach; 0 only measures.
        queries: Use only the first so many queries.
        fraction_leaf_nodes_to_search_override: Part of the leaves to search, in place of the index's own.
        approximate_neighbor_count: Candidates of the approximate search, in place of the index's own.

    Example:
        vector-search vertex verify --name products --data products.hdf5 --target sandbox
    """
    settings = vertex_settings(target)
    with reporting("vertex verify", name, target) as report, report.step(f"recall@{k}") as step:
        served = read_served_index(settings, name)
        recall = verify_recall(
            settings,
            served,
            read_truth(settings, served, DataSource(data, limit), k=k, queries=queries),
            min_recall=min_recall,
            fraction=fraction_leaf_nodes_to_search_override,
            approximate_neighbor_count=approximate_neighbor_count,
        )
        step.saw(str(recall))
        report.facts["recall"] = recall.model_dump()
    return report
