"""A serverless project: documents loaded, embedded by its index and found; what it does not have is refused by name."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


def test_a_project_loads_embeds_by_its_index_and_refuses_what_it_does_not_have(
    cluster_with, elastic, name, queries
):
    project = cluster_with(flavour="serverless")
    assert "serverless" in elastic(project, "check").out
    deploy = elastic(project, "deploy", "--name", name, code=1).err
    assert "elastic deploy is not possible in a serverless project" in deploy
    assert "--as semantic-text" in deploy

    elastic(project, "endpoint-ensure", "--name", f"{name}-endpoint")

    source = f"{name}-films"
    load = ("load", "--name", source, "--data", queries.with_name("movies.jsonl"), "--id-field", "id")
    elastic(project, *load, "--limit", 12)
    embed = ["embed", "--as", "semantic-text", "--name", name, "--source", source, "--fields", "plot"]
    embed += ["--endpoint", f"{name}-endpoint"]
    elastic(project, *embed)
    writes = project.writes
    assert "Nothing to do" in elastic(project, *embed).err
    assert project.writes == writes
    found = elastic(project, "search", "--name", name, "--text", "detective", "--json").out
    assert json.loads(found)["results"]

    project.client.delete(index=source, id="se7en", refresh=True)
    assert "moved the alias" in elastic(project, *embed).err
    elastic(project, "teardown", "--name", name, "--yes")
    assert project.indices(name) == [source]
