"""What an index of passages costs is agreed to before anything of it is paid for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from flows.answers import on_vertex
from flows.answers.plans import IndexPlan
from flows.report import Report
from tasks.answers.chunks import Chunks, Splitting
from tasks.errors import NotConfirmed
from tasks.models.settings import ModelSettings
from tasks.vertex.settings import VertexSettings

SETTINGS = VertexSettings(project="my-project", location="us-central1")
MODELS = ModelSettings(base_url="https://api.example.org/v1", embedding_model="e5")
CHUNKS = Chunks(chunks=(), documents=0, splitting=Splitting(), others=())


class Begun(Exception):
    """Something is being made."""


def begin(*_):
    raise Begun


@pytest.fixture
def index(monkeypatch):
    """Indexes a folder on Vertex AI, until something would be made: `index(served, yes=True)`."""

    def of(served, *, yes, there=("a",)):
        texts = [SimpleNamespace(id=id_, readers=()) for id_ in there]
        monkeypatch.setattr(on_vertex, "read_texts", lambda *_: texts)
        monkeypatch.setattr(on_vertex, "read_base_to_change", lambda *_: served)
        monkeypatch.setattr(on_vertex, "ensure_bucket", begin)
        monkeypatch.setattr(on_vertex, "_plan", lambda *_, **__: None)
        monkeypatch.setattr("flows.confirmation._asking", lambda *_: None)
        report = Report(flow="answers index", name="handbook", target="google-cloud")
        run = SimpleNamespace(settings=SETTINGS, report=report, deadline=None)
        plan = IndexPlan(
            name="handbook",
            chunks=CHUNKS,
            deployment="",
            search_deployment="",
            replicas=1,
            models=MODELS,
            yes=yes,
        )
        on_vertex.VertexHolder().index(run, plan)

    return of


def served(version):
    return SimpleNamespace(
        index=version, dense_model="e5", handle=SimpleNamespace(version="first"), name="handbook"
    )


def test_the_hourly_cost_on_vertex_is_asked_for_before_a_passage_is_embedded(index):
    with pytest.raises(NotConfirmed, match="deploy the index") as asked:
        index(None, yes=False)
    assert "0.75 USD" in str(asked.value)
    with pytest.raises(NotConfirmed, match="version first costs beside it"):
        index(served("another"), yes=False)
    with pytest.raises(Begun):
        index(None, yes=True)


def test_nothing_is_asked_where_these_passages_are_served_already_or_have_only_moved(index):
    for version in (on_vertex.version_for(CHUNKS, "e5"), "another"):
        with pytest.raises(Begun):
            index(served(version), yes=False, there=())
