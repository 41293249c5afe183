"""The composition root: builds every part of the stand-in, in an order that lets each be given what it uses.

The only module that knows them all; nothing below imports it, and it answers no request itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from sandbox.elastic.documents.analyze_api import AnalyzeApi
from sandbox.elastic.documents.api import DocumentApi
from sandbox.elastic.documents.bulk_api import BulkApi
from sandbox.elastic.documents.refreshing import RefreshingWriter
from sandbox.elastic.documents.store import DocumentStore
from sandbox.elastic.documents.writing import DocumentWriter
from sandbox.elastic.indices import serverless
from sandbox.elastic.indices.alias_api import AliasApi
from sandbox.elastic.indices.allocation_api import AllocationApi
from sandbox.elastic.indices.api import IndexApi
from sandbox.elastic.indices.data_stream_api import DataStreamApi
from sandbox.elastic.indices.data_streams import DataStreams
from sandbox.elastic.indices.health_api import HealthApi
from sandbox.elastic.indices.statistics_api import IndexStatisticsApi
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.indices.template_api import IndexTemplateApi
from sandbox.elastic.indices.templates import Templates
from sandbox.elastic.inference.api import InferenceEndpointApi
from sandbox.elastic.inference.definitions import Definitions
from sandbox.elastic.inference.endpoints import Endpoints
from sandbox.elastic.inference.semantic_fields import SemanticFields
from sandbox.elastic.inference.serving import EndpointInference
from sandbox.elastic.inference.use import EndpointUse
from sandbox.elastic.ingest.api import PipelineApi
from sandbox.elastic.ingest.execution import ingested
from sandbox.elastic.ingest.parsing import PipelineParser
from sandbox.elastic.ingest.pipelines import Pipelines
from sandbox.elastic.ingest.statistics_api import IngestStatisticsApi
from sandbox.elastic.ml.capacity_api import CapacityApi
from sandbox.elastic.ml.deployment_api import DeploymentApi
from sandbox.elastic.ml.deployments import Deployments
from sandbox.elastic.ml.inference import Inference
from sandbox.elastic.ml.inference_api import InferenceApi
from sandbox.elastic.ml.inference_ledger import InferenceLedger
from sandbox.elastic.ml.licence import MachineLearningLicence
from sandbox.elastic.ml.model_api import ModelApi
from sandbox.elastic.ml.model_statistics_api import ModelStatisticsApi
from sandbox.elastic.ml.models import Models
from sandbox.elastic.ml.starting import DeploymentStarter
from sandbox.elastic.nodes.api import NodesApi
from sandbox.elastic.nodes.information_api import InformationApi
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.nodes.usage_api import UsageApi
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.reindex.api import ReindexApi
from sandbox.elastic.reindex.by_query_api import ByQueryApi
from sandbox.elastic.reindex.jobs import Jobs
from sandbox.elastic.reindex.management_api import ReindexManagementApi
from sandbox.elastic.search.api import SearchApi
from sandbox.elastic.search.explaining.api import ExplainApi
from sandbox.elastic.search.explaining.validation_api import ValidationApi
from sandbox.elastic.search.field_caps_api import FieldCapabilitiesApi
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.multi_search_api import MultiSearchApi
from sandbox.elastic.search.ranking import Ranking
from sandbox.elastic.search.scans import Scans
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.search.templating.api import TemplateApi
from sandbox.elastic.security.api import SecurityApi
from sandbox.elastic.security.authorization import Authorization
from sandbox.elastic.security.keys import ApiKeys
from sandbox.elastic.store import Store
from sandbox.elastic.tasks.api import TaskApi
from sandbox.elastic.tasks.manager import Tasks
from sandbox.elastic.versions import NEWEST, release
from sandbox.elastic.wire.routing import Route, Routes, TakeAtEnd
from sandbox.elastic.wire.usage import Usage


class Cluster:
    """Everything that lives as long as the server."""

    def __init__(
        self,
        state: Path,
        options: ElasticOptions,
        take_at_end: TakeAtEnd = lambda _api: None,
        *,
        is_secured: bool = True,
    ) -> None:
        self._is_serverless = options.flavour == "serverless"
        self.release = release(NEWEST if self._is_serverless else options.version)
        self.ending = threading.Event()
        self.usage = Usage()
        """Set when the server stops; threads that wait, wait on this."""
        self.store = Store(state / "elastic.sqlite")
        records = self.store.records
        self.nodes = Nodes(records("cluster"), options)
        self.tasks = Tasks(records("tasks"), self.nodes.data.id, self.ending)

        self.models = Models(self.store, options, self.release, self.tasks, take_at_end, self.ending)
        self.deployments = Deployments(
            records("deployments"), self.nodes, options, self.models.task_type, take_at_end, self.ending
        )
        self.licence = MachineLearningLicence(options.licence)
        ledger = InferenceLedger(self.store)
        self.inference = Inference(self.models, self.deployments, self.licence, ledger, self.ending)
        self.starter = DeploymentStarter(self.models, self.deployments, self.nodes, self.release, self.ending)
        self.endpoints = Endpoints(records("inference_endpoints"), self.release)
        self.serving = EndpointInference(
            self.endpoints,
            self.inference,
            self.models,
            self.deployments,
            self.starter,
            self.release,
            self.ending,
            self.licence,
            ledger,
        )
        self.parser = PipelineParser(self.serving)
        self.pipelines = Pipelines(records("ingest_pipelines"), self.parser)

        self.templates = Templates(self.store)
        self.indices = Indices(self.store, self.release, self.templates, DataStreams(records("data_streams")))
        self.documents = DocumentStore(self.store, self.indices)
        self.searchers = Searchers(
            self.store, self.indices, self.documents, self.release, options.refresh_seconds, self.ending
        )
        self.writer = DocumentWriter(
            self.store,
            self.indices,
            self.documents,
            self.release,
            partial(ingested, self.pipelines.find),
            SemanticFields(
                self.endpoints, self.serving, self.release, self.indices.written, self.documents.get
            ).embedded,
            self.searchers.written,
        )
        self.keys = ApiKeys(records("api_keys"))
        self._is_secured = is_secured
        self.contexts = QueryContexts(
            self.documents, self.release, self.serving.for_search, self.serving.relevance_for_search
        )
        self.scans = Scans(self.indices, self.documents, self.searchers, self.contexts)
        self.jobs = Jobs(self.tasks, self.writer.write, take_at_end, self.ending)
        self.routes = self._routes(options)

    def start(self) -> None:
        """Start the background work: restore the deployments of an earlier run and load its documents."""
        self.deployments.restore()
        self.searchers.start()

    def close(self) -> None:
        """Stop the background work and close the database."""
        self.ending.set()
        self.deployments.close()
        self.searchers.close()
        self.store.close()

    def _routes(self, options: ElasticOptions) -> Routes:
        nodes, indices, pipelines = self.nodes, self.indices, self.pipelines
        refreshing = RefreshingWriter(self.writer, indices, self.searchers.refresh)
        search = SearchApi(
            indices, self.searchers, self.contexts, Ranking(self.contexts, self.documents, nodes.data.id)
        )
        by_query = (indices, self.searchers, self.scans, self.contexts, self.jobs)
        machine_learning = (
            ModelApi(self.models, self.deployments, pipelines, self.ending),
            ModelStatisticsApi(self.models, self.deployments, pipelines, nodes, self.release),
            DeploymentApi(self.models, self.deployments, self.starter, pipelines, self.release),
            InferenceApi(self.inference),
            CapacityApi(nodes, self.deployments, self.release),
        )
        others = (
            InformationApi(nodes, self.release, options.licence, options.flavour),
            NodesApi(nodes, self.release, self.deployments.at_work_on),
            UsageApi(nodes, self.usage),
            TaskApi(self.tasks, nodes),
            InferenceEndpointApi(
                self.endpoints,
                Definitions(self.models, self.deployments, self.release),
                self.serving,
                EndpointUse(pipelines, indices),
                self.deployments,
                self.licence,
                self.release,
            ),
            IndexApi(indices),
            AliasApi(indices, self.release),
            DataStreamApi(indices),
            IndexTemplateApi(self.templates),
            IndexStatisticsApi(indices, self.documents, self.searchers),
            HealthApi(nodes, indices, self.ending),
            AllocationApi(nodes, indices, self.documents.bytes),
            DocumentApi(refreshing, self.documents, indices, self.release),
            BulkApi(refreshing),
            search,
            ExplainApi(indices, self.searchers, self.contexts, self.documents),
            ValidationApi(indices, self.searchers, self.contexts),
            FieldCapabilitiesApi(indices, self.searchers, self.release),
            AnalyzeApi(indices),
            TemplateApi(self.store.records("scripts"), search),
            PipelineApi(pipelines, self.parser, indices),
            IngestStatisticsApi(pipelines, nodes),
            ReindexApi(*by_query, whitelist=options.reindex_whitelist),
            ByQueryApi(*by_query),
            ReindexManagementApi(self.tasks, self.jobs, nodes, self.release),
        )
        licensed = (self.licence.guarded(route) for api in machine_learning for route in api.routes)
        every = [*(route for api in others for route in api.routes), *licensed]
        guards = [serverless.guarded] if self._is_serverless else []
        if self._is_secured:  # otherwise as with `xpack.security.enabled: false`, which takes these APIs away
            every += SecurityApi(self.keys).routes
            guards.append(Authorization(indices).guarded)
        every = _guarded(every, guards)
        handlers = {route.api: route.handler for route in every}
        several = MultiSearchApi(handlers["search"], handlers["search_template"])
        return Routes([*every, *_guarded(several.routes, guards)])


def _guarded(routes: Iterable[Route], guards: Iterable[Callable[[Route], Route]]) -> list[Route]:
    for guard in guards:
        routes = [*map(guard, routes)]
    return [*routes]
