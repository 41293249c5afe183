"""From ELSER 1 to ELSER 2, by the steps of the labs' notebook `model-upgrades/upgrading-index-to-use-elser`, also after a crash."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def old(cluster, name, movies):
    """An index that somebody embedded with ELSER 1, into `ml.tokens`, behind the alias that searches use."""
    client, index = cluster.client, f"{name}-v1"
    cluster.deploy(f"{name}-old", model_id=".elser_model_1")
    config = {"text_expansion": {"results_field": "tokens"}}
    inference = {"model_id": f"{name}-old", "target_field": "ml", "field_map": {"plot": "text_field"}}
    processor = {"inference": inference | {"inference_config": config}}
    client.ingest.put_pipeline(id=f"{name}-v1", processors=[processor])
    client.indices.create(
        index=index,
        mappings={"properties": {"plot": {"type": "text"}, "ml.tokens": {"type": "rank_features"}}},
        settings={"default_pipeline": f"{name}-v1"},
    )
    client.indices.put_alias(index=index, name=name)
    yield cluster.store(index, movies[:12])
    client.indices.put_settings(index=index, settings={"default_pipeline": "_none"})
    client.ingest.delete_pipeline(id=f"{name}-v1")
    client.ml.stop_trained_model_deployment(model_id=f"{name}-old", force=True)


def test_an_index_of_elser_1_becomes_one_of_elser_2_also_after_a_crash(cluster, run, release, name, old):
    client = cluster.client
    words = [
        "elastic",
        "upgrade",
        "--name",
        name,
        "--source",
        old,
        "--fields",
        "plot",
        "--deployment",
        "ingest",
    ]
    words += ["--old-deployment", f"{name}-old", "--replicas", 0, "--target", "sandbox"]
    refused = run(cluster, *words, code=1)
    assert f"{name!r}" in refused.error
    assert "was not created by this project" in refused.error
    assert not [one for one in cluster.indices(name) if one != old]

    run(cluster, *words, "--adopt", code=-9, VECTOR_SEARCH_CRASH_AT="start to embed *#1:after")
    release(name, "elastic")
    ended = run(cluster, *words, "--adopt")
    assert "12 of 12 queries find what they should, before 12" in ended.err + ended.out
    (new,) = cluster.alias(name)
    mapping = client.indices.get_mapping(index=new)[new]["mappings"]["properties"]
    assert mapping["plot_embedding"] == {"type": "sparse_vector"}
    assert "ml" not in mapping
    found = client.search(
        index=name,
        query={"text_expansion": {"plot_embedding": {"model_id": "ingest", "model_text": "investigation"}}},
    )
    assert all("ml" not in hit["_source"] for hit in found["hits"]["hits"])
    assert found["hits"]["total"]["value"] > 0
    writes = cluster.writes
    run(cluster, *words, "--adopt")
    assert cluster.writes == writes
    run(cluster, "elastic", "rollback", "--name", name, "--target", "sandbox")
    assert cluster.alias(name) == [old]
    run(cluster, *words, "--adopt")
    assert cluster.alias(name) == [new], "what is there is served again"

    cluster.deploy(f"{name}-other")
    again = ["elastic", "upgrade", "--name", name, "--deployment", f"{name}-other", "--replicas", 0]
    told = run(cluster, *again, "--target", "sandbox").err
    assert f"{new} is embedded with .elser_model_2 already" in told
    assert f"only the deployment changes, from ingest to {name}-other" in told
    assert cluster.alias(name) != [new]
    assert "is embedded with" not in run(cluster, *again, "--target", "sandbox").err
