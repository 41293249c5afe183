"""Searches for near vectors: the `knn` query, and the nearest documents of a `knn` section or retriever.

A dense_vector field with more vectors than `num_candidates` is searched by a graph (vectors/graphs.py), unless its index type is a flat one or
a filter leaves some out: then, and in semantic_text fields, every vector is looked at.
The scores are those of VectorSimilarityFunction.java: (1 + cosine) / 2 and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, number
from sandbox.elastic.search.searcher import Array
from sandbox.elastic.search.vectors.graphs import CONNECTIONS, CONSTRUCTION
from sandbox.elastic.wire.exchange import whole

MOST_CANDIDATES = 10_000
_CANDIDATES = 1.5
"""`num_candidates` over `k`, where it is not given (KnnSearchBuilder.java)."""
COMMON = {
    "field",
    "query_vector",
    "query_vector_builder",
    "k",
    "num_candidates",
    "filter",
    "similarity",
    "boost",
    "_name",
}
_PARAMETERS = COMMON | {"rescore_vector"}


def read(where: str, body: Mapping[str, Any], *, requires_k: bool) -> None:
    """Check the parameters of a search for near vectors, without looking at an index.

    Raises:
        Refusal: naming the first that is wrong.
    """
    for parameter in body:
        if parameter not in _PARAMETERS:
            raise search_errors.NOT_SUPPORTED.refusal(query=where, parameter=parameter)
    if not isinstance(body.get("field"), str):
        raise search_errors.REQUIRED.refusal(query=where, what="a [field]")
    if ("query_vector" in body) == ("query_vector_builder" in body):
        raise search_errors.ONE_VECTOR.refusal()
    _check_counts(where, body, requires_k)


def _check_counts(where: str, body: Mapping[str, Any], required: bool) -> None:
    for name in ("k", "num_candidates"):
        if body.get(name) is None:
            if required:
                raise search_errors.REQUIRED.refusal(query=where, what=f"[{name}]")
        elif whole(name, body[name]) < 1:
            raise search_errors.KNN.refusal(problem=f"[{name}] must be greater than 0")
    candidates = body.get("num_candidates")
    if candidates is not None and whole("num_candidates", candidates) > MOST_CANDIDATES:
        raise search_errors.KNN.refusal(problem=f"[num_candidates] cannot exceed [{MOST_CANDIDATES}]")
    if candidates is not None and body.get("k") is not None and whole("k", body["k"]) > candidates:
        raise search_errors.KNN.refusal(problem="[num_candidates] cannot be less than [k]")


def near(context: Context, body: Mapping[str, Any], allowed: Array, boost: float) -> Matches:
    """Every allowed document that has a vector, with its score; those below `similarity` are left out.

    Raises:
        Refusal: the field holds no vectors, or the query's vector does not fit them.
    """
    path = body["field"]
    field = context.searcher.index.fields.get(path)
    if field is None:
        if context.is_checked_only:
            return context.none()
        raise search_errors.QUERY_SHARD.refusal(
            problem=f"field [{path}] does not exist in the mapping", metadata=context.searcher.index.metadata
        )
    similarity, kind = _measure(context, field)
    if similarity is None:  # a semantic_text field without a document: no model is known yet
        return context.none()
    vector = _vector(context, body, field)
    context.sought[path] = vector
    documents, matrix = context.searcher.vectors(path)
    if not len(documents):
        return context.none()
    if matrix.shape[1] != len(vector):
        raise search_errors.QUERY_DIMENSIONS.refusal(query=len(vector), index=matrix.shape[1])
    raw = measured(similarity, kind, np.array(vector, np.float32), matrix)
    scores = score(similarity, kind, raw, len(vector))
    if body.get("similarity") is not None:
        least = score(similarity, kind, np.array([_limit(similarity, body)], np.float32), len(vector))[0]
        scores = np.where(scores >= least, scores, np.float32(-1))
    if (
        rows := _approximate(context, body, field, similarity, np.array(vector, np.float32), allowed)
    ) is not None:
        chosen = np.zeros(len(documents), bool)
        chosen[rows] = True
        scores = np.where(chosen, scores, np.float32(-1))
    best = np.full(context.searcher.size, -1, np.float32)
    np.maximum.at(best, documents, scores)
    mask = (best >= 0) & allowed & context.searcher.alive
    boost *= boost_of("knn", body)
    return Matches(mask, np.where(mask, best * np.float32(boost), np.float32(0)))


def refuse_semantic(context: Context, path: str) -> None:
    """Refuse a knn query on a semantic_text field where the release has none.

    Raises:
        Refusal: naming the field.
    """
    field = context.searcher.index.fields.get(path)
    if field is not None and field.type == "semantic_text" and not context.release.newer_semantic_text:
        raise _no_vectors(context, path)


def _no_vectors(context: Context, path: str) -> Refusal:
    problem = f"[knn] queries are only supported on [dense_vector] fields, not on [{path}]"
    return search_errors.QUERY_SHARD.refusal(problem=problem, metadata=context.searcher.index.metadata)


def _approximate(
    context: Context, body: Mapping[str, Any], field: Field, similarity: str, query: Array, allowed: Array
) -> list[int] | None:
    """The rows that a graph finds for `num_candidates`; None where every row is looked at."""
    options = field.parameters.get("index_options") or {}
    documents, _ = context.searcher.vectors(field.path)
    k = whole("k", body.get("k") or context.size)
    candidates = whole("num_candidates", body.get("num_candidates") or round(_CANDIDATES * k))
    if (
        field.type != "dense_vector"
        or str(options.get("type", "")).endswith("flat")
        or candidates >= len(documents)
        or not allowed[documents].all()
    ):
        return None
    connections = int(options.get("m") or CONNECTIONS)
    construction = int(options.get("ef_construction") or CONSTRUCTION)
    graph = context.searcher.graph(field.path, similarity, connections, construction)
    return graph.nearest(query, candidates)


def measured(similarity: str, kind: str, query: Array, matrix: Array) -> Array:
    """The measure itself, for each row: a cosine, a dot product, or a squared distance."""
    if similarity == "l2_norm":
        return ((matrix - query) ** 2).sum(axis=1)
    dots = matrix @ query
    if similarity == "cosine":
        lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(query)
        return dots / np.where(lengths > 0, lengths, np.float32(1))
    del kind
    return dots


def score(similarity: str, kind: str, raw: Array, dims: int) -> Array:
    """The scores of measures, as float32; none is negative."""
    if similarity == "l2_norm":
        return (1 / (1 + raw)).astype(np.float32)
    if similarity == "max_inner_product":
        return np.where(raw < 0, 1 / (1 - np.minimum(raw, 0)), raw + 1).astype(np.float32)
    if similarity == "dot_product" and kind == "byte":
        return (0.5 + raw / (dims * 32768)).astype(np.float32)
    return np.maximum((1 + raw) / 2, 0).astype(np.float32)


def top(parts: Sequence[Matches], k: int) -> list[Matches]:
    """The k best documents over several indices; of equal ones the first."""
    scores = np.concatenate([part.scores[part.mask] for part in parts]) if parts else np.empty(0)
    chosen = np.zeros(len(scores), bool)
    chosen[np.argsort(-scores, kind="stable")[:k]] = True
    kept, start = [], 0
    for part in parts:
        count = int(part.mask.sum())
        mask = part.mask.copy()
        mask[part.mask] = chosen[start : start + count]
        start += count
        kept.append(Matches(mask, np.where(mask, part.scores, np.float32(0))))
    return kept


def _measure(context: Context, field: Field) -> tuple[str | None, str]:
    """The similarity and the element type of a field; no similarity as long as its model is not known."""
    if field.type == "dense_vector":
        if field.parameters.get("index") is False:
            problem = (
                f"to perform knn search on field [{field.path}], its mapping must have [index] set to [true]"
            )
            raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=context.searcher.index.metadata)
        return field.parameters.get("similarity", "cosine"), field.parameters.get("element_type", "float")
    settings = field.parameters.get("model_settings") if field.type == "semantic_text" else None
    if field.type == "semantic_text" and settings is None:
        return None, "float"
    if settings is None or settings["task_type"] != "text_embedding":
        raise _no_vectors(context, field.path)
    return settings["similarity"], settings["element_type"]


def _vector(context: Context, body: Mapping[str, Any], field: Field) -> Sequence[float]:
    if "query_vector" in body:
        given = body["query_vector"]
        if not isinstance(given, list):
            raise search_errors.BAD_VALUE.refusal(where="knn", parameter="query_vector", value=given)
        vector = [number("knn", "query_vector", each) for each in given]
        if field.parameters.get("element_type") == "byte" and any(
            each != int(each) or not -128 <= each <= 127 for each in vector
        ):
            problem = "element_type [byte] vectors only support integers between [-128, 127]"
            raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=context.searcher.index.metadata)
        return vector
    builder = body["query_vector_builder"]
    inner = builder.get("text_embedding") if isinstance(builder, Mapping) else None
    if not isinstance(inner, Mapping) or len(builder) > 1:
        raise search_errors.NOT_SUPPORTED.refusal(query="knn", parameter="query_vector_builder")
    own = field.parameters.get("search_inference_id") or field.parameters.get("inference_id")
    model = inner.get("model_id") or (own if field.type == "semantic_text" else None)
    if not model or not isinstance(inner.get("model_text"), str):
        missing = "model_text" if model else "model_id"
        raise search_errors.REQUIRED.refusal(query="text_embedding", what=f"[{missing}]")
    return context.vector(str(model), inner["model_text"])


def _limit(similarity: str, body: Mapping[str, Any]) -> float:
    limit = number("knn", "similarity", body["similarity"])
    return limit**2 if similarity == "l2_norm" else limit
