"""Flows with an API key that has what they ask for, and with one that lacks something."""

import pytest

from flows.elastic import privileges

pytestmark = pytest.mark.slow


def role_of(*needs):
    """The role descriptor of exactly these needs."""
    on_indices = [
        {"names": list(need.names), "privileges": list(need.on_indices)} for need in needs if need.names
    ]
    return {"cluster": sorted({name for need in needs for name in need.cluster}), "indices": on_indices}


@pytest.fixture
def with_key(cluster, run):
    """Runs a command with a key of exactly these needs: `with_key(needs, "check", code=1)`."""

    def command(needs, *words, code=0, engine="elastic"):
        made = cluster.client.security.create_api_key(name="k", role_descriptors={"k": role_of(*needs)})
        key = {"ELASTIC_URL": cluster.settings.url, "ELASTIC_API_KEY": made["encoded"]}
        return run(None, engine, *words, "--target", "elastic", code=code, **key)

    return command


def test_what_a_flow_asks_for_is_enough_and_less_is_refused_before_anything_is_made(
    cluster, with_key, name, movies, tmp_path
):
    source = cluster.store(f"{name}-source", movies[:8])
    data = tmp_path / "films.jsonl"
    data.write_text('{"id": "a", "title": "Alien"}\n')
    load = [
        "load",
        "--name",
        f"{name}-loaded",
        "--data",
        data,
        "--id-field",
        "id",
        "--lowercase-field",
        "title",
    ]
    needs = privileges.to_load(f"{name}-loaded", pipeline=True)
    writes = cluster.writes
    lacking = with_key(needs[:1], *load, code=1)
    assert "the cluster privilege manage_ingest_pipelines" in lacking.error
    assert cluster.writes == [*writes, "security.create_api_key"]
    with_key(needs, *load)
    with_key(privileges.TO_DEPLOY, "deploy", "--name", name, "--search-allocations", 0)
    embed = [
        "embed",
        "--name",
        name,
        "--source",
        source,
        "--fields",
        "plot",
        "--deployment",
        f"{name}-ingest",
    ]
    needs = privileges.to_embed(name, source)
    with_key(needs, *embed, "--replicas", 0)
    documents = tmp_path / "handbook"
    documents.mkdir()
    (documents / "a.md").write_text("# Leave\n\nEverybody has 30 days of leave.\n")
    index = ["index", "--name", f"{name}-book", "--documents", documents, "--deployment", f"{name}-ingest"]
    needs = privileges.to_index_passages(f"{name}-book", sparse=True)
    writes = cluster.writes
    lacking = with_key((*needs[:2], *needs[3:]), *index, code=1, engine="answers")
    assert "the cluster privilege manage_ingest_pipelines" in lacking.error
    assert cluster.writes == [*writes, "security.create_api_key"]
    with_key(needs, *index, "--replicas", 0, engine="answers")
    with_key(privileges.to_remove_passages(f"{name}-book"), "teardown", "--name", f"{name}-book", "--yes")
    down = ["teardown", "--name", name, "--deployments", f"{name}-ingest", "--yes"]
    with_key(privileges.to_tear_down(name, models=True), *down)
    assert cluster.indices(name) == [f"{name}-loaded", source]
