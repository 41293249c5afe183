"""`databricks verify`: an index, measured against exact search or, where the service embeds, by its own texts. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, DataOptions, VersionOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.databricks.indexes import IndexState, read_index
from tasks.databricks.searches import read_count
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.texts import TextSource, read_validated_texts
from tasks.databricks.verification import TEXTS, verify_recall, verify_texts
from tasks.waiting import Deadline

VERIFY_MINUTES = 60
"""After which a service that keeps failing is given up."""


class VerifyIndexOptions(VersionOptions, DataOptions, frozen=True):
    """The options of `databricks verify`."""

    data: str = Field(
        description=f"The file that the index was built from, with queries: {DATA} Of an index whose texts the service embeds: its JSON lines."
    )
    limit: int | None = Field(default=None, ge=1, description="The limit that it was built with.")
    k: int = Field(default=10, ge=1, le=500, description="Neighbors per query.")
    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="The recall@k, or the share of found texts, to reach; 0 only measures.",
    )
    queries: int | None = Field(
        default=None,
        ge=1,
        description=f"Use only the first N queries; of texts, ask for N of them and not for {TEXTS}.",
    )


@engine_flow(DATABRICKS, "verify", run_name="verify {name} on {target}")
def verify_index(options: VerifyIndexOptions) -> Report:
    """Measure recall and latency of an index against exact search by squared L2 distance, which the service's score follows.

    An index whose texts the service embeds is asked for a sample of its own texts instead, each of which must find its own row; every one
    costs a call of the model.

    Fails if recall@k, or the share of texts that are found, is below min_recall. Changes nothing.

    Example:
        vector-search databricks verify --name products --data products.hdf5 --target sandbox
    """
    settings, name = DATABRICKS.settings(options.target), options.name
    with reporting("databricks verify", name, options.target, settings.where) as report:
        index = read_index(settings, name, options.version)
        with report.step("rows") as step:
            count = read_count(settings, index)
            step.saw(f"{count:,}")
        report.facts |= {"version": index.version, "rows": count}
        if index.is_managed:
            _verify_texts(report, settings, index, options)
            return report
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


def _verify_texts(
    report: Report, settings: DatabricksSettings, index: IndexState, options: VerifyIndexOptions
) -> None:
    source = TextSource(data=options.data, text_column=index.text_column, limit=options.limit)
    validated, _ = read_validated_texts(source)
    with report.step(f"texts among the {options.k} rows that they find") as step:
        share = verify_texts(
            settings,
            index,
            source,
            Deadline.after(minutes=VERIFY_MINUTES),
            rows=validated.rows,
            least=options.min_recall,
            texts=options.queries or TEXTS,
            nearest=options.k,
        )
        step.saw(f"{share:.2f}")
    report.facts["texts_found"] = share
