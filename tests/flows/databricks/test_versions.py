"""A new version without downtime: killed and continued, served, rolled back, pruned, removed."""

from __future__ import annotations

import json

import pytest

from tasks.crash_points import CRASH_AT
from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.indexes import read_index
from tasks.databricks.searches import Query, find

pytestmark = pytest.mark.slow
MADE = ["update_endpoint_custom_tags", "create_index", "upsert_data_vector_index", *["update_endpoint_custom_tags"] * 2]  # fmt: skip


def test_a_version_is_built_beside_the_served_one_served_rolled_back_and_removed(
    service, build, command, found, listed, run, release, name, other_data
):
    def searched():
        index = read_index.fn(service.settings, name)
        assert len(find(service.settings, index, Query(vector=(1.0,) * 8))) == 10, "every query is answered"
        return index.version

    build(service)
    before = len(service.writes)
    planned = json.loads(build(service, "--as-version", "--prune", "--plan", "--json", data=other_data).out)
    assert [(one["action"], one["kind"]) for one in planned["resources"]] == [
        ("keep", "endpoint"), ("create", "index"), ("change", "served version"), ("remove", "index")
    ]  # fmt: skip
    words = ("build", "--name", name, "--target", "sandbox", "--as-version", "--data", other_data)
    for point in ("create index * *#1:after", "mark endpoint *#2:after"):
        run(service, "databricks", *words, code=-9, **{CRASH_AT: point})
        release(name, "databricks")
        searched()
    told = build(service, "--as-version", data=other_data).err
    assert "Nothing to do" in told
    assert service.made_since(before) == MADE, "each call once"
    second = searched()
    assert own_endpoint(service.settings, name).replaced == "first"
    kinds = {one["kind"]: (one["holds"], one["serves"]) for one in listed(service, name)}
    assert kinds["index"] == ("300 rows", "not searched")
    assert kinds[f"index, version {second}"] == ("250 rows", f"{service.full_name(name)}_{second}, ONLINE_DIRECT_ACCESS")  # fmt: skip

    command(service, "rollback")
    assert searched() == "first"
    writes = service.writes
    command(service, "verify", "--version", second, "--data", other_data, "--min-recall", 1)
    assert found("verify")["version"] == second
    assert service.writes == writes

    told = command(service, "swap", "--to", second).err
    assert f"{name} serves the version {second} (" in told
    assert "Other versions: first (" in told
    assert f"every version but {second}" in command(service, "prune", code=2).error
    words = ("prune", "--name", name, "--target", "sandbox", "--yes")
    run(service, "databricks", *words, code=-9, **{CRASH_AT: "delete index *#1:after"})
    release(name, "databricks")
    command(service, "prune", "--yes")
    assert own_endpoint(service.settings, name).versions == (second,)
    assert (searched(), service.index(name)) == (second, None)
    command(service, "teardown", "--yes")
    assert service.endpoint(name) is None
