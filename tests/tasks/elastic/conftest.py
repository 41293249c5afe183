"""A stand-in of Elasticsearch for the session, as a process of its own, with ELSER deployed for ingest."""

import itertools
from pathlib import Path

import pytest

from sandbox import process, write_log
from sandbox.announced import announcement
from sandbox.elastic.options import ElasticOptions
from tasks.elastic.cluster.deployments import ensure_deployment, wait_for_deployment
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.connection.clients import connect
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings
from tasks.elastic.indices.loading import apply_documents
from tasks.elastic.settings import elastic_settings
from tasks.elastic.specs import DeploymentSpec, IndexSpec, text_field
from tasks.waiting import Deadline
from tests.client import VERSION

MOVIES = Path(__file__).parents[3] / "sandbox" / "data" / "movies.jsonl"
ELSER = ".elser_model_2"
_numbers = itertools.count()


def settings_of(running):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(running.state)))
        return elastic_settings("sandbox")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    options = ElasticOptions(
        version=VERSION, download_seconds=0.3, start_seconds=0.1, reindex_whitelist="127.0.0.1:*"
    )
    running = process.start(tmp_path_factory.mktemp("elastic"), options)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def settings(sandbox):
    return settings_of(sandbox)


@pytest.fixture(scope="session")
def glosses():
    """The file of 5,000 short texts."""
    return MOVIES.with_name("wordnet-glosses.jsonl")


@pytest.fixture
def start_sandbox(tmp_path):
    """Starts a stand-in with options of its own: `start_sandbox(ml_nodes=0)` gives (process, settings)."""
    with_us = []

    def start(state=None, **options):
        folder = state or tmp_path / f"sandbox-{len(with_us)}"
        running = process.start(folder, ElasticOptions(**{"version": VERSION, **options}))
        with_us.append(running)
        return running, settings_of(running)

    yield start
    for running in with_us:
        running.stop()


@pytest.fixture
def deadline():
    return Deadline.after(seconds=60)


@pytest.fixture
def name():
    """A name that no other test has."""
    return f"test-{next(_numbers)}"


@pytest.fixture(scope="session")
def deployed(settings):
    """The id of a started deployment of ELSER."""
    deadline = Deadline.after(seconds=60)
    spec = DeploymentSpec(id="ingest", allocations=2)
    ensure_model.fn(settings, ELSER)
    wait_for_model.fn(settings, ELSER, deadline)
    ensure_deployment.fn(settings, spec, deadline)
    wait_for_deployment.fn(settings, spec, deadline)
    return spec.id


@pytest.fixture(scope="module")
def e5(settings):
    """The default endpoint of the dense model. Its deployment begins with the first use, and ends with the module: others count processors."""
    endpoint = ".multilingual-e5-small-elasticsearch"
    yield endpoint
    connect(settings).ml.stop_trained_model_deployment(model_id=endpoint, allow_no_match=True, force=True)


@pytest.fixture(scope="session")
def movies(settings, tmp_path_factory):
    """The name of an index that holds the films."""
    spec = IndexSpec(name="movies", properties={"plot": text_field()}, replicas=0)
    ensure_index.fn(settings, spec)
    documents = read_checked_documents.fn(DocumentSource(path=MOVIES, id_field="id"))
    refused = tmp_path_factory.mktemp("refused") / "movies.jsonl"
    apply_documents.fn(settings, spec.name, documents, Deadline.after(seconds=60), refused_file=refused)
    ensure_index_settings.fn(settings, spec)
    return spec.name


@pytest.fixture
def changes(sandbox):
    """The changing calls of Elasticsearch since the test began: `changes()`."""

    def calls():
        return [write.method for write in write_log.read(sandbox.state) if write.service == "elastic"]

    before = len(calls())
    return lambda: calls()[before:]
