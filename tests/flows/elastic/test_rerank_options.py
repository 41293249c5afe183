"""What is refused before anything is reranked, on a stand-in in this process."""

from __future__ import annotations

import pytest

from flows.elastic import reranking as reranking_steps
from flows.elastic.reranking import reranking_of
from flows.report import Report
from tasks.elastic.search.reranking import Reranking
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput
from tests.client import GENERATION, VERSION
from tests.sandbox.elastic.conftest import served_here
from tests.sandbox.models.test_e5 import runs_here

DEFAULT = ".rerank-v1-elasticsearch"


@pytest.fixture
def reranking(tmp_path, monkeypatch):
    """What the options of a search come to, on a stand-in of a version. The steps are called as plain functions, without Prefect."""
    for step in ("read_cluster", "read_reranker", "verify_reranker"):
        monkeypatch.setattr(reranking_steps, step, getattr(reranking_steps, step).fn)

    def of(version=VERSION, *, size=10, endpoint=DEFAULT, window=None, serverless=False):
        flavour = "serverless" if serverless else "default"
        field = EmbeddedField(input="plot", output="plot_embedding")
        report = Report(flow="elastic search", name="films", target="sandbox")
        with served_here(tmp_path, version=version, flavour=flavour) as client:
            settings = ElasticSettings(url=client.transport.node_pool.get().base_url)
            found = reranking_of(report, settings, field, endpoint=endpoint, window=window, size=size)
        return found, [(step.step, step.seen) for step in report.steps]

    return of


@runs_here
def test_as_many_hits_are_reranked_as_are_wanted_and_at_least_thirty(reranking):
    found, ((step, seen),) = reranking(size=40)
    assert found == Reranking(DEFAULT, 40)
    assert step == f"reranker {DEFAULT}"
    assert seen.endswith("compares the query with plot of the first 40 hits")


@runs_here
def test_a_serverless_project_reranks_whatever_version_it_says(reranking):
    assert reranking(serverless=True)[0] == Reranking(DEFAULT, 30)


def test_without_an_endpoint_nothing_is_asked_or_reranked(reranking):
    assert reranking(endpoint=None) == (None, [])
    with pytest.raises(InvalidInput, match="Nothing is reranked, so there is no window: 20"):
        reranking(endpoint=None, window=20)


def test_a_window_smaller_than_the_hits_that_are_wanted_is_refused(reranking):
    with pytest.raises(
        InvalidInput, match=r"10 are wanted: 5 \(from --rerank-window\). Accepted: 10 or more"
    ):
        reranking(window=5)


@pytest.mark.skipif(GENERATION != 8, reason="client 9 does not speak to 8.13")
def test_a_release_without_the_retriever_is_refused_with_the_one_that_brought_it(reranking):
    with pytest.raises(InvalidInput, match=r"8\.13\.4 cannot rerank: the retriever for it came with 8\.14"):
        reranking("8.13")
