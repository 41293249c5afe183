"""`databricks verify`: an index, measured against exact search. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, DataOptions, VersionOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.databricks.indexes import read_index
from tasks.databricks.searches import read_count
from tasks.databricks.verification import verify_recall
from tasks.errors import InvalidInput
from tasks.program import command
from tasks.waiting import Deadline

VERIFY_MINUTES = 60
"""After which a service that keeps failing is given up."""


class VerifyIndexOptions(VersionOptions, DataOptions, frozen=True):
    """The options of `databricks verify`."""

    data: str = Field(description=f"The file that the index was built from, with queries: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="The limit that it was built with.")
    k: int = Field(default=10, ge=1, le=500, description="Neighbors per query.")
    min_recall: float = Field(default=0.9, ge=0, le=1, description="The recall@k to reach; 0 only measures.")
    queries: int | None = Field(default=None, ge=1, description="Use only the first N queries.")


@engine_flow(DATABRICKS, "verify", run_name="verify {name} on {target}")
def verify_index(options: VerifyIndexOptions) -> Report:
    """Measure recall and latency of an index against exact search by squared L2 distance, which the service's score follows.

    Fails if recall@k is below min_recall. Changes nothing.

    Example:
        vector-search databricks verify --name products --data products.hdf5 --target sandbox
    """
    settings, name = DATABRICKS.settings(options.target), options.name
    with reporting("databricks verify", name, options.target, settings.where) as report:
        index = read_index(settings, name, options.version)
        if index.is_managed:
            raise InvalidInput(
                "Recall is not measured of an index whose vectors are the service's own", value=name, source="name",
                accepted="an index that was built from vectors",
                remedy=f"`{command('databricks build', name=name, data='FILE', index_type='DELTA_SYNC', embed_with=index.embed_with)}` "
                "asks it for a sample of its own texts.",
            )  # fmt: skip
        with report.step("rows") as step:
            count = read_count(settings, index)
            step.saw(f"{count:,}")
            report.facts |= {"version": index.version, "rows": count}
        with report.step(f"recall@{options.k}") as step:
            recall = verify_recall(
                settings,
                index,
                options.row_source(options.data, options.limit),
                Deadline.after(minutes=VERIFY_MINUTES),
                k=options.k,
                queries=options.queries,
                min_recall=options.min_recall,
            )
            step.saw(str(recall))
            report.facts["recall"] = recall.model_dump()
    return report
