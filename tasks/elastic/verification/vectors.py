"""Whether dense vectors are those of the model that answers now, and whether documents are found by their own texts.

A few texts are embedded again and compared with what is stored, because a kNN search of a quantized index scores by what it has
kept of a vector, which says nothing exact about it. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.elastic.cluster.cluster import vectors_in_source
from tasks.elastic.cluster.vectors import read_vector_model, read_vectors
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.indices.passages import has_embedding
from tasks.elastic.indices.pipelines import value_at
from tasks.elastic.search.ways import read_hits_by
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import GateNotMet
from tasks.plurals import counted
from tasks.steps import step

LEAST_COSINE = 0.98
"""Between a stored vector and the same text embedded again. Services outside the cluster do not repeat their numbers exactly; two models
that are not the same one are far apart."""
WITHIN = 10
"""A document must be among this many hits of its own text; others may be as near."""
_DOCUMENTS = 3


@dataclass(frozen=True)
class VectorReport:
    """How stored vectors compare with the model's, and what they find."""

    compared: int
    """Vectors."""
    least_cosine: float
    found: int
    """Documents that were searched for by their own texts, and found."""

    def __str__(self) -> str:
        return (
            f"{counted(self.compared, 'vector')} embedded again, cosine {self.least_cosine:.4f} at least; "
            f"{counted(self.found, 'document')} found by their own text"
        )


@step("verify the vectors of {index}")
def verify_vectors(
    settings: ElasticSettings, index: str, embedded: Embedded, field: EmbeddedField
) -> VectorReport:
    """Embed the texts of a few documents again, compare, and search for the documents by their texts.

    Args:
        settings: the target.
        index: an index or alias.
        embedded: how it was made.
        field: a text and its vectors.

    Raises:
        GateNotMet: a stored vector is not that of its text by the model that answers now, or a document is not found.
    """
    documents = _documents(settings, index, field)
    model = read_vector_model.fn(settings, embedded.deployment)
    pairs = [
        (id_, text, vector) for id_, source in documents for text, vector in _texts_and_vectors(source, field)
    ]
    texts = [embedded.document_prefix + text for _, text, _ in pairs]
    again = read_vectors.fn(settings, model, texts, "ingest")
    least = 1.0
    for (id_, _, stored), new in zip(pairs, again, strict=True):
        cosine = _cosine(stored, new)
        least = min(least, cosine)
        if cosine < LEAST_COSINE:
            raise GateNotMet(
                f"The cosine between the vector of document {id_} in {field.output} and its text embedded again",
                measured=f"{cosine:.3f}", wanted=f"at least {LEAST_COSINE}",
                remedy=f"{embedded.deployment} has another model now than the one that embedded the documents, or reads texts with another prefix.",
            )  # fmt: skip
    for id_, source in documents:
        _verify_found(settings, index, embedded, field, id_, source)
    return VectorReport(len(pairs), least, len(documents))


def _verify_found(
    settings: ElasticSettings,
    index: str,
    embedded: Embedded,
    field: EmbeddedField,
    id_: str,
    source: dict[str, Any],
) -> None:
    text = next(text for text, _ in _texts_and_vectors(source, field))
    hits = read_hits_by.fn(settings, index, text, embedded, field, "dense", size=WITHIN).hits
    if not any(hit.id == id_ or text in texts_at(hit.source, field.text) for hit in hits):
        raise GateNotMet(
            f"The rank of document {id_} among the hits of its own text by {field.output}",
            measured=f"none of {len(hits)}",
            wanted=f"at most {WITHIN}",
            remedy="Raise the index's m and ef_construction (--index-options), or quantize less.",
        )


def _documents(
    settings: ElasticSettings, index: str, field: EmbeddedField
) -> list[tuple[str, dict[str, Any]]]:
    with calling(f"read documents of {index}"):
        found = connect(settings).search(
            index=index,
            query=has_embedding(field),
            size=_DOCUMENTS,
            source={"includes": [field.text, field.output], **vectors_in_source(settings)},
        )
    hits = [(hit["_id"], hit["_source"]) for hit in found["hits"]["hits"]]
    if not hits:
        raise GateNotMet(
            f"The number of documents of {index} with {field.output}", measured=0, wanted="at least 1"
        )
    return hits


def _texts_and_vectors(source: dict[str, Any], field: EmbeddedField) -> Iterator[tuple[str, list[float]]]:
    if field.passages is None:
        yield next(texts_at(source, field.text)), value_at(source, field.output)
        return
    for passage in source[field.passages]:
        yield passage["text"], passage["embedding"]


def _cosine(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        return 0.0
    a, b = np.array(one, np.float64), np.array(other, np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
