"""Documents embedded by the index itself: once, found in every way, killed anywhere without embedding anything twice."""

from __future__ import annotations

from functools import partial

import pytest

from tests.client import ONLY_CLIENT_8
from tests.polling import until
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow
ROWS = 120
ELSER, E5 = ".elser-2-elasticsearch", ".multilingual-e5-small-elasticsearch"


@pytest.fixture
def embed(embed_by_endpoint):
    """Embeds a field as semantic_text under the test's name."""
    return partial(embed_by_endpoint, as_="semantic-text", endpoint=ELSER)


@pytest.fixture
def found(facts):
    """The ids that a way of searching finds, best first."""

    def of(cluster, text, how):
        hits = facts(cluster, "search", "--text", text, "--how", how, "--size", 5)["hits"]
        return [hit["id"] for hit in hits]

    return of


def test_films_are_embedded_once_found_in_every_way_and_the_same_again_changes_nothing(
    cluster, embed, elastic, found, name, movies, queries
):
    source = cluster.store(f"source-{name}", movies)
    options = ("--queries", queries, "--chunk-words", 100)
    embed(cluster, source, "plot", *options)
    field = cluster.client.indices.get_mapping(index=name)[cluster.alias(name)[0]]["mappings"]["properties"][
        "plot"
    ]
    assert (field["inference_id"], field["chunking_settings"]["max_chunk_size"]) == (ELSER, 100)
    assert cluster.client.count(index=name)["count"] == len(movies)

    writes, inferences = list(cluster.writes), cluster.inferences()
    assert "Nothing to do" in embed(cluster, source, "plot", *options).err
    elastic(cluster, "verify", "--name", name, "--queries", queries)
    detectives = {"se7en", "zodiac", "the-silence-of-the-lambs", "l-a-confidential", "the-departed"}
    assert len(detectives.intersection(found(cluster, "investigation", "semantic"))) >= 3
    by_word = found(cluster, "hacker", "bm25")
    assert by_word
    assert by_word[0] in found(cluster, "hacker", "hybrid")
    assert (list(cluster.writes), cluster.inferences()) == (writes, inferences)
    refused = elastic(cluster, "search", "--name", name, "--text", "x", "--how", "dense", code=2)
    assert "'dense' (from --how). Accepted: semantic, sparse, bm25, hybrid." in refused.error
    compared = elastic(cluster, "compare", "--name", name, "--queries", queries).out
    assert [line for line in ("semantic", "sparse", "bm25", "hybrid") if line in compared]
    elastic(cluster, "teardown", "--name", name, "--yes")
    assert cluster.indices(name) == []


@runs_here
def test_a_dense_endpoint_finds_by_vectors_what_is_asked_in_another_language(
    cluster, embed, found, name, movies
):
    source = cluster.store(f"source-{name}", movies)
    embed(cluster, source, "plot", endpoint=E5)
    assert "inception" in found(cluster, "Ein Dieb stiehlt Geheimnisse aus Träumen", "dense")


def test_killed_halfway_and_its_task_cancelled_the_next_run_embeds_only_the_rest(
    slow_cluster, embed, kill, name, glosses
):
    cluster = slow_cluster
    source = cluster.store(f"source-{name}", glosses(ROWS))
    before = cluster.inferences()
    first = embed(cluster, source, "gloss", "--batch-size", 12, beginning=True)
    until(lambda: 0 < cluster.arrived(name) < ROWS, "the first part of the documents")
    kill(first)
    for task in cluster.reindexes:
        cluster.client.tasks.cancel(task_id=task)
    until(lambda: not cluster.reindexes, "the end of the task")
    assert cluster.arrived(name) < ROWS

    again = embed(cluster, source, "gloss", "--batch-size", 12)
    assert "still missing. Embedding these." in again.err
    assert cluster.client.count(index=name)["count"] == ROWS
    new, tried = cluster.inferences() - before, cluster.sampled(source, "gloss")
    assert {new[row["gloss"]] for row in glosses(ROWS) if row["gloss"] not in tried} == {1}


def test_what_cannot_be_embedded_is_refused_before_anything_is_made(cluster, embed, name, movies):
    source = cluster.store(f"source-{name}", movies[:5])
    gone = embed(cluster, source, "plot", endpoint="gone", code=2)
    assert "There is no such inference endpoint: 'gone' (from --endpoint)" in gone.error
    assert "--name gone --model-id MODEL" in gone.error
    assert ELSER in gone.error
    assert cluster.indices(name) == []


@ONLY_CLIENT_8
def test_semantic_text_of_releases_before_8_18_is_refused_as_a_source_and_as_a_way(
    cluster, cluster_with, embed, elastic, name
):
    source, own = f"source-{name}", {"plot": {"type": "semantic_text", "inference_id": ELSER}}
    settings = {"index.mapping.semantic_text.use_legacy_format": True}
    cluster.client.indices.create(index=source, mappings={"properties": own}, settings=settings)
    cluster.client.index(index=source, document={"plot": "two detectives"}, refresh=True)
    words = (
        "--name",
        name,
        "--source",
        source,
        "--fields",
        "plot",
        "--deployment",
        "ingest",
        "--replicas",
        0,
    )
    for refused in (
        embed(cluster, source, "plot", code=2),
        elastic(cluster, "embed", *words, code=2),
        elastic(cluster, "embed", *words, "--chunk-words", 50, code=2),
    ):
        assert "The field plot holds objects of texts and embeddings" in refused.error
        assert f"'{source}' (from --source)" in refused.error
    assert cluster.indices(name) == []
    older = cluster_with(version="8.17")
    refused = embed(older, older.store(source, [{"id": "1", "plot": "two detectives"}]), "plot", code=2)
    assert "The cluster has version 8.17.4, where a semantic_text field puts an object" in refused.error
    assert "Accepted: 8.18 or later; or sparse-vector" in refused.error
    assert older.indices(name) == []
