"""Documents embedded as vectors: killed halfway and continued, found in every way, measured against exact search, removed."""

from __future__ import annotations

import json
from functools import partial

import pytest

from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from tests.client import VERSION
from tests.flows.elastic.conftest import ElasticStandIn
from tests.polling import until
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow
ROWS = 60
E5 = ".multilingual-e5-small-elasticsearch"


@pytest.fixture
def embed(embed_by_endpoint):
    """Embeds a field as dense_vector under the test's name."""
    return partial(embed_by_endpoint, as_="dense-vector", endpoint=E5)


@runs_here
def test_killed_halfway_the_next_run_embeds_the_rest_and_the_index_is_searched_measured_and_removed(
    slow_cluster, embed, elastic, facts, kill, name, glosses, tmp_path, home
):
    cluster, rows = slow_cluster, glosses(ROWS)
    source = cluster.store(f"source-{name}", rows)
    options = ("--batch-size", 10, "--index-options", "int8_hnsw", "--similarity", "dot_product")
    before = cluster.inferences()
    first = embed(cluster, source, "gloss", *options, beginning=True)
    until(lambda: 0 < cluster.arrived(name) < ROWS, "the first part of the documents")
    kill(first)
    for task in cluster.reindexes:
        cluster.client.tasks.cancel(task_id=task)
    until(lambda: not cluster.reindexes, "the end of the task")
    assert cluster.arrived(name) < ROWS

    embed(cluster, source, "gloss", *options)
    assert cluster.client.count(index=name)["count"] == ROWS
    assert cluster.unembedded(name, "gloss") == 0
    new = cluster.inferences() - before
    read_again = cluster.sampled(source, "gloss") | cluster.sampled(name, "gloss")
    assert {new[row["gloss"]] for row in rows if row["gloss"] not in read_again} == {1}
    (index,) = cluster.indices(name)
    mapping = cluster.client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    field = mapping["gloss_embedding"]
    assert (field["dims"], field["similarity"], field["index_options"]) == (384, "dot_product", {"type": "int8_hnsw"})  # fmt: skip

    writes = cluster.writes
    assert "Nothing to do" in embed(cluster, source, "gloss", *options).err
    wanted = rows[17]
    for how in ("dense", "bm25", "hybrid"):
        found = facts(cluster, "search", "--text", wanted["gloss"], "--how", how)
        assert found["hits"][0]["id"] == wanted["id"]
    refused = elastic(cluster, "search", "--name", name, "--text", "x", "--how", "sparse", code=2)
    assert "'sparse' (from --how). Accepted: dense, bm25, hybrid" in refused.error
    verified = facts(cluster, "verify")
    assert verified["vectors"]["gloss_embedding"]["least_cosine"] > 0.999
    assert verified["recall_by_candidates"][0]["recall"] == 1, "of fewer documents than candidates"
    judged = tmp_path / "judged.jsonl"
    judged.write_text("".join(json.dumps({"query": row["gloss"], "expected": [row["id"]]}) + "\n" for row in rows[:8]))  # fmt: skip
    compared = facts(cluster, "compare", "--queries", judged, "--size", 5, "--num-candidates", 5, 20)
    assert set(compared["ways"]) == {"dense", "bm25", "hybrid"}
    assert compared["ways"]["dense"]["ndcg"] == 1
    assert [one["num_candidates"] for one in compared["recall_by_candidates"]] == [5, 20, 100]
    page = max((home / "reports").glob("elastic-compare-*.html"), key=lambda file: file.stat().st_mtime_ns)
    assert "Recall of kNN against exact search by num_candidates" in page.read_text()
    assert cluster.writes == writes
    elastic(cluster, "teardown", "--name", name, "--yes")
    assert cluster.indices(name) == []


@pytest.mark.parametrize("way", ["dense-vector", "semantic-text"])
def test_a_plan_uses_no_default_endpoint_and_names_the_index_that_is_then_made(
    cluster_with, embed, name, movies, way
):
    cluster = cluster_with(
        refresh_seconds={"dense-vector": 0.06, "semantic-text": 0.07}[way]
    )  # nobody has used its endpoints
    source, writes = cluster.store(f"source-{name}", movies[:3]), cluster.writes
    planned = embed(cluster, source, "plot", "--plan", as_=way)
    assert cluster.writes == writes
    assert f"the first use of {E5} downloads and starts it" in " ".join(planned.out.split())
    assert not cluster.client.ml.get_trained_models(model_id=".multi*", allow_no_match=True)["count"]
    embed(cluster, source, "plot", as_=way)
    (made,) = cluster.indices(name)
    assert f"index     {made} " in planned.out or f"index  {made} " in planned.out


class WithModels(ElasticStandIn):
    """A stand-in with a model server beside it."""

    beside = (ModelServerOptions(),)


@runs_here
def test_a_model_outside_the_cluster_is_used_through_an_endpoint_whose_key_is_seen_nowhere(
    shared_stand_in, embed, elastic, begin, kill, home, name, movies
):
    cluster = shared_stand_in(WithModels, ElasticOptions(version=VERSION, refresh_seconds=0.05))
    key = cluster.process.environment["OPENAI_API_KEY"]
    source, endpoint = cluster.store(f"source-{name}", movies[:8]), name
    words = ("--service", "openai", "--name", endpoint)
    cluster.fault("inference.put", "stall", "after", seconds=60)
    command = begin(cluster, "elastic", "endpoint-ensure", *words, "--target", "sandbox")
    until(lambda: "inference.put" in cluster.struck, "the fault")
    kill(command)
    assert "unchanged" in elastic(cluster, "endpoint-ensure", *words).out
    assert cluster.writes.count("inference.put") == 1

    refused = embed(cluster, source, "plot", endpoint=endpoint, code=2)
    assert "--document-prefix 'passage: ' --query-prefix 'query: '" in refused.error
    assert cluster.indices(name) == []
    prefixes = ("--document-prefix", "passage: ", "--query-prefix", "query: ", "--chunk-words", 20)
    embed(cluster, source, "plot", *prefixes, endpoint=endpoint)
    searched = elastic(cluster, "search", "--name", name, "--text", movies[3]["plot"])
    assert movies[3]["id"] in searched.out.split("\n\n")[0]
    elastic(cluster, "verify", "--name", name)
    used = elastic(cluster, "endpoint-delete", "--name", endpoint, "--yes", code=1)
    assert "is used by pipeline" in used.error
    elastic(cluster, "teardown", "--name", name, "--yes")
    elastic(cluster, "endpoint-delete", "--name", endpoint, "--yes")
    assert not cluster.client.inference.get(inference_id=f"{name}*")["endpoints"]
    assert [file for file in home.rglob("*") if file.is_file() and key in file.read_text(errors="replace")] == []  # fmt: skip
