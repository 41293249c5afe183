"""Searches by meaning: the query's text is expanded by the deployed model, results come back as values.

`sparse_vector` and the older `text_expansion` rank alike, except that in indices created by 8.19, 9.1 or later the former skips
query tokens that carry little meaning. Nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.passages import BEST, of_documents
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.steps import step

SparseQuery = Literal["sparse_vector", "text_expansion"]
QueryKind = SparseQuery | Literal["semantic", "knn"]

CANDIDATES = 10
"""Candidates of an approximate search for each hit that is wanted; more raise recall and latency. The service's default is 1.5."""
LEAST_CANDIDATES, MOST_CANDIDATES = 100, 10_000
"""Elasticsearch refuses more than 10,000."""


@dataclass(frozen=True)
class Hit:
    """One document found."""

    id: str
    score: float
    source: dict[str, Any]
    """Without its embeddings."""
    passage: str = ""
    """The passage that scored best, of a field that is embedded in passages and a search that asks for it."""


@dataclass(frozen=True)
class Answer:
    """What a search found."""

    hits: tuple[Hit, ...]
    """Best first."""
    total: int
    """Documents that share a token with the query; exact up to 10,000."""
    milliseconds: int
    """As the cluster measured it."""


@step("search {index} for {text!r}")
def read_hits(
    settings: ElasticSettings,
    index: str,
    text: str,
    field: EmbeddedField,
    model_id: str,
    *,
    size: int = 10,
    kind: QueryKind = "sparse_vector",
) -> Answer:
    """The documents nearest in meaning to a text.

    Args:
        settings: the target.
        index: an index or alias.
        text: what to search for.
        field: a text and its embedding. In passages, each hit carries its best one.
        model_id: the deployment that expands the text, preferably one for search.
        size: hits at most.
        kind: the query. `text_expansion` has been deprecated since 8.15, and still works.

    Raises:
        NotFound: the index or the model does not exist.
        BadRequest: the field does not hold sparse vectors.
    """
    query = of_documents(field, query_for(text, field.output, model_id, kind), shows_best=True)
    return search(settings, index, query, size=size, hidden=field.made)


def query_for(text: str, field: str, model_id: str, kind: QueryKind, *, size: int = 10) -> dict[str, Any]:
    """The query, as Elasticsearch spells it.

    Args:
        text: what to search for, with the prefix that its model wants, if the cluster does not put it there.
        field: with the embeddings.
        model_id: the deployment or inference endpoint that embeds the text.
        kind: the query.
        size: hits that are wanted; only `knn` asks for a number of them.
    """
    if kind == "knn":
        return {"knn": {"field": field, "num_candidates": candidates(size), **embedded_by(model_id, text)}}
    if kind == "semantic":
        return {"semantic": {"field": field, "query": text}}
    if kind == "sparse_vector":
        return {"sparse_vector": {"field": field, "inference_id": model_id, "query": text}}
    return {"text_expansion": {field: {"model_id": model_id, "model_text": text}}}


def embedded_by(model_id: str, text: str) -> dict[str, Any]:
    """The part of a `knn` search that has its vector made by a model."""
    return {"query_vector_builder": {"text_embedding": {"model_id": model_id, "model_text": text}}}


def candidates(size: int) -> int:
    """`num_candidates` for N hits, where nobody says otherwise."""
    return max(size, min(MOST_CANDIDATES, max(LEAST_CANDIDATES, CANDIDATES * size)))


def search(
    settings: ElasticSettings, index: str, query: dict[str, Any], *, size: int, hidden: str | None
) -> Answer:
    """What any query finds.

    Args:
        settings: the target.
        index: an index or alias.
        query: as Elasticsearch spells it.
        size: hits at most.
        hidden: a field that is left out of the sources: the embeddings; None for none.
    """
    with calling(f"search {index}"):
        found: dict[str, Any] = (
            connect(settings)
            .search(index=index, query=query, size=size, source={"excludes": [hidden] if hidden else []})
            .body
        )
    return answer_of(found)


def answer_of(found: dict[str, Any]) -> Answer:
    """A search response as a value."""
    hits = found["hits"]
    return Answer(
        hits=tuple(
            Hit(hit["_id"], hit["_score"] or 0.0, hit.get("_source") or {}, _best_passage(hit))
            for hit in hits["hits"]
        ),
        total=hits.get("total", {}).get("value", len(hits["hits"])),
        milliseconds=found["took"],
    )


def _best_passage(hit: dict[str, Any]) -> str:
    found: list[dict[str, Any]] = (hit.get("inner_hits") or {}).get(BEST, {}).get("hits", {}).get("hits", [])
    return str((found[0].get("_source") or {}).get("text", "")) if found else ""
