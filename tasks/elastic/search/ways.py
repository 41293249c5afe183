"""The ways to search one embedded index: by tokens with weights, vectors, words, both together, or as the field decides.

Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.indices.passages import BEST, of_documents
from tasks.elastic.search.reranking import Reranking, reranked
from tasks.elastic.search.search import LEAST_CANDIDATES, Answer, answer_of, candidates, embedded_by
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import WORDS, EmbeddedField
from tasks.errors import InvalidInput
from tasks.steps import step

How = Literal["sparse", "dense", "bm25", "hybrid", "semantic"]


class NoSuchWay(InvalidInput):
    """An index does not have what a way of searching needs."""

    def __init__(self, embedded: Embedded, how: How, ways: Sequence[How]) -> None:
        self.embedded, self.how, self.ways = embedded, how, tuple(ways)
        super().__init__(
            f"The index {embedded.index} was embedded as {embedded.kind} by {embedded.search_deployment}, so it cannot be searched this way",
            value=how,
            source="--how",
            accepted=", ".join(ways),
            remedy="Embed its source another way under another name: `elastic embed --as`.",
        )


@step("search {index} the way {how} for {text!r}")
def read_hits_by(
    settings: ElasticSettings,
    index: str,
    text: str,
    embedded: Embedded,
    field: EmbeddedField,
    how: How,
    *,
    size: int = 10,
    reranking: Reranking | None = None,
) -> Answer:
    """What one way of searching finds.

    Args:
        settings: the target.
        index: an index or alias.
        text: what to search for.
        embedded: how the index was made.
        field: one of its fields.
        how: by which way.
        size: hits at most.
        reranking: what orders the first hits anew; None for nothing.

    Raises:
        NoSuchWay: the index was not embedded for this way; says which ways it has.
    """
    asked = body(text, embedded, field, how, size if reranking is None else reranking.window)
    if reranking is not None:
        asked = reranked(asked, text, field, reranking)
    hidden = [] if embedded.kind == "semantic-text" else [field.made]
    with calling(f"search {index}"):
        found: dict[str, Any] = (
            connect(settings).search(index=index, size=size, source={"excludes": hidden}, **asked).body
        )
    return answer_of(found)


def ways_of(embedded: Embedded) -> tuple[How, ...]:
    """The ways that an index can be searched, by how it was embedded."""
    return tuple(_WAYS[embedded.kind])


def body(text: str, embedded: Embedded, field: EmbeddedField, how: How, size: int) -> dict[str, Any]:
    """The part of a search's body that a way is, as Elasticsearch spells it.

    Raises:
        NoSuchWay: as `read_hits_by`.
    """
    ways = _WAYS[embedded.kind]
    if how not in ways:
        raise NoSuchWay(embedded, how, tuple(ways))
    return ways[how](text, embedded, field, size)


def _sparse(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    del size
    return {"query": of_documents(field, _tokens(text, embedded, field), shows_best=True)}


def _tokens(text: str, embedded: Embedded, field: EmbeddedField) -> dict[str, Any]:
    query = {"field": field.output, "inference_id": embedded.search_deployment, "query": text}
    return {"sparse_vector": query}


def _sparse_of_semantic(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    del embedded, size
    return {"query": {"sparse_vector": {"field": field.output, "query": text}}}


def _dense_of_semantic(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    del embedded
    builder = {"text_embedding": {"model_text": text}}
    return {
        "knn": {
            "field": field.output,
            "query_vector_builder": builder,
            "k": size,
            "num_candidates": candidates(size),
        }
    }


def _dense(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    knn = _nearest(text, embedded, field, size)
    if field.passages is not None:
        knn["inner_hits"] = {"name": BEST, "size": 1, "_source": [field.text]}
    return {"knn": knn}


def _nearest(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    asked = embedded_by(embedded.search_deployment, embedded.query_prefix + text)
    return {"field": field.output, "k": size, "num_candidates": candidates(size), **asked}


def _semantic(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    del embedded, size
    return {"query": {"semantic": {"field": field.output, "query": text}}}


def _words(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    del size
    own = embedded.kind == "semantic-text"
    return {"query": {"match": {f"{field.input}.{WORDS}" if own else field.input: text}}}


def _hybrid(text: str, embedded: Embedded, field: EmbeddedField, size: int) -> dict[str, Any]:
    """The ranks by words and by meaning, fused: neither's scores need to be comparable."""
    window = max(LEAST_CANDIDATES, size)
    if embedded.kind == "dense-vector":
        meaning = {"knn": _nearest(text, embedded, field, window)}
    elif embedded.kind == "semantic-text":
        meaning = {"standard": _semantic(text, embedded, field, size)}
    else:
        meaning = {"standard": {"query": of_documents(field, _tokens(text, embedded, field))}}
    parts = [{"standard": _words(text, embedded, field, size)}, meaning]
    return {"retriever": {"rrf": {"retrievers": parts, "rank_window_size": window}}}


_Way = Callable[[str, Embedded, EmbeddedField, int], dict[str, Any]]
_WAYS: dict[str, dict[How, _Way]] = {
    "sparse-vector": {"sparse": _sparse, "bm25": _words, "hybrid": _hybrid},
    "dense-vector": {"dense": _dense, "bm25": _words, "hybrid": _hybrid},
    "semantic-text": {
        "semantic": _semantic,
        "sparse": _sparse_of_semantic,
        "dense": _dense_of_semantic,
        "bm25": _words,
        "hybrid": _hybrid,
    },
}
