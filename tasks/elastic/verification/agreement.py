"""Whether a new embedding finds what the one before it found: the same queries asked of both indices. Nothing is changed.

Another model ranks otherwise, so equal results are no goal. Two things are: what the old index finds of what it should, the new one
finds too, and their first hits have a part in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.passages import has_embedding, of_documents
from tasks.elastic.indices.previous import EmbeddingType
from tasks.elastic.search.search import query_for, search
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.elastic.verification.verification import SampleQuery, sample_queries
from tasks.errors import GateNotMet
from tasks.steps import step

OWN_TEXTS = 20
"""Documents whose own texts are the queries where no file has any."""
_CANDIDATES = 10
"""Of an approximate search among vectors, for each hit: `num_candidates` over `k`, more than its default of 1.5."""
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Previous:
    """An embedding that is to be replaced."""

    index: str
    text: str
    """The field whose text it is of."""
    field: str
    """The field that holds it: `ml.tokens`."""
    model_id: str
    """The deployment that embeds queries for it."""
    type: EmbeddingType = "sparse_vector"
    """Of that field."""
    passages: str | None = None
    """The nested field that it is in, as in `EmbeddedField`."""

    def query(self, text: str, size: int) -> dict[str, Any]:
        """The search for a text, as Elasticsearch spells it; of `rank_features` only `text_expansion` can search."""
        if self.type != "dense_vector":
            kind = "text_expansion" if self.type == "rank_features" else "sparse_vector"
            field = EmbeddedField(input=self.text, output=self.field, passages=self.passages)
            return of_documents(field, query_for(text, self.field, self.model_id, kind))
        builder = {"text_embedding": {"model_id": self.model_id, "model_text": text}}
        return {
            "knn": {
                "field": self.field,
                "query_vector_builder": builder,
                "k": size,
                "num_candidates": min(10_000, _CANDIDATES * size),
            }
        }


@dataclass(frozen=True)
class Agreement:
    """How the results of two indices compare."""

    queries: int
    shared: float
    """The part of the old index's first hits that are among the new one's, from 0 to 1: the mean over the queries."""
    found_before: int
    """Queries for which the old index finds all that is expected."""
    found: int
    """The same of the new index."""


@step("compare {index} with {previous.index}")
def verify_agreement(
    settings: ElasticSettings,
    index: str,
    field: EmbeddedField,
    model_id: str,
    previous: Previous,
    *,
    least: float,
    queries: Path | None = None,
) -> Agreement:
    """Ask both indices the same queries: those of a file, or the texts of documents, each of which should find its own.

    Args:
        settings: the target.
        index: the new one.
        field: a text and its new embedding.
        model_id: the deployment that embeds queries for the new one.
        previous: the embedding that is to be replaced.
        least: the part of the old first hits that must be among the new ones, from 0 to 1.
        queries: JSON lines of sample queries.

    Raises:
        GateNotMet: the new index finds less of what is expected than the old one, or shares less with it.
        InvalidInput: the file cannot be used.
    """
    asked = list(sample_queries(queries)) if queries else _own_texts(settings, index, field)
    shared: list[float] = []
    lost: list[str] = []
    found_before = found = 0
    for sample in asked:
        size = sample.within
        old = _ids(settings, previous.index, previous.query(sample.query, size), size, previous.field)
        new = _ids(
            settings,
            index,
            of_documents(field, query_for(sample.query, field.output, model_id, "sparse_vector")),
            size,
            field.made,
        )
        shared.append(len(set(old) & set(new)) / len(old) if old else 1.0)
        before, now = (set(sample.expected) <= set(ids) for ids in (old, new))
        found_before, found = found_before + before, found + now
        if before and not now:
            lost.append(f"{sample.query[:80]!r} finds {', '.join(new[:_SHOWN]) or 'nothing'}")
    agreement = Agreement(len(asked), sum(shared) / len(shared) if shared else 1.0, found_before, found)
    facts = {"agreement": asdict(agreement)}
    if found < found_before:
        raise GateNotMet(
            f"The number of queries for which {index} finds what it should", measured=found,
            wanted=f"at least {found_before}, as in {previous.index}", remedy="; ".join(lost[:_SHOWN]), facts=facts,
        )  # fmt: skip
    if agreement.shared < least:
        raise GateNotMet(
            f"The part of the first hits of {previous.index} that {index} finds too", measured=f"{agreement.shared:.2f}",
            wanted=f"at least {least:.2f}", remedy="If the new results are better, lower it with --least-shared.", facts=facts,
        )  # fmt: skip
    return agreement


def _ids(settings: ElasticSettings, index: str, query: dict[str, Any], size: int, hidden: str) -> list[str]:
    return [hit.id for hit in search(settings, index, query, size=size, hidden=hidden).hits]


def _own_texts(settings: ElasticSettings, index: str, field: EmbeddedField) -> Sequence[SampleQuery]:
    with calling(f"read documents of {index}"):
        found = connect(settings).search(
            index=index,
            query=has_embedding(field),
            size=OWN_TEXTS,
            source={"includes": [field.input]},
        )
    texts = ((hit["_id"], next(texts_at(hit["_source"], field.input), "")) for hit in found["hits"]["hits"])
    return [SampleQuery(query=text, expected=(id_,)) for id_, text in texts if text]
