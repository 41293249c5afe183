"""Teardowns that take only what we made, gates that are not met, and what is not ours."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_teardown_lists_wants_a_yes_keeps_what_is_not_ours_and_twice_changes_nothing(
    cluster, elastic, embed, name, movies
):
    source = cluster.store(f"{name}-source", movies[:8])
    stranger = cluster.store(f"{name}-0123456789ab", movies[:2])
    cluster.client.ingest.put_pipeline(id=f"{name}-0123456789ab", processors=[{"trim": {"field": "plot"}}])
    embed(cluster, source, "plot")
    (index,) = cluster.alias(name)
    writes = cluster.writes

    error = elastic(cluster, "teardown", "--name", name, code=2).error
    assert f"It would remove: alias {name}; index {index}; pipeline {name}-" in error
    assert "--yes" in error
    assert stranger not in error
    assert source not in error
    assert cluster.writes == writes

    elastic(cluster, "teardown", "--name", name, "--yes")
    assert cluster.indices(name) == sorted([stranger, source])
    assert not cluster.client.indices.exists_alias(name=name)
    pipelines = cluster.client.ingest.get_pipeline(id=f"{name}-*").body
    assert list(pipelines) == [stranger]
    writes = cluster.writes
    assert "Nothing to do" in elastic(cluster, "teardown", "--name", name, "--yes").err
    assert cluster.writes == writes


def test_an_index_whose_documents_were_removed_does_not_pass_its_gate(cluster, elastic, embed, name, movies):
    source = cluster.store(f"{name}-source", movies[:8])
    embed(cluster, source, "plot")
    elastic(cluster, "verify", "--name", name)
    cluster.client.delete(index=cluster.alias(name)[0], id=movies[0]["id"], refresh=True)
    error = elastic(cluster, "verify", "--name", name, code=1).error
    assert "7" in error
    assert "8" in error
    assert "number of documents" in error


def test_a_document_without_its_embedding_is_named_by_verify_and_by_diagnose(
    cluster, elastic, embed, name, movies
):
    source = cluster.store(f"{name}-source", movies[:8])
    embed(cluster, source, "plot")
    index, lost = cluster.alias(name)[0], movies[3]["id"]
    cluster.client.index(index=index, id=lost, document={"plot": "changed by hand"}, refresh=True)
    error = elastic(cluster, "verify", "--name", name, code=1).error
    assert "without an embedding" in error
    assert lost in error
    assert lost in elastic(cluster, "diagnose", "--name", name).out


def test_an_alias_or_index_of_somebody_else_is_left_alone(cluster, elastic, embed, name, movies):
    source = cluster.store(f"{name}-source", movies[:8])
    cluster.client.indices.update_aliases(actions=[{"add": {"index": source, "alias": name}}])
    error = embed(cluster, source, "plot", code=1).error
    assert source in error
    assert cluster.alias(name) == [source]
    elastic(cluster, "teardown", "--name", name, "--yes", code=1)
    assert cluster.alias(name) == [source]
