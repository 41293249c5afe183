"""Machine learning, ingest and all that runs in the background: what its modules answer, and what lives meanwhile.

ROUTES collects theirs; attach fills the cluster's hooks.
"""

from __future__ import annotations

from functools import partial

from sandbox.elastic.cluster import Cluster
from sandbox.elastic.ingest import api as pipeline_api
from sandbox.elastic.ingest import execution as ingest
from sandbox.elastic.ingest import statistics_api as pipeline_stats
from sandbox.elastic.ingest.pipelines import Pipelines
from sandbox.elastic.ml import capacity_api as ml_info
from sandbox.elastic.ml import deployment_api, inference, model_api, model_stats
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.inference_ledger import InferenceLedger
from sandbox.elastic.ml.licence import licensed
from sandbox.elastic.ml.models import Models
from sandbox.elastic.nodes import api as nodes
from sandbox.elastic.reindex import api as reindex
from sandbox.elastic.reindex import management_api as reindex_api
from sandbox.elastic.reindex import update_by_query_api as update_by_query
from sandbox.elastic.tasks import api as task_api
from sandbox.elastic.tasks.manager import Tasks
from sandbox.elastic.wire.routing import Route

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
