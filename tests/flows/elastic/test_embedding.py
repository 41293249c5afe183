"""From a file of films to an alias that finds them, again without a change, with changed documents, and back."""

from __future__ import annotations

import json

import pytest

from tasks.elastic.cluster.cluster import vectors_in_source

pytestmark = pytest.mark.slow


def hits(command, home):
    """The ids that a search reported, best first."""
    newest = max((home / "reports").glob("elastic-search-*.json"), key=lambda file: file.stat().st_mtime_ns)
    return [hit["id"] for hit in json.loads(newest.read_text())["facts"]["hits"]], command


@pytest.mark.core
def test_films_are_deployed_loaded_embedded_and_found_and_the_same_again_changes_nothing(
    cluster_with, elastic, name, movies, queries, home
):
    cluster = cluster_with()
    steps = [
        ["deploy", "--name", name, "--ingest-allocations", 2],
        ["load", "--name", f"{name}-films", "--data", queries.with_name("movies.jsonl"), "--id-field", "id"],
        [
            "embed", "--name", name, "--source", f"{name}-films", "--fields", "plot", "--deployment", f"{name}-ingest",
            "--search-deployment", f"{name}-search", "--queries", queries,
        ],
    ]  # fmt: skip
    for step in steps:
        elastic(cluster, *step)
    assert cluster.client.count(index=name)["count"] == len(movies)
    assert cluster.unembedded(name, "plot") == 0

    writes, inferences = cluster.writes, cluster.inferences()
    for step in steps:
        again = elastic(cluster, *step)
        assert step[0] == "deploy" or "Nothing to do" in again.err
    assert cluster.writes == writes
    assert cluster.inferences() == inferences

    detectives = {"se7en", "zodiac", "the-silence-of-the-lambs", "l-a-confidential", "the-departed"}
    for kind in ("sparse_vector", "text_expansion"):
        found, command = hits(
            elastic(
                cluster,
                "search",
                "--name",
                name,
                "--text",
                "investigation",
                "--size",
                5,
                "--kind",
                kind,
                "--json",
            ),
            home,
        )
        assert len(detectives.intersection(found)) >= 3, found
        assert found[0] in detectives
        assert json.loads(command.out)["results"][0].keys() == {"id", "score", "plot"}
    elastic(cluster, "verify", "--name", name, "--queries", queries)
    assert cluster.writes == writes
    elastic(cluster, "teardown", "--name", name, "--deployments", f"{name}-ingest", f"{name}-search", "--yes")


def test_changed_documents_make_a_new_index_and_rollback_goes_back_and_forth(
    cluster, elastic, embed, name, movies
):
    source = cluster.store(f"{name}-source", movies[:20])
    embed(cluster, source, "plot")
    (first,) = cluster.alias(name)

    cluster.store(source, [{"id": "new", "plot": "A lighthouse keeper's cat solves the theft of a violin."}])
    said = embed(cluster, source, "plot").err
    assert "moved the alias" in said
    (second,) = cluster.alias(name)
    assert second != first
    assert cluster.client.indices.exists(index=first)
    assert cluster.client.count(index=name)["count"] == 21

    elastic(cluster, "rollback", "--name", name)
    assert cluster.alias(name) == [first]
    writes = cluster.writes
    assert "already rolled back" in elastic(cluster, "rollback", "--name", name).err
    assert cluster.writes == writes
    elastic(cluster, "rollback", "--name", name, "--to", second)
    assert cluster.alias(name) == [second]
    elastic(cluster, "rollback", "--name", name, "--to", first)

    inferences = cluster.inferences()
    assert "moved the alias" in embed(cluster, source, "plot").err
    assert cluster.alias(name) == [second]
    assert cluster.inferences() == inferences, "what is embedded is not embedded again"
    elastic(cluster, "rollback", "--name", name)
    assert cluster.alias(name) == [first]


def test_a_deleted_document_makes_a_new_index_too(cluster, embed, name, movies):
    source = cluster.store(f"{name}-source", movies[:8])
    embed(cluster, source, "plot")
    (first,) = cluster.alias(name)
    cluster.client.delete(index=source, id=movies[0]["id"], refresh=True)
    embed(cluster, source, "plot")
    (second,) = cluster.alias(name)
    assert second != first
    assert not cluster.client.exists(index=name, id=movies[0]["id"])


def test_an_embedded_index_is_embedded_afresh_and_its_documents_keep_their_own_fields(
    cluster, embed, name, movies
):
    source = f"{name}-source"
    old = {"plot_embedding": {"[unused1]": 9.0}, "embedding_failure": "the queue was full", "model_id": 120}
    cluster.client.indices.create(
        index=source, mappings={"properties": {"plot_embedding": {"type": "sparse_vector"}}}
    )
    cluster.store(source, [{**movie, **old} for movie in movies[:6]])
    embed(cluster, source, "plot")
    answer = cluster.client.ml.infer_trained_model(
        model_id="ingest", docs=[{"text_field": movie["plot"]} for movie in movies[:6]]
    )
    fresh = {
        movie["id"]: result["predicted_value"]
        for movie, result in zip(movies[:6], answer["inference_results"], strict=True)
    }
    found = cluster.client.search(
        index=name, source={"includes": ["*"], **vectors_in_source(cluster.settings)}
    )
    for hit in found["hits"]["hits"]:
        assert hit["_source"]["plot_embedding"] == pytest.approx(fresh[hit["_id"]])
        assert hit["_source"]["model_id"] == 120
        assert set(hit["_source"]) == {*movies[0], "plot_embedding", "model_id"}
    assert len(found["hits"]["hits"]) == 6

    writes = cluster.writes
    assert "Nothing to do" in embed(cluster, source, "plot").err
    assert cluster.writes == writes


