"""Passages found by their words, by their meaning, or by both, among those that a reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import How, KnowledgeBase
from tasks.answers.passages import Passage, fused
from tasks.elastic.passages.specs import PASSAGE, PUBLIC, chunk_of
from tasks.elastic.search.search import query_for, search
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.steps import step

DEPTH = 50
"""How deep the two rankings of a hybrid search are."""


@step("search {base.name} for {question!r}")
def read_passages(
    settings: ElasticSettings,
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
        base: where to search.
        question: in the reader's words.
        how: by words (BM25), by meaning (the deployed model), or both, fused by reciprocal rank.
        most: passages at most.
        readers: the names that the reader goes by. Without any, only passages for everybody are searched: others are left
            out by the query itself, so that no prompt can bring them back.

    Raises:
        InvalidInput: the knowledge base cannot be searched like this.
    """
    if how not in base.ways:
        raise InvalidInput(
            "This knowledge base has no embeddings", value=how, source="--how", accepted=", ".join(base.ways),
            remedy="Index it with --deployment to search by meaning.",
        )  # fmt: skip
    ways = ("text", "sparse") if how == "hybrid" else (how,)
    depth = max(DEPTH, most) if how == "hybrid" else most
    rankings = {way: _ranked(settings, base, question, way, depth, readers) for way in ways}
    return tuple(fused(rankings, most))


def _ranked(
    settings: ElasticSettings, base: KnowledgeBase, question: str, way: str, most: int, readers: Sequence[str]
) -> list[Chunk]:
    if way == "text":
        query: dict[str, Any] = {"match": {PASSAGE.input: question}}
    else:
        query = query_for(question, PASSAGE.output, base.search_model, "sparse_vector")
    found = search(settings, base.index, _allowed(query, readers), size=most, hidden=PASSAGE.output)
    return [chunk_of(hit.id, hit.source) for hit in found.hits]


def _allowed(query: dict[str, Any], readers: Sequence[str]) -> dict[str, Any]:
    """A query among what these readers may see. A passage is public only if it says so."""
    may: list[dict[str, Any]] = [{"term": {PUBLIC: True}}]
    if readers:
        may.append({"terms": {"readers": list(readers)}})
    return {"bool": {"must": [query], "filter": [{"bool": {"should": may, "minimum_should_match": 1}}]}}
