"""Passages found by their words, by their meaning, or by both, among those that a reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import How, KnowledgeBase, refuse_other_model, refuse_unknown_way
from tasks.answers.passages import Passage, fused
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.passages.specs import PASSAGE, PUBLIC, VECTOR, chunk_of
from tasks.elastic.search.search import query_for
from tasks.elastic.settings import ElasticSettings
from tasks.models.embeddings import embed_texts
from tasks.models.settings import ModelSettings
from tasks.steps import step

DEPTH = 50
"""How deep the rankings of a hybrid search are."""
CANDIDATES, MOST_CANDIDATES = 100, 10_000
"""Vectors that each shard looks at, and the most that Elasticsearch allows."""


@step("search {base.name} for {question!r}")
def read_passages(
    settings: ElasticSettings,
    models: ModelSettings,
    base: KnowledgeBase,
    question: str,
    *,
    how: How,
    most: int,
    readers: Sequence[str] = (),
) -> tuple[Passage, ...]:
    """The passages that a question finds, best first.

    Args:
        settings: the target.
        models: where the model is that embeds questions for a dense search.
        base: where to search.
        question: in the reader's words.
        how: by words (BM25), by meaning (sparse or dense), or by all that the index has, fused by reciprocal rank.
        most: passages at most.
        readers: the names that the reader goes by. Without any, only passages for everybody are searched: others are left
            out by the query itself, so that no prompt can bring them back.

    Raises:
        InvalidInput: the knowledge base cannot be searched like this, or another model embedded it.
        Exception: as `tasks.models.errors.calling`, for a dense search.
    """
    refuse_unknown_way(base, how)
    ways = base.single_ways if how == "hybrid" else (how,)
    depth = max(DEPTH, most) if how == "hybrid" else most
    allowed = _allowed(readers)
    rankings: dict[str, list[Chunk]] = {}
    for way in ways:
        if way == "dense":
            rankings[way] = _nearest(settings, models, base, question, depth, allowed)
        else:
            rankings[way] = _matching(settings, base, question, way, depth, allowed)
    return tuple(fused(rankings, most))


def _matching(
    settings: ElasticSettings,
    base: KnowledgeBase,
    question: str,
    way: How,
    most: int,
    allowed: dict[str, Any],
) -> list[Chunk]:
    if way == "text":
        query: dict[str, Any] = {"match": {PASSAGE.input: question}}
    else:
        query = query_for(question, PASSAGE.output, base.search_model, "sparse_vector")
    return _found(settings, base, {"query": {"bool": {"must": [query], "filter": [allowed]}}}, most)


def _nearest(
    settings: ElasticSettings,
    models: ModelSettings,
    base: KnowledgeBase,
    question: str,
    most: int,
    allowed: dict[str, Any],
) -> list[Chunk]:
    refuse_other_model(base, models)
    vector = embed_texts(models, [question], "query").vectors[0].tolist()
    candidates = min(MOST_CANDIDATES, max(CANDIDATES, 2 * most))
    near = {
        "field": VECTOR,
        "query_vector": vector,
        "k": most,
        "num_candidates": candidates,
        "filter": [allowed],
    }
    return _found(settings, base, {"knn": near}, most)


def _found(settings: ElasticSettings, base: KnowledgeBase, body: dict[str, Any], most: int) -> list[Chunk]:
    hidden = {"excludes": [PASSAGE.output, PASSAGE.input, VECTOR]}
    with calling(f"search {base.index}"):
        found = connect(settings).search(index=base.index, size=most, source=hidden, **body)
    return [chunk_of(hit["_id"], hit["_source"]) for hit in found["hits"]["hits"]]


def _allowed(readers: Sequence[str]) -> dict[str, Any]:
    """The filter for what these readers may see. A passage is public only if it says so."""
    may: list[dict[str, Any]] = [{"term": {PUBLIC: True}}]
    if readers:
        may.append({"terms": {"readers": list(readers)}})
    return {"bool": {"should": may, "minimum_should_match": 1}}
