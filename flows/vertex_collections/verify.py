"""`vertex-collections verify`: a collection, measured against exact search. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.vertex.options import DATA, DataOptions
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from flows.vertex_collections.options import BuiltCollectionOptions
from tasks.vertex_collections.collections import read_collection
from tasks.vertex_collections.indexes import read_collection_index
from tasks.vertex_collections.searches import read_count
from tasks.vertex_collections.verification import verify_recall
from tasks.waiting import Deadline

VERIFY_MINUTES = 60
"""After which a service that keeps failing is given up."""


class VerifyCollectionOptions(BuiltCollectionOptions, DataOptions, frozen=True):
    """The options of `vertex-collections verify`."""

    data: str = Field(description=f"The file that the collection was built from, with queries: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="The limit that it was built with.")
    k: int = Field(default=10, ge=1, le=500, description="Neighbors per query.")
    min_recall: float = Field(default=0.9, ge=0, le=1, description="The recall@k to reach; 0 only measures.")
    queries: int | None = Field(default=None, ge=1, description="Use only the first N queries.")
    exact: bool = Field(default=False, description="Compare with every vector, also where there is an index.")
    target_recall: float | None = Field(
        default=None, gt=0, le=1, description="The recall that the index is asked for in every search."
    )


@engine_flow(VERTEX_COLLECTIONS, "verify", run_name="verify {name} on {target}")
def verify_collection(options: VerifyCollectionOptions) -> Report:
    """Measure recall and latency of a collection against exact search with its own distance metric.

    Fails if recall@k is below min_recall. Changes nothing.

    Example:
        vector-search vertex-collections verify --name products --data products.hdf5 --target sandbox
    """
    settings, name = VERTEX_COLLECTIONS.settings(options.target), options.name
    with reporting("vertex-collections verify", name, options.target, settings.where) as report:
        collection = read_collection(settings, name)
        with report.step("data objects") as step:
            count = read_count(settings, name)
            step.saw(f"{count:,}")
            report.facts["data_objects"] = count
        with report.step(f"recall@{options.k}") as step:
            index = None if options.exact else read_collection_index(settings, name)
            recall = verify_recall(
                settings,
                collection,
                index,
                options.data_source(options.data, options.limit),
                Deadline.after(minutes=VERIFY_MINUTES),
                k=options.k,
                queries=options.queries,
                min_recall=options.min_recall,
                target_recall=options.target_recall,
            )
            step.saw(str(recall))
            report.facts["recall"] = recall.model_dump()
    return report
