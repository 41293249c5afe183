"""`elastic check`: what the flows need of a cluster and do not find. Changes nothing."""

from __future__ import annotations

from prefect import flow

from flows.report import Report, reporting
from tasks.elastic.cluster.cluster import ClusterNotReady, read_cluster
from tasks.elastic.settings import ElasticTarget, elastic_settings


@flow(name="elastic check", flow_run_name="check {target}")
def check_cluster(*, target: ElasticTarget) -> Report:
    """Say what the flows need of a cluster and do not find.

    Looks at version, licence and machine-learning nodes.

    Args:
        target: Where to look: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.

    Example:
        vector-search elastic check --target elastic
    """
    settings = elastic_settings(target)
    with reporting("elastic check", "cluster", target) as report:
        cluster = read_cluster.with_options(retries=0)(settings)  # a check says at once that nobody answers
        with report.step("Elasticsearch") as step:
            step.saw(f"{cluster.name}, version {cluster.version}")
        with report.step("licence") as step:
            step.saw(cluster.licence if cluster.licence_is_active else f"{cluster.licence}, expired")
        with report.step("machine-learning nodes") as step:
            step.saw("; ".join(map(str, cluster.ml_nodes)) or "none")
        if missing := cluster.missing():
            raise ClusterNotReady(cluster, missing)
    return report
