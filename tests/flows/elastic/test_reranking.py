"""A reranker by command: made, searched with in every way, measured beside each, refused where it cannot be, and deleted."""

from __future__ import annotations

import pytest

from tests.sandbox.models.test_e5 import runs_here

pytestmark = [pytest.mark.slow, runs_here]


def test_films_are_found_and_measured_with_a_reranker_around_every_way(
    cluster, embed, elastic, facts, name, movies, queries, tmp_path
):
    reranker = f"{name}-reranker"
    source = cluster.store(f"source-{name}", movies)
    embed(cluster, source, "plot")
    made = elastic(cluster, "endpoint-ensure", "--name", reranker, "--model-id", ".rerank-v1")
    assert "rerank by .rerank-v1; answers a score" in " ".join(made.out.split())
    writes = list(cluster.writes)
    asked = ("search", "--text", "flesh-eating bad guy", "--size", 5)
    (best, *_) = facts(cluster, *asked, "--how", "hybrid", "--rerank", reranker)["hits"]
    assert best["id"] == "the-silence-of-the-lambs"
    assert best["rerank_score"] > 1
    two = tmp_path / "two.jsonl"
    two.write_text("\n".join(queries.read_text().splitlines()[:2]))
    compared = facts(
        cluster, "compare", "--queries", two, "--how", "bm25", "--rerank", reranker, "--rerank-window", 10
    )
    assert set(compared["ways"]) == {"bm25", "bm25 reranked"}
    assert cluster.writes == writes
    refused = elastic(cluster, "search", "--name", name, "--text", "x", "--rerank", "gone", code=2)
    assert f"'gone' (from --rerank). Accepted: .rerank-v1-elasticsearch, {reranker}" in refused.error
    elastic(cluster, "endpoint-delete", "--name", reranker, "--yes")
    assert not cluster.client.inference.get(inference_id=f"{reranker}*")["endpoints"]
    elastic(cluster, "teardown", "--name", name, "--yes")
