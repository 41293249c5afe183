"""A stand-in of Elasticsearch with a model server beside it, and a folder of documents."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from sandbox import write_log
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from tests.client import VERSION
from tests.flows.elastic.conftest import ElasticStandIn


class AnswersStandIn(ElasticStandIn):
    """Elasticsearch and the model server in one sandbox."""

    beside = (ModelServerOptions(),)

    def passages(self, name):
        """The passages that searches of a name see, by id."""
        self.client.indices.refresh(index=name)
        hidden = {"excludes": ["passage_embedding", "passage_vector"]}
        found = self.client.search(index=name, size=1000, source=hidden)
        return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}

    def embedded_texts(self):
        """How often the model server embedded each text."""
        paid = (write for write in write_log.read(self.state) if write.method == "CreateEmbedding")
        return Counter(text for write in paid for text in write.resource.split())


@pytest.fixture
def service(shared_stand_in):
    """The session's stand-in, with the deployment `ingest`."""
    options = ElasticOptions(version=VERSION, download_seconds=0.1, start_seconds=0.05)
    found = shared_stand_in(AnswersStandIn, options)
    found.deploy("ingest", allocations=2)
    return found


@pytest.fixture
def slow_service(shared_stand_in):
    """One with a slow model, so that a test can meet a load halfway."""
    options = ElasticOptions(version=VERSION, download_seconds=0.1, start_seconds=0.05, inference_seconds=0.1)
    found = shared_stand_in(AnswersStandIn, options)
    found.deploy("ingest", cache_size="0b")
    return found


@pytest.fixture
def folder(tmp_path, name):
    """A folder of documents that differ from those of other tests."""
    there = tmp_path / "documents"
    there.mkdir()
    (there / "leave.md").write_text(
        f"# Leave at {name}\n\nEverybody has thirty-one days of leave in a year.\n\n## Carers\n\nCarers have five more days.\n"
    )
    (there / "expenses.md").write_text(
        f"# Expenses at {name}\n\nA taxi is paid for after ten in the evening.\n\nKeep the receipt for two years.\n"
    )
    (there / "salaries.md").write_text(
        f"---\nreaders: [hr]\n---\n# Salaries at {name}\n\nThe lowest salary is 41,000 a year.\n"
    )
    return there


@pytest.fixture
def answers(run):
    """Runs a command of answers on a stand-in: `answers(service, "ask", "--name", name, code=1)`."""
    return lambda service, flow, *words, code=0: run(
        service, "answers", flow, *words, "--target", "sandbox", code=code
    )


@pytest.fixture
def index(answers, folder, name):
    """Indexes the folder under the test's name: `index(service, "--deployment", "ingest")`."""
    return lambda service, *words, code=0: answers(
        service, "index", "--name", name, "--documents", folder, "--replicas", 0, *words, code=code
    )


@pytest.fixture
def facts(home):
    """The facts of the newest report of a flow: `facts("index")`."""

    def of(flow):
        newest = max(
            (home / "reports").glob(f"answers-{flow}-*.json"), key=lambda file: file.stat().st_mtime_ns
        )
        return json.loads(newest.read_text())["facts"]

    return of
