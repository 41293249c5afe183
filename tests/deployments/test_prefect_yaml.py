"""deployments/prefect.yaml: says what the catalog says, registers on a real server, and runs through a real worker."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows import commands, generate
from flows.engines import ENGINES
from flows.stack.prefect_settings import POOL
from flows.stack.stack import Stack

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deployments" / "prefect.yaml"
DATA = ROOT / "sandbox" / "data" / "glove-100-sample.hdf5"
ON_DEMAND = [one for one in yaml.safe_load(FILE.read_text())["deployments"] if not one.get("schedules")]
SCHEDULED = [one for one in yaml.safe_load(FILE.read_text())["deployments"] if one.get("schedules")]
NIGHTLY = [one for one in SCHEDULED if "nightly" in one["tags"]]
SWEEPS = [one for one in SCHEDULED if "sweep" in one["tags"]]


@pytest.mark.parametrize(
    ("file", "tables"),
    [(generate.COMMANDS, generate.command_tables()), (generate.SETTINGS, generate.settings_tables())],
    ids=["commands", "settings"],
)
def test_the_documents_show_the_commands_of_the_catalog_and_the_settings_of_the_code(file, tables):
    text = file.read_text()
    assert text == generate.with_tables(text, tables), "out of date: make deployments"
    assert tables in text


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_options_of_the_commands_are_what_the_flows_signatures_make_of_them(engine):
    assert commands.file_of(engine).read_text() == commands.written(engine), "out of date: make deployments"


def test_every_flow_of_the_catalog_is_a_deployment_under_its_command():
    said = [(one["name"], one["entrypoint"], one["description"]) for one in ON_DEMAND]
    assert said == [
        (f"{engine.name}-{entry.name}", entry.entrypoint.replace(":", "."), entry.line)
        for engine in ENGINES
        for entry in engine.flows
    ]


@pytest.mark.parametrize("deployment", ON_DEMAND + SCHEDULED, ids=lambda one: one["name"])
def test_every_deployment_names_its_target_explicitly(deployment):
    engine = max(
        (each for each in ENGINES if deployment["name"].startswith(f"{each.name}-")),
        key=lambda each: len(each.name),
    )
    assert deployment["parameters"]["target"] == "{{ $" + engine.target_variable + " }}"
    assert deployment["work_pool"] == {"name": POOL}
    assert "vector-search" in deployment["tags"]


@pytest.mark.parametrize("nightly", NIGHTLY, ids=lambda one: one["name"])
def test_a_nightly_check_is_off_until_it_is_told_its_index(nightly):
    (schedule,) = nightly["schedules"]
    assert schedule["active"] is False
    assert schedule["timezone"]
    assert "name" in schedule["parameters"]


def test_each_engine_has_its_nightly_check():
    assert [nightly["entrypoint"] for nightly in NIGHTLY] == [
        "flows.vertex.verify.verify_index",
        "flows.vertex_collections.verify.verify_collection",
        "flows.elastic.verify.verify_embedded",
        "flows.databricks.verify.verify_index",
        "flows.answers.evaluate.evaluate",
        "flows.answers.verify.verify_documents",
        "flows.answers.monitor.monitor",
    ]


def test_each_target_has_an_hourly_sweep_that_is_off_and_removes_nothing():
    assert [one["name"] for one in SWEEPS] == ["vertex-sweep", "elastic-sweep", "databricks-sweep"]
    for one in SWEEPS:
        assert one["entrypoint"] == "flows.sweeping.sweep.sweep"
        (schedule,) = one["schedules"]
        assert (schedule["active"], schedule["parameters"]) == (False, {"idle": "24h", "apply": False})


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A whole stack, with the real deployments and a worker."""
    with Stack(tmp_path_factory.mktemp("home")).running() as stack:
        yield stack


def in_stack(stack, code):
    """Run code in a process of the stack's; what it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", code], env=stack.environment, cwd=stack.home,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return yaml.safe_load(ended.stdout)


@pytest.mark.slow
def test_all_are_registered_with_typed_and_explained_parameters(stack):
    found = in_stack(
        stack,
        "import json\nfrom prefect.client.orchestration import get_client\n"
        "with get_client(sync_client=True) as client:\n"
        "    print(json.dumps([d.model_dump(mode='json') for d in client.read_deployments()]))",
    )
    assert {one["name"] for one in found} == {one["name"] for one in ON_DEMAND + SCHEDULED}
    for one in found:
        assert one["parameters"]["target"] == "sandbox"
        form = one["parameter_openapi_schema"]
        assert "target" in form["required"], one["name"]
        unexplained = [name for name, field in form["properties"].items() if not field.get("description")]
        assert not unexplained, one["name"]


@pytest.mark.slow
def test_without_a_target_nothing_is_deployed(stack):
    environment = {name: value for name, value in stack.environment.items() if name != "VECTOR_SEARCH_TARGET"}
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--name", "vertex-check", "--prefect-file", str(FILE)],
        env=environment, cwd=stack.home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "VECTOR_SEARCH_TARGET" in said
    assert "not valid under any of the given schemas" in said, "neither a service nor a block"


@pytest.mark.slow
def test_a_build_runs_through_the_worker_and_leaves_its_artifacts(stack):
    parameters = {"name": "words", "data": str(DATA), "limit": 200, "yes": True}
    run = in_stack(
        stack,
        "import json\nfrom prefect.deployments import run_deployment\n"
        f"run = run_deployment('vertex build/vertex-build', parameters={parameters!r}, timeout=0)\n"
        "print(json.dumps(str(run.id)))",
    )
    look = (
        "import json\nfrom prefect.client.orchestration import get_client\n"
        "from prefect.client.schemas.filters import ArtifactFilter\n"
        "with get_client(sync_client=True) as client:\n"
        f"    run = client.read_flow_run('{run}')\n"
        f"    artifacts = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id={{'any_': ['{run}']}}))\n"
        "    print(json.dumps([run.name, run.state.type, run.state.message, [a.key for a in artifacts]]))"
    )
    deadline = time.monotonic() + 400
    while True:
        name, state, message, artifacts = in_stack(stack, look)
        if state in ("COMPLETED", "FAILED", "CRASHED") or time.monotonic() > deadline:
            break
    assert (name, state) == ("build words on sandbox", "COMPLETED"), message
    where = "words-sandbox-project-us-central1"
    assert {f"vertex-build-{where}-report", f"vertex-build-{where}-steps"} <= set(artifacts)
    assert list((stack.home / "reports").glob("vertex-build-words-*.json"))