def test_documents_keep_the_types_that_their_own_index_gives_them(cluster, embed, name):
    own = {"id": {"type": "keyword"}, "plot": {"type": "text"}, "released": {"type": "keyword"}}
    analysis = {"normalizer": {"lower": {"type": "custom", "filter": "lowercase"}}}
    source = f"{name}-source"
    cluster.client.indices.create(
        index=source,
        mappings={"dynamic": "strict", "properties": own},
        settings={"analysis": analysis, "mapping": {"total_fields": {"limit": 1200}}},
    )
    dates = ["2021-01-05", "2021-01-06", "unknown"]  # which a guess from the first would make dates
    cluster.store(source, [{"id": str(n), "plot": f"a cat {n}", "released": d} for n, d in enumerate(dates)])
    embed(cluster, source, "plot:ml.plot")
    assert cluster.client.count(index=name)["count"] == 3
    (made,) = cluster.client.indices.get(index=name).body.values()
    assert made["mappings"]["dynamic"] == "strict"
    assert made["mappings"]["properties"] == {
        **own,
        "ml": {"properties": {"plot": {"type": "sparse_vector"}}},
        "embedding_failure": {"type": "keyword", "ignore_above": 8191},
    }
    assert made["settings"]["index"]["analysis"] == analysis
    assert made["settings"]["index"]["mapping"]["total_fields"] == {"limit": "1200"}

    cluster.client.indices.put_settings(index=source, settings={"mapping.total_fields.limit": 1300})
    writes = cluster.writes
    assert "Nothing to do" in embed(cluster, source, "plot:ml.plot").err
    assert cluster.writes == writes


@pytest.mark.parametrize("accepted", [0, 1])
def test_a_document_that_the_new_index_refuses_is_told_with_its_reason(
    cluster, embed, name, movies, home, accepted
):
    source = f"{name}-source"
    cluster.client.indices.create(
        index=source, mappings={"dynamic": "false", "properties": {"plot": {"type": "text"}}}
    )
    odd = {"id": "odd", "plot": "a cat", "ml": "no object, so that nothing can be put below it"}
    cluster.store(source, [*movies[:5], {"id": "bare"}, odd])
    command = embed(cluster, source, "plot:ml.plot", "--accept-unembedded", accepted, code=1)
    newest = max((home / "reports").glob("elastic-embed-*.json"), key=lambda file: file.stat().st_mtime_ns)
    assert "1 rejected by the new index" in newest.read_text()
    assert "odd: illegal_argument_exception: cannot set [plot]" in newest.read_text()
    assert (
        "is 6, required: 7. It refused 1, the first: odd: illegal_argument_exception: cannot set"
        in command.error
    )
    assert ("bare" in command.error) == (accepted == 0)


def test_sample_queries_that_fail_keep_the_alias_where_it_is(cluster, embed, name, movies, tmp_path):
    source = cluster.store(f"{name}-source", movies[:8])
    embed(cluster, source, "plot")
    before = cluster.alias(name)
    cluster.store(source, [{"id": "new", "plot": "A cat solves the theft of a violin."}])
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"query": "violin", "expected": ["nowhere"], "within": 2}\n')

    error = embed(cluster, source, "plot", "--queries", queries, code=1).error
    assert "'violin' misses nowhere among its first 2, finds new" in error
    assert cluster.alias(name) == before


def test_two_fields_are_embedded_by_one_pipeline_and_each_is_searched(
    cluster, elastic, embed, name, movies, home
):
    source = cluster.store(f"{name}-source", movies)
    embed(cluster, source, ["plot", "title:title_vector"])
    assert cluster.unembedded(name, "plot") == 0
    assert cluster.client.count(index=name, query={"exists": {"field": "title_vector"}})["count"] == len(
        movies
    )
    for field, text in (("plot", "investigation"), ("title", "silence of the lambs")):
        command = elastic(cluster, "search", "--name", name, "--text", text, "--field", field, "--size", 5)
        assert "the-silence-of-the-lambs" in hits(command, home)[0]
    assert (
        "not embedded"
        in elastic(cluster, "search", "--name", name, "--text", "x", "--field", "year", code=2).error
    )


def test_a_deployment_without_an_allocation_is_waited_for_and_texts_without_a_word_are_embedded(
    cluster, embed, name
):
    """As after a restart of the cluster, which allocates its deployments again one after the other."""
    codes = [{"id": str(n), "code": f"XJ{n}-9Q{n}"} for n in range(4)]
    late = f"{name}-late"
    cluster.fault("ml.start_trained_model_deployment", "stall", "end", seconds=4)
    cluster.client.ml.start_trained_model_deployment(
        model_id=".elser_model_2", deployment_id=late, wait_for="starting"
    )
    said = embed(cluster, cluster.store(f"{name}-source", codes), "code", deployment=late).err
    cluster.client.ml.stop_trained_model_deployment(model_id=late, force=True)
    assert f"start deployment {late}: starting, 0 of 1 allocations" in said
    assert cluster.unembedded(name, "code") == 0
