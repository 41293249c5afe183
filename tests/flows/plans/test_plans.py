"""A plan says what a flow then does, resource by resource, and makes no changing call. No server of Prefect's takes part."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from flows.command_line import run as running
from flows.command_line.tree import parse
from flows.confirmation import Question, agree, billed
from flows.options import RunOptions
from flows.plan import Difference, Plan, Resource
from tasks.errors import CannotChangeInPlace, InvalidInput, NotConfirmed
from tests.flows.plans.planning import ENTRIES, acts
from tests.flows.test_presentation import example
from tests.flows.vertex.conftest import write_vectors


def _vertex(flows, tmp_path):
    data, other = write_vectors(tmp_path / "a.hdf5"), write_vectors(tmp_path / "b.hdf5", rows=200, seed=2)
    options = {"name": "planned", "data": str(data)}
    plan = flows.plan("vertex build", **options)
    assert {acts(plan)[kind] for kind in ("index", "endpoint", "deployed index")} == {"create"}
    assert (plan.sends_count, plan.hourly_usd) == (300, 0.0)
    assert "USD per hour" in plan.hourly
    assert "GiB" in plan.once
    assert flows.do("vertex build", **options) > 0

    plan = flows.plan("vertex build", **options)
    assert set(acts(plan).values()) == {"keep"}
    assert not plan.changes
    assert flows.do("vertex build", **options) == 0

    plan = flows.plan(
        "vertex build", **{**options, "data": str(other)}, label=("team=search",), max_replicas=3
    )
    changed = {
        one.kind: {each.field: (each.there, each.wanted) for each in one.differences}
        for one in plan.resources
    }
    assert changed["index"]["vectors"] == ("300 vectors", "200 vectors")
    assert changed["index"]["content"][0] != changed["index"]["content"][1]
    assert changed["index"]["team"] == changed["endpoint"]["team"] == (None, "search")
    assert changed["deployed index"] == {"max_replicas": (1, 3)}
    (ask,) = plan.asks
    assert "replace all content of the deployed index" in ask
    assert plan.sends_count == 200

    with pytest.raises(CannotChangeInPlace, match="approximate_neighbors_count=150, but 20"):
        flows.plan("vertex build", **options, approximate_neighbors_count=20)
    plan = flows.plan("vertex teardown", name="planned")
    assert acts(plan) == dict.fromkeys(("deployed index", "endpoint", "index", "files"), "remove")
    assert len(plan.asks) == 1
    flows.do("vertex teardown", name="planned", yes=True)
    assert not flows.plan("vertex teardown", name="planned").changes


def _elastic(flows, tmp_path):
    films = [{"id": str(number), "plot": f"a film about the number {number}"} for number in range(20)]
    data = tmp_path / "films.jsonl"
    data.write_text("".join(json.dumps(film) + "\n" for film in films))
    deploy = {"name": "planned", "ingest_allocations": 1, "search_allocations": 0}
    load_it = {"name": "planned-films", "data": str(data), "id_field": "id", "lowercase_field": "plot"}
    embed = {
        "name": "planned", "source": "planned-films", "fields": ("plot",), "deployment": "planned-ingest", "replicas": 0,
    }  # fmt: skip

    assert acts(flows.plan("elastic deploy", **deploy)) == {"model": "create", "deployment": "create"}
    flows.do("elastic deploy", **deploy)
    assert not flows.plan("elastic deploy", **deploy).changes
    (_, deployment) = flows.plan("elastic deploy", **{**deploy, "ingest_allocations": 2}).resources
    assert (deployment.action, [str(one) for one in deployment.differences]) == (
        "change",
        ["allocations: 1 -> 2"],
    )

    plan = flows.plan("elastic load", **load_it)
    assert (acts(plan), plan.sends_count) == ({"pipeline": "create", "index": "create"}, 20)
    flows.do("elastic load", **load_it)
    assert not flows.plan("elastic load", **load_it).changes

    plan = flows.plan("elastic embed", **embed)
    assert (acts(plan), plan.sends_count) == (
        {"pipeline": "create", "index": "create", "alias": "create"},
        20,
    )
    flows.do("elastic embed", **embed)
    assert not flows.plan("elastic embed", **embed).changes
    data.write_text("".join(json.dumps(film) + "\n" for film in films[:10]))
    flows.do("elastic load", **{**load_it, "name": "planned-fewer"})
    plan = flows.plan("elastic embed", **{**embed, "source": "planned-fewer"})
    new, alias, before = (one for one in plan.resources if one.kind in ("index", "alias"))
    assert (new.action, alias.action, before.action) == ("create", "change", "keep")
    assert {"source": ("planned-films", "planned-fewer")}.items() <= {
        one.field: (one.there, one.wanted) for one in new.differences
    }.items()
    assert alias.differences == (Difference(field="index", there=before.name, wanted=new.name),)

    teardown = {"name": "planned", "deployments": ("planned-ingest",)}
    plan = flows.plan("elastic teardown", **teardown)
    assert acts(plan) == dict.fromkeys(("alias", "index", "pipeline", "deployment"), "remove")
    flows.do("elastic teardown", **teardown, yes=True)
    assert not flows.plan("elastic teardown", **teardown).changes


def _databricks(flows, tmp_path, kind):
    data, other = write_vectors(tmp_path / "a.hdf5"), write_vectors(tmp_path / "b.hdf5", rows=200, seed=2)
    options = {"name": f"planned-{kind[:5].lower()}", "data": str(data), "index_type": kind}
    plan = flows.plan("databricks build", **options)
    table = {"source table"} if kind == "DELTA_SYNC" else set()
    assert acts(plan) == dict.fromkeys({"endpoint", "index"} | table, "create")
    assert (plan.sends_count, plan.hourly_usd) == (300, 0.0)
    flows.do("databricks build", **options)
    assert not flows.plan("databricks build", **options).changes
    plan = flows.plan("databricks build", **{**options, "data": str(other)})
    (index,) = (one for one in plan.resources if one.kind == "index")
    assert (index.action, str(index.differences[1])) == ("change", "rows: 300 -> 200")
    assert "replace all rows of the index" in plan.asks[0]
    plan = flows.plan("databricks teardown", name=options["name"])
    assert acts(plan) == dict.fromkeys({"endpoint", "index"} | table, "remove")


def _collections(flows, tmp_path):
    flows.do(
        "vertex-collections build", name="planned", data=str(write_vectors(tmp_path / "a.hdf5")), yes=True
    )
    plan = flows.plan("vertex-collections teardown", name="planned")
    assert acts(plan) == {"index": "remove", "collection": "remove"} | (
        {"files": "remove"} if "files" in acts(plan) else {}
    )
    flows.do("vertex-collections teardown", name="planned", yes=True)
    assert not flows.plan("vertex-collections teardown", name="planned").changes


@pytest.mark.slow
def test_what_is_planned_on_vertex_ai_is_what_happens_and_planning_changes_nothing(flows, tmp_path):
    _vertex(flows, tmp_path)
    _collections(flows, tmp_path)


@pytest.mark.slow
def test_what_is_planned_on_elastic_and_databricks_is_what_happens_and_planning_changes_nothing(
    flows, tmp_path
):
    _elastic(flows, tmp_path)
    _databricks(flows, tmp_path, "DIRECT_ACCESS")
    _databricks(flows, tmp_path, "DELTA_SYNC")


@pytest.mark.parametrize("command", ENTRIES)
def test_a_command_has_a_plan_or_refuses_it_by_name(command, monkeypatch, capsys):
    engine, entry = ENTRIES[command]
    planned = []
    monkeypatch.setattr(running, "show_plan", lambda flow, _, **__: planned.append(flow.name))
    words = [word for word in example(engine, entry) if word != "--yes"]
    if entry.plans:
        parse([*words, "--plan"], debug=False)()
        assert planned == [command]
        with pytest.raises(InvalidInput, match=r"^This command has no --report: a plan is no run"):
            parse([*words, "--plan", "--report", "x.html"], debug=False)()
    else:
        with pytest.raises(InvalidInput, match=r"^This command has no --plan: those of"):
            parse([*words, "--plan"], debug=False)()
    parse([engine.name, entry.name, "--help"], debug=False)()
    assert ("--plan" in capsys.readouterr().out) == entry.plans


PLAN = Plan(
    flow="vertex build", name="[b]", target="sandbox",
    resources=(
        Resource(action="create", kind="index", name="products", detail="300 vectors"),
        Resource(action="change", kind="deployed index", name="products_us", differences=(Difference(field="max_replicas", there=1, wanted=3),)),
        Resource(action="adopt", kind="endpoint", name="products"),
    ),
    sends="300 rows", sends_count=300, hourly="About 1 USD.", hourly_usd=1.0,
)  # fmt: skip


def shown(plan, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(plan.render())
    return console.file.getvalue()


def test_a_plan_reads_in_eighty_columns():
    told = shown(PLAN)
    assert max(map(len, told.splitlines())) <= 80
    for line in (
        "Plan of vertex build [b] on sandbox",
        "+  index           products     300 vectors",
        "~  deployed index  products_us  max_replicas: 1 -> 3",
        ">  endpoint        products",
        "+ 1 to create, ~ 1 to change, > 1 to adopt from an earlier run",
    ):
        assert line in told
    assert "Nothing would change." in shown(PLAN.model_copy(update={"resources": (), "sends_count": 0}))


def test_a_path_that_is_longer_than_the_line_hides_nothing():
    path = "projects/123456789012/locations/us-central1/indexEndpoints/3354955843068702733"
    gone = Resource(action="remove", kind="deployed index", name=path, detail="the last")
    told = shown(PLAN.model_copy(update={"resources": (gone,)}))
    assert max(map(len, told.splitlines())) <= 80
    assert "-  deployed index  projects/" in told
    folded = [line for line in told.splitlines() if line.startswith("  ") and "sends" not in line]
    names = (line.removeprefix("  -  deployed index").split("the last")[0].strip() for line in folded)
    assert "".join(names).startswith(path)


def test_a_plan_as_json_has_its_fields(monkeypatch, capsys):
    monkeypatch.setattr(running, "plan_of", lambda *_: PLAN)
    running.show_plan(None, {}, options=RunOptions(json=True, quiet=True), debug=False)
    assert json.loads(capsys.readouterr().out) == PLAN.model_dump(mode="json")


def test_what_is_asked_before_a_change_shows_the_plan(monkeypatch):
    def flow(**_):
        agree([Question("replace it", "It is lost.")], yes=False, plan=lambda: PLAN)

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    with pytest.raises(NotConfirmed) as refused:
        running._agreed(flow, {}, running.Terminal(console), may_confirm=True)
    assert refused.value.plan.asks == ("replace it. It is lost.",)
    asked = console.file.getvalue()
    assert asked.startswith(shown(refused.value.plan))
    assert "Continue?" in asked


@pytest.mark.parametrize(
    ("is_sandbox", "is_planning", "said", "asked"),
    [
        (False, False, ["It costs 1 USD."], 1),
        (True, False, ["It costs 1 USD. The sandbox costs nothing."], 0),
        (False, True, [], 1),
        (True, True, [], 0),
    ],
)
def test_a_cost_is_said_once_and_asked_for_where_there_is_one(
    is_sandbox, is_planning, said, asked, monkeypatch
):
    lines = []
    monkeypatch.setattr("flows.confirmation.say", lines.append)
    monkeypatch.setattr("flows.confirmation.is_planning", lambda: is_planning)
    assert len(billed("create the index", "It costs 1 USD.", is_sandbox=is_sandbox)) == asked
    assert lines == said, "a plan has a line of its own"
