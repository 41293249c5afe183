"""How many of the true neighbors an approximate kNN search finds, by `num_candidates`. Nothing is changed.

The truth comes from the cluster itself: `script_score` compares a query with every vector as it was stored, also where the index has quantized
them (reference, "Exact kNN"). Query texts are embedded once and before, so that a search's time is that of the search.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tasks.elastic.cluster.vectors import read_vector_model, read_vectors
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.indices.indices import read_index
from tasks.elastic.indices.passages import has_embedding, of_documents
from tasks.elastic.search.search import MOST_CANDIDATES, candidates
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import GateNotMet, InvalidInput
from tasks.measures.latency import latency_percentiles
from tasks.measures.nearest import ExactNeighbors
from tasks.measures.recall import recall_at_k
from tasks.steps import step

_SCRIPTS = {
    "cosine": "cosineSimilarity(params.query_vector, '{field}') + 1.0",
    "l2_norm": "1 / (1 + l2norm(params.query_vector, '{field}'))",
}
_INNER = "double value = dotProduct(params.query_vector, '{field}'); return value < 0 ? 1 / (1 - value) : value + 1;"
"""Of the other similarities: rises with the product, and is never negative, which a score must not be."""
FACT = "recall_by_candidates"
_CHARACTERS = 1_000
"""Of a document's text that are searched for: well within what a model reads."""
_DEPTH = 2
"""The exact neighbors that are read, for each that counts: rows as far as the last one that counts are hits too."""


@dataclass(frozen=True, kw_only=True)
class KnnRecall:
    """Approximate searches with one number of candidates, beside exact ones."""

    num_candidates: int
    k: int
    queries: int
    recall: float
    p50: float
    """Milliseconds of a search as the client sees it, without the inference."""
    p90: float

    def __str__(self) -> str:
        return f"recall@{self.k} {self.recall:.3f} against exact search; p50 {self.p50:.1f} ms, p90 {self.p90:.1f} ms"


@dataclass(frozen=True, kw_only=True)
class Exact:
    """The exact searches of the same queries."""

    p50: float
    p90: float

    def __str__(self) -> str:
        return f"every vector is compared; p50 {self.p50:.1f} ms, p90 {self.p90:.1f} ms"


@dataclass(frozen=True, kw_only=True)
class KnnReport:
    """Recall by candidates, fewest first."""

    measured: tuple[KnnRecall, ...]
    exact: Exact

    @property
    def facts(self) -> dict[str, Any]:
        """For a report, and its picture."""
        return {FACT: [asdict(one) for one in self.measured], "exact": asdict(self.exact)}


def tried_candidates(size: int) -> tuple[int, ...]:
    """Numbers of candidates that show how recall rises: from as many as hits to well beyond what `elastic search` asks for."""
    tried = {size, 2 * size, 5 * size, candidates(size), 5 * candidates(size)}
    return tuple(sorted(number for number in tried if size <= number <= MOST_CANDIDATES))


