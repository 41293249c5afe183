"""`elastic check`: whether a cluster meets the requirements of the flows. Changes nothing."""

from __future__ import annotations

from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.elastic.cluster.cluster import ClusterNotReady, read_cluster


@engine_flow(ELASTIC, "check", run_name="check {target}")
def check_cluster(options: ElasticOptions) -> Report:
    """Check that a cluster meets the requirements of the flows.

    Checks version, license and machine-learning nodes.

    Example:
        vector-search elastic check --target elastic
    """
    settings = ELASTIC.settings(options.target)
    with reporting("elastic check", "cluster", options.target, settings.where) as report:
        cluster = read_cluster.with_options(retries=0)(
            settings
        )  # a check reports at once that nothing answers
        with report.step("Elasticsearch") as step:
            step.saw(f"{cluster.name}, version {cluster.version}")
        with report.step("license") as step:
            step.saw(cluster.licence if cluster.licence_is_active else f"{cluster.licence}, expired")
        with report.step("machine-learning nodes") as step:
            step.saw("; ".join(map(str, cluster.ml_nodes)) or "none")
        if missing := cluster.missing():
            raise ClusterNotReady(cluster, missing)
    return report
