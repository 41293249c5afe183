"""Steps with deployments that an option names: somebody has started them, and they are asked."""

from __future__ import annotations

from flows.elastic.options import ElasticRun
from tasks.elastic.cluster.deployment_states import DeploymentState, read_deployment
from tasks.elastic.cluster.deployments import wait_for_allocation
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.program import command


def existing_deployment(settings: ElasticSettings, deployment_id: str, option: str) -> DeploymentState:
    """A deployment that an option names.

    Raises:
        InvalidInput: there is none.
    """
    there = read_deployment(settings, deployment_id)
    if there is None:
        remedy = f"Start it with `{command('elastic deploy', name='NAME')}`, which names deployments NAME-ingest and NAME-search."
        raise InvalidInput(
            "There is no such deployment", value=deployment_id, source=f"--{option}", remedy=remedy
        )
    return there


def wait_for_deployments(run: ElasticRun, *ids: str, may_grow: bool = False) -> None:
    """Wait until each can be asked; after a restart of the cluster that takes a while."""
    for each in dict.fromkeys(ids):
        wait_for_allocation(run.settings, each, run.deadline, may_grow=may_grow)