@step("measure the recall of kNN in {index}")
def verify_knn_recall(
    settings: ElasticSettings,
    index: str,
    embedded: Embedded,
    field: EmbeddedField,
    texts: Sequence[str],
    *,
    k: int = 10,
    tried: Sequence[int] = (),
    min_recall: float = 0.0,
) -> KnnReport:
    """Search for texts approximately and exactly, and compare.

    Args:
        settings: the target.
        index: an index or alias.
        embedded: how it was made: by dense vectors.
        field: a text and its vectors.
        texts: queries, without the prefix that the index says.
        k: neighbors of a query that count.
        tried: numbers of candidates, each from k to 10,000; what `elastic search` asks for is always among them.
        min_recall: to be reached with the candidates that `elastic search` asks for, 0 to 1.

    Raises:
        GateNotMet: it is not reached; with all that was measured.
        InvalidInput: a number of candidates is out of its limits.
    """
    for number in tried:
        if not k <= number <= MOST_CANDIDATES:
            raise InvalidInput(
                "A search cannot have this number of candidates",
                value=number,
                source="--num-candidates",
                accepted=f"{k} (the hits that count) to {MOST_CANDIDATES:,}",
            )
    model = read_vector_model.fn(settings, embedded.search_deployment)
    vectors = read_vectors.fn(settings, model, [embedded.query_prefix + text for text in texts], "search")
    source = _SCRIPTS.get(_similarity(settings, index, field), _INNER).format(field=field.output)
    exact = [_timed(settings, index, _exactly(field, source, vector), _DEPTH * k) for vector in vectors]
    truth = _truth([hits for hits, _ in exact])
    measured: list[KnnRecall] = []
    for number in sorted({*tried, candidates(k)}):
        found = [_timed(settings, index, _nearly(field, vector, k, number), k) for vector in vectors]
        times = latency_percentiles([seconds for _, seconds in found])
        measured.append(
            KnnRecall(
                num_candidates=number,
                k=k,
                queries=len(vectors),
                recall=recall_at_k([[id_ for id_, _ in hits] for hits, _ in found], truth, k),
                p50=times.p50 * 1000,
                p90=times.p90 * 1000,
            )
        )
    times = latency_percentiles([seconds for _, seconds in exact])
    report = KnnReport(measured=tuple(measured), exact=Exact(p50=times.p50 * 1000, p90=times.p90 * 1000))
    usual = next(one for one in measured if one.num_candidates == candidates(k))
    if usual.recall < min_recall:
        raise GateNotMet(
            f"The recall@{k} of kNN in {index} with num_candidates={usual.num_candidates}",
            measured=f"{usual.recall:.3f}",
            wanted=f"at least {min_recall:g}",
            remedy="More candidates find more; or build the graph with a larger m and ef_construction, or quantize less (--index-options).",
            facts=report.facts,
        )
    return report


@step("read texts of {index} to search for")
def read_own_texts(
    settings: ElasticSettings, index: str, field: EmbeddedField, most: int = 50
) -> tuple[str, ...]:
    """The texts of some documents, as queries where nobody has others.

    Raises:
        GateNotMet: no document has an embedding.
    """
    with calling(f"read documents of {index}"):
        found = connect(settings).search(
            index=index, query=has_embedding(field), size=most, source={"includes": [field.text]}
        )
    texts = tuple(text for hit in found["hits"]["hits"] if (text := _first(hit["_source"], field)))
    if not texts:
        raise GateNotMet(
            f"The number of documents of {index} with {field.output}", measured=0, wanted="at least 1"
        )
    return texts


def _first(source: dict[str, Any], field: EmbeddedField) -> str:
    return next(iter(texts_at(source, field.text)), "")[:_CHARACTERS]


def _similarity(settings: ElasticSettings, index: str, field: EmbeddedField) -> str:
    there = read_index.fn(settings, index)
    place: Any = {"properties": there.properties if there else {}}
    for part in field.output.split("."):
        place = (place.get("properties") or {}).get(part) or {}
    return str(place.get("similarity", "cosine"))


def _exactly(field: EmbeddedField, source: str, vector: list[float]) -> dict[str, Any]:
    script = {"source": source, "params": {"query_vector": vector}}
    scored = {"script_score": {"query": {"exists": {"field": field.output}}, "script": script}}
    return {"query": of_documents(field, scored)}


def _nearly(field: EmbeddedField, vector: list[float], k: int, number: int) -> dict[str, Any]:
    return {"knn": {"field": field.output, "query_vector": vector, "k": k, "num_candidates": number}}


def _timed(
    settings: ElasticSettings, index: str, body: dict[str, Any], size: int
) -> tuple[list[tuple[str, float]], float]:
    """The ids and scores that a search finds, and its seconds."""
    client = connect(settings)
    began = time.perf_counter()
    with calling(f"search {index}"):
        found = client.search(index=index, size=size, source=False, **body)
    seconds = time.perf_counter() - began
    return [(hit["_id"], hit["_score"]) for hit in found["hits"]["hits"]], seconds


def _truth(answers: Sequence[Sequence[tuple[str, float]]]) -> ExactNeighbors:
    """Exact answers as neighbors; a larger score is a smaller distance."""
    most = max(map(len, answers))
    distances = np.full((len(answers), most), np.inf)
    for row, hits in enumerate(answers):
        distances[row, : len(hits)] = [-score for _, score in hits]
    rows = np.full(distances.shape, -1, np.int64)
    return ExactNeighbors(rows=rows, distances=distances, ids=[[id_ for id_, _ in hits] for hits in answers])
