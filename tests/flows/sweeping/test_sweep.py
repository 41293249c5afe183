"""A sweep removes what is idle or expired of ours by the engines' own teardown, and nothing else."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from datetime import timedelta

import pytest
from databricks.sdk.service.vectorsearch import EndpointType
from google.cloud.aiplatform_v1 import IndexEndpoint

from flows.command_line.tree import parse
from flows.inventory import look, strangers
from flows.sweeping import candidates
from flows.sweeping.events import SWEPT, SWEPT_TARGET
from flows.sweeping.sweep import NotSwept, sweep
from sandbox import write_log
from tasks.databricks.clients import connect as databricks
from tasks.databricks.settings import databricks_settings
from tasks.elastic.connection.clients import connect as elastic
from tasks.elastic.settings import elastic_settings
from tasks.errors import DeadlinePassed, InvalidInput, NotConfirmed
from tasks.steps import plain_calls
from tasks.vertex.connection.clients import connect as vertex
from tasks.vertex.resources.deploying import remove_deployed_index
from tasks.vertex.settings import vertex_settings
from tasks.waiting import Deadline
from tests.flows.vertex.conftest import write_vectors

FILMS = [{"id": str(number), "plot": f"a film about the number {number}"} for number in range(9)]


@pytest.fixture(autouse=True)
def events(monkeypatch):
    """The events that were sent to Prefect."""
    sent = []
    monkeypatch.setattr("flows.sweeping.sweep.emit_event", lambda event, **how: sent.append((event, how)))
    return sent


@pytest.fixture
def built(flows, tmp_path, monkeypatch):
    """Something of ours and of somebody else's on every engine; `idle` on Vertex AI is deployed nowhere."""
    monkeypatch.setattr("flows.sweeping.sweep.holding", lambda *_, **__: nullcontext())
    data, films = str(write_vectors(tmp_path / "a.hdf5", rows=60, queries=3)), tmp_path / "films.jsonl"
    films.write_text("".join(json.dumps(film) + "\n" for film in FILMS))
    for name in ("served", "idle"):
        flows.do("vertex build", name=name, data=data)
    with plain_calls():
        remove_deployed_index(vertex_settings("sandbox"), "idle", Deadline.after(minutes=1))
    flows.do("vertex-collections build", name="served", data=data)
    flows.do("databricks build", name="kept", data=data)
    flows.do("elastic deploy", name="sweep", ingest_allocations=1, search_allocations=0)
    flows.do("elastic load", name="films", data=str(films), id_field="id", lowercase_field="plot")
    flows.do(
        "elastic embed",
        name="embedded",
        source="films",
        fields=("plot",),
        deployment="sweep-ingest",
        replicas=0,
    )
    settings = vertex_settings("sandbox")
    theirs = IndexEndpoint(display_name="theirs", public_endpoint_enabled=True)
    vertex(settings).endpoints.create_index_endpoint(parent=settings.parent, index_endpoint=theirs).result()
    databricks(databricks_settings("sandbox")).endpoints.create_endpoint("theirs", EndpointType.STANDARD)
    elastic(elastic_settings("sandbox")).indices.create(index="theirs")
    return flows


def there():
    """The names of ours, by engine."""
    return {(engine.name, one.name) for engine, one in look("sandbox")[0]}


def swept(**options):
    """The report of a sweep."""
    with plain_calls():
        return sweep.fn(target="sandbox", **options)


def later(monkeypatch, days):
    """Let days pass."""
    time = candidates.now() + timedelta(days=days)
    for module in ("flows.sweeping.sweep", "flows.command_line.sweeping"):
        monkeypatch.setattr(f"{module}.now", lambda: time)


def told(capsys, *words):
    """What the command prints."""
    capsys.readouterr()
    parse(["sweep", "--target", "sandbox", *words], debug=False)()
    return capsys.readouterr().out


def test_a_sweep_removes_what_is_idle_then_what_is_expired_and_nothing_else(
    built, monkeypatch, capsys, events
):
    everything, theirs = there(), strangers("sandbox")[0]
    assert {(engine.name, one.kind) for engine, one in theirs} >= {
        ("vertex", "endpoint"), ("databricks", "endpoint"), ("elastic", "index"),
    }  # fmt: skip
    before = write_log.count(built.state)
    # It could be half of a build: nothing goes on its first day.
    assert swept(apply=True).facts["marked"] == []
    assert events == []

    later(monkeypatch, 2)
    assert swept().facts["marked"] == ["vertex idle"]
    ((event, told_of),) = events
    assert (event, told_of["resource"]["prefect.resource.id"]) == (SWEPT, f"{SWEPT_TARGET}sandbox")
    assert told_of["payload"]["found"].startswith("vertex idle (idle). About ")
    found = json.loads(told(capsys, "--json"))
    because = {(one["engine"], one["name"]): one["swept_because"] for one in found["found"]}
    assert because == {one: "idle" if one == ("vertex", "idle") else "" for one in everything}
    assert {one["name"] for one in found["strangers"]} >= {"theirs"}
    shown = told(capsys, "--expires", "1d", "--keep", "kept")
    (served,) = (line for line in shown.splitlines() if line.startswith("vertex served"))
    assert re.search(r"2 days +18\.00  older than 24 hours", served)
    assert "never touched: elastic index theirs" in shown
    with pytest.raises(NotConfirmed, match="everything under 1 name, for good: vertex idle"):
        told(capsys, "--apply")
    assert write_log.count(built.state) == before

    assert swept(apply=True).facts["removed"] == ["vertex idle"]
    assert there() == everything - {("vertex", "idle")}
    removed = swept(apply=True, expires="1d", keep=("kept",)).facts["removed"]
    assert set(removed) == {"vertex served", "vertex-collections served", "elastic embedded"}
    assert there() == {("databricks", "kept"), ("elastic", "films")}
    assert strangers("sandbox")[0] == theirs


def test_what_is_worked_on_or_cannot_be_removed_stays_and_the_rest_goes(flows, tmp_path, monkeypatch):
    data = str(write_vectors(tmp_path / "a.hdf5", rows=60, queries=3))
    for name in ("busy", "refused", "old"):
        flows.do("databricks build", name=name, data=data)
    later(monkeypatch, 2)

    def hold(_, name, *__, **___):
        if name == "busy":
            raise DeadlinePassed("the run", seconds=5, last_seen="still running")
        return nullcontext()

    def refuse(name, _):
        if name == "refused":
            raise InvalidInput("Others use it")

    keep = tuple(name for _, name in there() if name not in ("busy", "refused", "old"))
    with monkeypatch.context() as patch:
        patch.setattr("flows.sweeping.sweep.holding", hold)
        patch.setattr("flows.databricks.teardown.refuse_foreign_indexes", refuse)
        with pytest.raises(NotSwept, match="databricks refused: Others use it"):
            swept(apply=True, expires="1d", keep=keep)
    left = {name for engine, name in there() if engine == "databricks"}
    assert {"busy", "refused"} <= left
    assert "old" not in left
    for name in ("busy", "refused"):
        flows.do("databricks teardown", name=name, yes=True)
