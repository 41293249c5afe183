"""Machine learning, ingest and all that runs in the background: what its modules answer, and what lives meanwhile.

ROUTES collects theirs; attach fills the cluster's hooks.
"""

from __future__ import annotations

from functools import partial

from sandbox.elastic import (
    deployment_api,
    inference,
    ingest,
    ml_info,
    model_api,
    model_stats,
    nodes,
    pipeline_api,
    pipeline_stats,
    reindex,
    reindex_api,
    task_api,
    update_by_query,
)
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.deployments import Deployments
from sandbox.elastic.inference_ledger import InferenceLedger
from sandbox.elastic.ml_licence import licensed
from sandbox.elastic.models import Models
from sandbox.elastic.pipelines import Pipelines
from sandbox.elastic.routing import Route
from sandbox.elastic.task_manager import Tasks

_PARTS = (model_api, model_stats, deployment_api, inference, ml_info)
_PARTS += (pipeline_api, pipeline_stats, nodes, task_api, reindex, reindex_api, update_by_query)

ROUTES: tuple[Route, ...] = tuple(licensed(route) for part in _PARTS for route in part.ROUTES)


def attach(cluster: Cluster) -> None:
    """Fill `cluster.ingest` and `cluster.infer`, and start what runs in the background."""
    cluster.ledger = InferenceLedger(cluster.store)
    cluster.tasks = Tasks(cluster)
    cluster.jobs = {}
    cluster.models = Models(cluster)
    cluster.pipelines = Pipelines(cluster)
    cluster.deployments = Deployments(cluster)
    cluster.deployments.restore()
    cluster.ingest = partial(ingest.ingested, cluster)
    cluster.infer = partial(inference.for_search, cluster)


def detach(cluster: Cluster) -> None:
    """End what runs in the background."""
    cluster.deployments.close()
