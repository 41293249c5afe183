"""Every command that changes something has a plan, which says what would change and makes no changing call."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from flows.command_line import run as running
from flows.options import RunOptions
from tasks.databricks.endpoints import apply_content_mark
from tasks.databricks.settings import databricks_settings
from tasks.elastic.indices.indices import ensure_index, set_marks
from tasks.elastic.settings import elastic_settings
from tasks.elastic.specs import IndexSpec
from tasks.steps import plain_calls
from tests.flows.plans.planning import ENTRIES, working
from tests.flows.vertex.conftest import write_vectors

SIGNS = {"create": "+", "change": "~", "remove": "-", "keep": "=", "adopt": ">"}
READS = {
    "check", "network-check", "query", "verify", "search", "compare", "diagnose", "ask", "evaluate", "monitor",
}  # fmt: skip
WITHOUT = dict.fromkeys(
    ("vertex tour", "elastic tour", "databricks tour", "answers tour"),
    "what it does follows from what it finds after each of its own changes, all of which it removes",
)
FILMS = [{"id": str(number), "plot": f"a film about the number {number}"} for number in range(12)]


def _lines(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def _leave_behind(index):
    """An embedded index that nothing uses any more."""
    with plain_calls():
        settings = elastic_settings("sandbox")
        ensure_index(
            settings, IndexSpec(name=index, properties={}, replicas=0, made_from={"source": "films"})
        )
        set_marks(settings, index, content="all of it")


@pytest.fixture(scope="module")
def built(sandbox, tmp_path_factory):
    """Something of every engine under the name `built`, in versions where the engine has them; and files to change it with."""
    folder = tmp_path_factory.mktemp("data")
    first, second = (
        str(write_vectors(folder / f"{seed}.hdf5", rows=60, seed=seed, queries=3)) for seed in (1, 2)
    )
    vector = [0.5] * 8
    (folder / "documents").mkdir()
    (folder / "documents" / "leave.md").write_text(
        "# Leave\n\nEverybody has thirty-one days of leave in a year.\n"
    )
    with working(sandbox.state, folder / "home") as flows:
        flows.data, flows.other, flows.documents = first, second, str(folder / "documents")
        flows.points = _lines(folder / "points.jsonl", [{"id": "new", "embedding": vector}])
        flows.objects = _lines(folder / "objects.jsonl", [{"id": "new", "embedding": vector, "data": {}}])
        flows.do("vertex build", name="built", data=first)
        flows.do("vertex build", name="built", data=second, as_version=True, min_recall=0)
        flows.do("vertex build", name="files", data=first, update_method="BATCH_UPDATE")
        flows.do("vertex-collections build", name="built", data=first)
        flows.do("databricks build", name="built", data=first)
        flows.do("databricks build", name="built", data=second, as_version=True, min_recall=0)
        flows.do("databricks build", name="table", data=first, index_type="DELTA_SYNC")
        flows.do("elastic deploy", name="built", ingest_allocations=1, search_allocations=0)
        flows.do("elastic endpoint-ensure", name="endpoint")
        films = {"id_field": "id", "lowercase_field": "plot"}
        flows.do("elastic load", name="films", data=_lines(folder / "films.jsonl", FILMS), **films)
        flows.do("elastic load", name="fewer", data=_lines(folder / "fewer.jsonl", FILMS[:9]), **films)
        embed = {"name": "built", "fields": ("plot",), "deployment": "built-ingest", "replicas": 0}
        for source in ("films", "fewer"):
            flows.do("elastic embed", source=source, **embed)
        _leave_behind("built-000000000000")
        flows.do("elastic deploy", name="newer", ingest_allocations=1, search_allocations=0)
        flows.versions = {
            engine: next(
                one.differences[0].wanted
                for one in flows.plan(f"{engine} rollback", name="built").resources
                if one.kind == "served version"
            )
            for engine in ("vertex", "databricks")
        }
        yield flows


PLANS = {
    "vertex network-ensure": (
        lambda _: {"name": "net", "ssh_from": ("203.0.113.0/24",)},
        ["+ network", "+ firewall rule", "+ firewall rule", "+ firewall rule", "+ address range", "+ private connection"],
    ),
    "vertex network-teardown": (lambda _: {"name": "net"}, []),
    "vertex build": (
        lambda flows: {"name": "other", "data": flows.data},
        ["= bucket", "+ index", "+ endpoint", "+ deployed index"],
    ),
    "vertex swap": (
        lambda _: {"name": "built", "to": "first"},
        ["~ served version", "= version", "= version"],
    ),
    "vertex rollback": (lambda _: {"name": "built"}, ["~ served version", "= version", "= version"]),
    "vertex prune": (lambda _: {"name": "built"}, ["- version", "= version"]),
    "vertex import": (lambda flows: {"name": "files", "data": flows.points}, ["= bucket", "~ index"]),
    "vertex upsert-datapoints": (
        lambda flows: {"name": "built", "file": flows.points},
        ["~ index", "~ index"],
    ),
    "vertex remove-datapoints": (lambda _: {"name": "built", "ids": ("1", "2")}, ["~ index", "~ index"]),
    "vertex teardown": (
        lambda _: {"name": "built"},
        ["- deployed index", "- deployed index", "- endpoint", "- index", "- index", "- files"],
    ),
    "vertex-collections build": (
        lambda flows: {"name": "built", "data": flows.other, "min_replicas": 3},
        ["~ collection", "~ index"],
    ),
    "vertex-collections upsert-data-objects": (
        lambda flows: {"name": "built", "file": flows.objects},
        ["~ collection"],
    ),
    "vertex-collections remove-data-objects": (
        lambda _: {"name": "built", "ids": ("1", "nowhere")},
        ["~ collection"],
    ),
    "vertex-collections teardown": (lambda _: {"name": "built"}, ["- index", "- collection"]),
    "databricks build": (
        lambda flows: {"name": "other", "data": flows.data},
        ["+ endpoint", "+ index"],
    ),
    "databricks swap": (
        lambda _: {"name": "built", "to": "first"},
        ["~ served version", "= version", "= version"],
    ),
    "databricks rollback": (lambda _: {"name": "built"}, ["~ served version", "= version", "= version"]),
    "databricks prune": (lambda _: {"name": "built"}, ["- version", "= version"]),
    "databricks sync": (lambda _: {"name": "table"}, ["~ index"]),
    "databricks upsert-datapoints": (
        lambda flows: {"name": "built", "file": flows.points},
        ["~ index", "~ index"],
    ),
    "databricks remove-datapoints": (
        lambda _: {"name": "built", "ids": ("1", "nowhere")},
        ["~ index", "~ index"],
    ),
    "databricks teardown": (lambda _: {"name": "built"}, ["- index", "- index", "- endpoint"]),
    "elastic deploy": (lambda _: {"name": "other"}, ["= model", "+ deployment", "+ deployment"]),
    "elastic endpoint-ensure": (
        lambda _: {"name": "endpoint", "allocations": 2},
        ["= model", "= inference endpoint", "~ deployment"],
    ),
    "elastic endpoint-delete": (lambda _: {"name": "endpoint"}, ["- inference endpoint", "- deployment"]),
    "elastic load": (lambda flows: {"name": "other", "data": flows.points, "id_field": "id"}, ["+ index"]),
    "elastic embed": (
        lambda _: {"name": "other", "source": "films", "fields": ("plot",), "deployment": "built-ingest"},
        ["+ pipeline", "+ index", "+ alias"],
    ),
    "elastic upgrade": (
        lambda _: {"name": "built", "deployment": "newer-ingest"},
        ["+ pipeline", "+ index", "~ alias", "= index"],
    ),
    "elastic rollback": (lambda _: {"name": "built"}, ["~ alias", "= index"]),
    "elastic prune": (lambda _: {"name": "built"}, ["- index", "= index", "= index"]),
    "elastic teardown": (
        lambda _: {"name": "built"},
        ["- alias", "- index", "- index", "- index", "- pipeline"],
    ),
    "answers index": (
        lambda flows: {"name": "handbook", "documents": flows.documents, "engine": "elastic"},
        ["+ version", "+ served version"],
    ),
}  # fmt: skip
"""For each command its options, given what is built, and what the plan says of each resource."""


def test_every_changing_command_has_a_plan_and_those_without_are_known():
    changing = {command for command, (_, entry) in ENTRIES.items() if entry.name not in READS}
    assert {command for command, (_, entry) in ENTRIES.items() if entry.plans} == changing - WITHOUT.keys()
    assert PLANS.keys() == changing - WITHOUT.keys()


@pytest.mark.parametrize("command", PLANS)
def test_a_plan_says_what_would_change_and_changes_nothing(built, command, monkeypatch, capsys):
    options, wanted = PLANS[command]
    plan = built.plan(command, **options(built))
    assert [f"{SIGNS[one.action]} {one.kind}" for one in plan.resources] == wanted
    assert plan.changes == bool(wanted)
    # What a script gets is the same.
    monkeypatch.setattr(running, "plan_of", lambda *_: plan)
    running.show_plan(None, {}, options=RunOptions(json=True, quiet=True), debug=False)
    assert json.loads(capsys.readouterr().out) == plan.model_dump(mode="json")


def test_what_an_earlier_run_began_is_adopted_and_followed_to_its_end(built):
    rows = {"name": "begun", "data": built.other}
    built.do("databricks build", **(rows | {"data": built.data}))
    content = _resource(built.plan("databricks build", **rows), "index").differences[0].wanted
    with plain_calls():
        apply_content_mark(databricks_settings("sandbox"), "begun", coming=content, replaces=True)
    embed = {
        "name": "begun", "source": "films", "fields": ("plot",), "deployment": "built-ingest", "replicas": 0,
    }  # fmt: skip
    built.do("elastic embed", **embed)
    (index,) = (one.name for one in built.plan("elastic embed", **embed).resources if one.kind == "index")
    set_marks(
        elastic_settings("sandbox"), index, content=None
    )  # as a run leaves it that was killed before its end
    for command, options in (("databricks build", {**rows, "yes": True}), ("elastic embed", embed)):
        plan = built.plan(command, **options)
        assert _resource(plan, "index").action == "adopt"
        console = Console(file=io.StringIO(), width=80)
        console.print(plan.render())
        assert re.search(r"^  >  index ", console.file.getvalue(), re.MULTILINE)
        assert "> 1 to adopt from an earlier run" in console.file.getvalue()
        built.do(command, **options)
        assert not built.plan(command, **options).changes


def _resource(plan, kind):
    return next(one for one in plan.resources if one.kind == kind)
