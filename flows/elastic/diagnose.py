"""`elastic diagnose`: what is slow or fails, and the setting to change. Changes nothing."""

from __future__ import annotations

from prefect import flow

from flows.report import Report, reporting
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.settings import ElasticTarget, elastic_settings
from tasks.elastic.specs import Name
from tasks.elastic.verification.diagnosis import read_diagnosis
from tasks.elastic.verification.truncation import read_truncated
from tasks.progress import say


@flow(name="elastic diagnose", flow_run_name="diagnose {target}")
def diagnose_cluster(*, target: ElasticTarget, name: Name | None = None) -> Report:
    """Say what is slow or fails, with the number that shows it and the setting to change.

    Looks at downloads, deployments and their queues, pipelines and busy threads.

    Args:
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        name: Also look at this embedded index: documents without their embedding, texts that the model cuts.

    Example:
        vector-search elastic diagnose --target sandbox --name films
    """
    settings = elastic_settings(target)
    with reporting("elastic diagnose", name or "cluster", target) as report:
        if name is None:
            diagnosis = read_diagnosis(settings)
        else:
            embedded = read_embedded(settings, name)
            truncation = read_truncated(settings, name, embedded.fields, embedded.deployment)
            diagnosis = read_diagnosis(settings, name, embedded.fields, truncation)
        with report.step("looked at") as step:
            step.saw(f"deployments: {len(diagnosis.deployments)}, pipelines: {len(diagnosis.pipelines)}")
            step.saw(f"busy threads: {len(diagnosis.threads)}")
        for finding in diagnosis.findings:
            with report.step(f"{finding.area}: {finding.what}") as step:
                step.saw(f"{finding.seen}; {finding.change}")
        if not diagnosis.findings:
            say("Nothing found: no queue is full, no thread is the limit, nothing was swallowed.")
    return report
