"""`vertex verify`: the deployed index, measured against exact search. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.vertex.engine import VERTEX
from flows.vertex.options import DATA, BuiltIndexOptions, DataOptions, HybridOptions
from tasks.progress import say
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.verification.recall import verify_recall
from tasks.vertex.verification.truths import read_truths


class VerifyOptions(BuiltIndexOptions, DataOptions, HybridOptions, frozen=True):
    """The options of `vertex verify`."""

    data: str = Field(description=f"The file that the index was built from, with queries: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="The limit that the index was built with.")
    k: int = Field(default=10, ge=1, description="Neighbors per query.")
    min_recall: float = Field(default=0.9, ge=0, le=1, description="The recall@k to reach; 0 only measures.")
    queries: int | None = Field(default=None, ge=1, description="Use only the first N queries.")
    version: str | None = Field(
        default=None,
        description="A version that is deployed, in place of the served one: first, or twelve hex digits.",
    )
    fraction_leaf_nodes_to_search_override: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Fraction of the leaves to search, instead of the index's own setting.",
    )
    approximate_neighbor_count: int | None = Field(
        default=None,
        ge=1,
        description="Candidates of the approximate search, instead of the index's own setting.",
    )


@engine_flow(VERTEX, "verify", run_name="verify {name} on {target}")
def verify_index(options: VerifyOptions) -> Report:
    """Measure recall and latency of the deployed index against exact search with the index's own distance measure.

    If the data has dense and sparse queries, dense, sparse and hybrid recall are measured. Fails if any recall@k is below
    min_recall. Changes nothing.

    Example:
        vector-search vertex verify --name products --data products.hdf5 --target sandbox
    """
    settings = VERTEX.settings(options.target)
    with (
        reporting("vertex verify", options.name, options.target, settings.where) as report,
        report.step(f"recall@{options.k}") as step,
    ):
        served = read_served_index(settings, options.name, options.version)
        if served.imported:
            say(
                f"An import ({served.imported}) has changed {options.name} since it was built: recall is that against {options.data}, so name "
                "a file with the rows as they are now."
            )
        source = options.data_source(options.data, options.limit)
        truths = read_truths(
            settings,
            served,
            source,
            k=options.k,
            queries=options.queries,
            alpha=options.alpha,
            rrf_constant=options.rrf_constant,
        )
        report.facts["version"] = served.version
        for truth in truths:
            recall = verify_recall(
                settings,
                served,
                truth,
                min_recall=options.min_recall,
                fraction=options.fraction_leaf_nodes_to_search_override,
                approximate_neighbor_count=options.approximate_neighbor_count,
            )
            step.saw(str(recall))
            report.facts[recall.fact] = recall.model_dump()
    return report
