"""`elastic check`: whether a cluster meets the requirements of the flows. Changes nothing."""

from __future__ import annotations

from pydantic import Field

from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions
from flows.elastic.privileges import to_check
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.elastic.cluster.cluster import ClusterNotReady, read_cluster
from tasks.elastic.cluster.privileges import PrivilegesMissing, read_privileges
from tasks.elastic.specs import Name


class CheckOptions(ElasticOptions, frozen=True):
    """The options of `elastic check`."""

    name: Name | None = Field(
        default=None,
        description="Also check the privileges on indices that loading and embedding under this name need.",
    )
    source: str | None = Field(
        default=None, description="Also check the privileges on the indices that are to be embedded."
    )


@engine_flow(ELASTIC, "check", run_name="check {target}")
def check_cluster(options: CheckOptions) -> Report:
    """Check that a cluster meets the requirements of the flows.

    Checks the privileges of the API key or user, version, license and machine-learning nodes.

    Example:
        vector-search elastic check --target elastic
    """
    settings = ELASTIC.settings(options.target)
    with reporting("elastic check", "cluster", options.target, settings.where) as report:
        with report.step("privileges") as step:
            needs = to_check(options.name, options.source)
            privileges = read_privileges.with_options(retries=0)(settings, needs)
            step.saw(str(privileges))
        if privileges.lacks("monitor"):  # without it nothing else can be read
            raise PrivilegesMissing(privileges)
        cluster = read_cluster.with_options(retries=0)(
            settings
        )  # a check reports at once that nothing answers
        with report.step("Elasticsearch") as step:
            step.saw(
                f"{cluster.name}, {'serverless' if cluster.serverless else f'version {cluster.version}'}"
            )
        with report.step("license") as step:
            step.saw(cluster.licence if cluster.licence_is_active else f"{cluster.licence}, expired")
        with report.step("machine-learning nodes") as step:
            managed = (
                "Elastic's: a serverless project embeds through inference endpoints, with --as semantic-text"
            )
            step.saw(managed if cluster.serverless else "; ".join(map(str, cluster.ml_nodes)) or "none")
        if missing := cluster.missing():
            raise ClusterNotReady(cluster, missing)
        if privileges.missing:
            raise PrivilegesMissing(privileges)
    return report
