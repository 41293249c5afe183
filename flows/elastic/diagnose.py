"""`elastic diagnose`: what is slow or failing, and the setting to change. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.elastic.cluster.serverless import verify_not_serverless
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.specs import Name
from tasks.elastic.verification.diagnosis import read_diagnosis
from tasks.elastic.verification.truncation import read_truncated
from tasks.progress import say


class DiagnoseOptions(ElasticOptions, frozen=True):
    """The options of `elastic diagnose`."""

    name: Name | None = Field(
        default=None,
        description="Also check this embedded index for documents without an embedding and texts that the model truncates.",
    )


@engine_flow(ELASTIC, "diagnose", run_name="diagnose {target}")
def diagnose_cluster(options: DiagnoseOptions) -> Report:
    """Find what is slow or failing, with the number that shows it and the setting to change.

    Checks downloads, deployments and their queues, pipelines and busy threads.

    Example:
        vector-search elastic diagnose --target sandbox --name films
    """
    settings, name = ELASTIC.settings(options.target), options.name
    with reporting("elastic diagnose", name or "cluster", options.target, settings.where) as report:
        verify_not_serverless(
            settings,
            "elastic diagnose",
            needs="statistics of nodes and their threads",
            remedy="The project's overview in Elastic Cloud shows its use.",
        )
        if name is None:
            diagnosis = read_diagnosis(settings)
        else:
            embedded = read_embedded(settings, name)
            # A semantic_text field has its texts in chunks, so nothing of them is cut.
            truncation = (
                read_truncated(settings, name, embedded.fields, embedded.deployment)
                if embedded.kind != "semantic-text" and embedded.deployment
                else None
            )
            diagnosis = read_diagnosis(settings, name, embedded.fields, truncation)
        with report.step("checked") as step:
            step.saw(f"deployments: {len(diagnosis.deployments)}, pipelines: {len(diagnosis.pipelines)}")
        for what, seen in diagnosis.numbers():
            with report.step(what) as step:
                step.saw(seen)
        for finding in diagnosis.findings:
            with report.step(f"{finding.area}: {finding.what}") as step:
                step.saw(f"{finding.seen}; {finding.change}")
        if not diagnosis.findings:
            say("Nothing found: no queue is full, no thread is a bottleneck, no failure was ignored.")
    return report
