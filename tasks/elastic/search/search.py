"""Searches by meaning: the query's text is expanded by the deployed model, results come back as values.

`sparse_vector` and the older `text_expansion` rank alike, except that in indices created by 8.19, 9.1 or later the former skips
query tokens that carry little meaning. Nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tasks.elastic.cluster.cluster import VECTORS_HIDDEN_SINCE, release_of
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.steps import step

SparseQuery = Literal["sparse_vector", "text_expansion"]
QueryKind = SparseQuery | Literal["semantic"]


@dataclass(frozen=True)
class Hit:
    """One document found."""

    id: str
    score: float
    source: dict[str, Any]
    """Without its embeddings."""


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
    field: str,
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
        field: the field that holds the embeddings.
        model_id: the deployment that expands the text, preferably one for search.
        size: hits at most.
        kind: the query. `text_expansion` has been deprecated since 8.15, and still works.

    Raises:
        NotFound: the index or the model does not exist.
        BadRequest: the field does not hold sparse vectors.
    """
    return search(settings, index, query_for(text, field, model_id, kind), size=size, hidden=field)


def query_for(text: str, field: str, model_id: str, kind: QueryKind) -> dict[str, Any]:
    """The query, as Elasticsearch spells it."""
    if kind == "semantic":
        return {"semantic": {"field": field, "query": text}}
    if kind == "sparse_vector":
        return {"sparse_vector": {"field": field, "inference_id": model_id, "query": text}}
    return {"text_expansion": {field: {"model_id": model_id, "model_text": text}}}


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


def vectors_in_source(settings: ElasticSettings) -> dict[str, Any]:
    """The `_source` filter that brings embeddings along: from 9.2 on they must be requested."""
    with calling("read the version"):
        version: str = connect(settings).info()["version"]["number"]
    return {"exclude_vectors": False} if release_of(version) >= VECTORS_HIDDEN_SINCE else {}


def answer_of(found: dict[str, Any]) -> Answer:
    """A search response as a value."""
    hits = found["hits"]
    return Answer(
        hits=tuple(Hit(hit["_id"], hit["_score"] or 0.0, hit.get("_source") or {}) for hit in hits["hits"]),
        total=hits.get("total", {}).get("value", len(hits["hits"])),
        milliseconds=found["took"],
    )
