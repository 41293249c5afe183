"""Stand-ins of Elasticsearch by their options, with the model deployed and documents loaded by somebody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from elasticsearch.helpers import bulk

from sandbox.elastic.ml import inference_ledger
from sandbox.elastic.options import ElasticOptions
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.sources import read_sample
from tasks.elastic.settings import elastic_settings
from tasks.elastic.specs import DeploymentSpec
from tasks.waiting import Deadline
from tests.client import VERSION
from tests.flows.stand_ins import StandIn

DATA = Path(__file__).parents[3] / "sandbox" / "data"


class ElasticStandIn(StandIn):
    """A stand-in of Elasticsearch, and what a test asks it."""

    def __init__(self, state, options):
        super().__init__(state, options)
        self.settings = self.settings_by(elastic_settings)
        self.client = connect(self.settings)

    def inferences(self, purpose="ingest"):
        """How often each text was embedded."""
        return inference_ledger.read(self.state, purpose)

    def deploy(self, deployment_id, **options):
        """A started deployment of ELSER."""
        deadline = Deadline.after(seconds=60)
        spec = DeploymentSpec(id=deployment_id, **options)
        ensure_model.fn(self.settings, spec.model_id)
        wait_for_model.fn(self.settings, spec.model_id, deadline)
        ensure_deployment.fn(self.settings, spec, deadline)
        wait_for_deployment.fn(self.settings, spec, deadline)
        return deployment_id

    def store(self, index, documents):
        """Documents put into an index by somebody who knows nothing of us."""
        bulk(self.client, ({"_index": index, "_id": one["id"], **one} for one in documents), refresh=True)
        return index

    def alias(self, name):
        """The indices that an alias points at."""
        return sorted(self.client.indices.get_alias(name=name).body)

    def indices(self, name):
        """The embedded indices of a name."""
        return sorted(one for one in self.client.indices.get(index="*").body if one.startswith(f"{name}-"))

    def arrived(self, name):
        """Documents in the one new index of a name, also those that no search sees yet."""
        if not (there := self.indices(name)):
            return 0
        self.client.indices.refresh(index=there)
        return self.client.count(index=there)["count"]

    @property
    def reindexes(self):
        """The reindex tasks that run now."""
        nodes = self.client.tasks.list(actions="*reindex")["nodes"]
        return [id_ for node in nodes.values() for id_ in node["tasks"]]

    def rethrottle(self, per_second):
        """Throttle the running reindex tasks to N documents per second; -1 ends the throttle."""
        for task in self.reindexes:
            self.client.reindex_rethrottle(task_id=task, requests_per_second=per_second)

    def unembedded(self, name, field):
        """How many documents lack their embedding."""
        lacking = {"bool": {"must_not": [{"exists": {"field": f"{field}_embedding"}}]}}
        return self.client.count(index=name, query=lacking)["count"]

    def sampled(self, index, field):
        """Texts that every run tries its pipeline on before it begins."""
        return {one[field] for one in read_sample.fn(self.settings, index, [field])}


@pytest.fixture
def cluster_with(shared_stand_in):
    """The session's stand-in of these options: `cluster_with(licence="basic")`."""
    usual = {"version": VERSION, "download_seconds": 0.1, "start_seconds": 0.05}
    return lambda **options: shared_stand_in(ElasticStandIn, ElasticOptions(**{**usual, **options}))


@pytest.fixture
def cluster(cluster_with):
    """The session's stand-in for tests that need no special one, with the deployment `ingest`."""
    found = cluster_with()
    found.deploy("ingest", allocations=2)
    return found


@pytest.fixture
def slow_cluster(cluster_with):
    """One with a slow model, so that a test can meet a reindex halfway."""
    found = cluster_with(inference_seconds=0.05)
    found.deploy("ingest", cache_size="0b")  # texts that another test embedded are slow here too
    return found


@pytest.fixture(scope="session")
def movies():
    """The films."""
    return [json.loads(line) for line in (DATA / "movies.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def glosses():
    """The first N of the 5,000 short texts without repetitions: `glosses(300)`."""
    rows = [json.loads(line) for line in (DATA / "wordnet-glosses.jsonl").read_text().splitlines()]
    different = list({row["gloss"]: row for row in rows}.values())
    return lambda number: different[:number]


@pytest.fixture(scope="session")
def queries():
    """The file of sample queries on the films."""
    return DATA / "movie-queries.jsonl"


@pytest.fixture
def embed(run, name):
    """Embeds one field or several under the test's name: `embed(cluster, "movies", "plot", "--batch-size", 6)`."""

    def of(cluster, source, field, *options, code=0, begin=None, deployment="ingest"):
        fields = [field] if isinstance(field, str) else field
        words = ["elastic", "embed", "--name", name, "--source", source, "--fields", *fields]
        words += ["--deployment", deployment, "--replicas", 0, "--target", "sandbox", *options]
        return begin(cluster, *words) if begin else run(cluster, *words, code=code)

    return of


@pytest.fixture
def elastic(run):
    """Runs a command of Elastic on a stand-in: `elastic(cluster, "rollback", "--name", name, code=1)`."""
    return lambda cluster, flow, *words, code=0: run(
        cluster, "elastic", flow, *words, "--target", "sandbox", code=code
    )


@pytest.fixture
def embed_by_endpoint(run, begin, name):
    """Embeds a field under the test's name through an inference endpoint."""

    def of(cluster, source, field, *options, as_, endpoint, code=0, beginning=False):
        words = ["elastic", "embed", "--as", as_, "--name", name, "--source", source]
        words += ["--fields", field, "--endpoint", endpoint, "--replicas", 0, "--target", "sandbox", *options]
        return begin(cluster, *words) if beginning else run(cluster, *words, code=code)

    return of


@pytest.fixture
def facts(elastic, home, name):
    """Runs a command under the test's name; the facts of its report."""

    def of(cluster, flow, *words):
        elastic(cluster, flow, "--name", name, *words)
        files = (home / "reports").glob(f"elastic-{flow}-*.json")
        return json.loads(max(files, key=lambda file: file.stat().st_mtime_ns).read_text())["facts"]

    return of
