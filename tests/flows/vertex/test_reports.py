"""What a flow saw is kept: a JSON file and artifacts on the Prefect server, also when it failed."""

from __future__ import annotations

import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
)

from tests.flows.client_settings import client_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def artifacts(stack):
    """The artifacts whose key begins so, as a dict of key and data."""

    def of(prefix):
        with client_settings(stack), get_client(sync_client=True) as client:
            like = ArtifactFilter(key=ArtifactFilterKey(like_=f"{prefix}%"))
            return {artifact.key: artifact for artifact in client.read_artifacts(artifact_filter=like)}

    return of


def only_report(home):
    (file,) = home.glob("reports/*.json")
    return json.loads(file.read_text()), file


def test_a_finished_build_is_reported_in_the_terminal_a_file_and_the_ui(
    service, build, name, home, artifacts
):
    ended = build(service)
    report, file = only_report(home)
    assert (report["flow"], report["name"], report["target"]) == ("vertex build", name, "sandbox")
    assert report["outcome"] == "done"
    assert [step["step"] for step in report["steps"]] == [
        "validate the data", f"upload import files of {name}", f"index {name}", f"endpoint {name}", f"deployed index {name}"
    ]  # fmt: skip
    assert all(step["seen"] and step["seconds"] >= 0 for step in report["steps"])
    assert [step["seen"].partition(";")[0] for step in report["steps"][2:]] == [
        "created the index", "created the endpoint", "deployed the index"
    ]  # fmt: skip
    assert report["facts"]["index"] == service.indexes(name)[0].name
    assert f"report: {file.with_suffix('.html')}" in ended.out.replace("\n", "")

    found = artifacts(f"vertex-build-{name}")
    assert {artifact.type for artifact in found.values()} == {"markdown", "table"}
    (markdown,) = (artifact.data for artifact in found.values() if artifact.type == "markdown")
    (table,) = (artifact.data for artifact in found.values() if artifact.type == "table")
    for step in report["steps"]:
        assert step["step"] in markdown
    assert [row["step"] for row in json.loads(table)] == [step["step"] for step in report["steps"]]


def test_a_failed_build_is_reported_too(service, build, name, home, artifacts, vectors):
    error = build(service, data=vectors("empty.hdf5", rows=0), code=2).error
    report, _ = only_report(home)
    assert report["outcome"].startswith("failed: ")
    assert report["outcome"].removeprefix("failed: ")[:40] in error
    assert report["steps"][-1]["seen"].startswith("failed: ")
    assert len(artifacts(f"vertex-build-{name}")) == 2


def test_a_build_that_nobody_agrees_to_is_cancelled_and_no_failure(
    stack, service, build, name, home, other_data
):
    build(service)
    build(service, data=other_data, code=2)
    newest = max(home.glob("reports/*.json"))
    assert json.loads(newest.read_text())["outcome"].startswith("Not confirmed: ")
    with client_settings(stack), get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[f"build {name} on sandbox"]))
        states = [run.state for run in client.read_flow_runs(flow_run_filter=named)]
    assert sorted(state.name for state in states) == ["Cancelled", "Completed"]
    (cancelled,) = (state for state in states if state.is_cancelled())
    assert cancelled.message.startswith("Not confirmed: ")
