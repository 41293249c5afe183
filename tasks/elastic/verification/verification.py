"""Whether an embedded index is right: complete, embedded, finding what it should, scoring as computed.

Each gate raises if it is not met. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from tasks.elastic.cluster.cluster import vectors_in_source
from tasks.elastic.cluster.inference import infer, input_field
from tasks.elastic.cluster.reindex_tasks import Failure
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.indices import count
from tasks.elastic.indices.passages import has_embedding, of_documents
from tasks.elastic.indices.pipelines import value_at
from tasks.elastic.reindex.repair import Unembedded, lacking, read_unembedded
from tasks.elastic.search.scores import is_same_score, score, strongest_of_each
from tasks.elastic.search.search import QueryKind, query_for, search
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import GateNotMet, InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.lines import filled_lines
from tasks.plurals import counted
from tasks.steps import step

_SHOWN = 3


class SampleQuery(BaseModel, frozen=True, extra="forbid"):
    """A query and what it must find."""

    query: str = Field(min_length=1)
    expected: tuple[str, ...] = Field(min_length=1)
    """Ids, each of which must be among the first hits."""
    within: int = Field(default=10, ge=1, le=10_000)
    """How many of the first hits count."""


@dataclass(frozen=True)
class Completeness:
    """What an index holds."""

    documents: int
    wanted: int
    unembedded: int
    accepted: int = 0
    """How many may be without an embedding."""


@dataclass(frozen=True)
class QueryReport:
    """How the sample queries went."""

    queries: int
    found: int
    """Queries that found everything expected."""
    milliseconds: float
    """Mean, as the cluster measured it."""


@dataclass(frozen=True)
class ScoreReport:
    """How recomputed scores compare."""

    compared: int
    largest_difference: float
    """Relative."""


class Incomplete(GateNotMet):
    """Documents are missing, or lack their embedding. If both, the missing ones are the gate."""

    def __init__(
        self, index: str, found: Completeness, listed: Sequence[Unembedded], refused: Sequence[Failure] = ()
    ) -> None:
        self.index, self.found, self.listed, self.refused = index, found, list(listed), list(refused)
        lacking = f"The first: {'; '.join(f'{u.id}: {u.reason}' for u in self.listed[:_SHOWN])}."
        too_many, facts = found.unembedded > found.accepted, {"completeness": asdict(found)}
        if found.documents == found.wanted:
            super().__init__(
                f"The number of documents of {index} without an embedding", measured=found.unembedded,
                wanted=f"at most {found.accepted}" if found.accepted else 0, remedy=lacking, facts=facts,
            )  # fmt: skip
            return
        said: list[str] = []
        if self.refused:
            first = "; ".join(map(str, self.refused[:_SHOWN]))
            said.append(f"It refused {len(self.refused):,}, the first: {first}. Correct them in the source.")
        if too_many:
            said.append(f"{counted(found.unembedded, 'document')} had no embedding. {lacking}")
        super().__init__(
            f"The number of documents of {index}", measured=found.documents, wanted=found.wanted, remedy=" ".join(said),
            facts=facts,
        )  # fmt: skip


class NotFoundBySearch(GateNotMet):
    """A sample query does not find what it should."""

    def __init__(self, index: str, *, missed: Sequence[str], asked: QueryReport) -> None:
        self.index, self.missed = index, list(missed)
        super().__init__(
            f"The number of sample queries that {index} fails",
            measured=f"{len(missed)} of {asked.queries}",
            wanted=0,
            remedy="; ".join(missed),
            facts={"queries": asdict(asked)},
        )


@step("verify that {index} is complete")
def verify_completeness(
    settings: ElasticSettings,
    index: str,
    fields: tuple[EmbeddedField, ...],
    *,
    wanted: int,
    accepted: int = 0,
    refused: Sequence[Failure] = (),
) -> Completeness:
    """Check that every document is there with its embeddings.

    Args:
        settings: the target.
        index: an index or alias.
        fields: what must be embedded.
        wanted: documents of the source.
        accepted: how many may lack their embedding; 0 unless somebody has agreed to more.
        refused: documents that the index refused, if known.

    Raises:
        Incomplete: with the first documents concerned and their reasons.
    """
    found = Completeness(
        documents=count(settings, index),
        wanted=wanted,
        unembedded=count(settings, index, lacking(fields)),
        accepted=accepted,
    )
    if found.documents != wanted or found.unembedded > accepted:
        listed = read_unembedded(settings, index, fields) if found.unembedded else ()
        raise Incomplete(index, found, listed, refused)
    return found


@step("verify what {index} finds")
def verify_queries(
    settings: ElasticSettings,
    index: str,
    field: EmbeddedField,
    model_id: str,
    queries: Path,
    *,
    kind: QueryKind = "sparse_vector",
    prefix: str = "",
) -> QueryReport:
    """Check that sample queries find what they should.

    Args:
        settings: the target.
        index: an index or alias.
        field: a text and its embedding.
        model_id: the deployment for search.
        queries: JSON lines `{"query", "expected": [ids], "within"}`.
        kind: the query.
        prefix: what belongs in front of a query's text.

    Raises:
        NotFoundBySearch: lists each query, what it missed and what it found instead.
        InvalidInput: the file cannot be used.
    """
    missed: list[str] = []
    asked = list(sample_queries(queries))
    milliseconds = 0
    for sample in asked:
        size = sample.within
        query = of_documents(field, query_for(prefix + sample.query, field.output, model_id, kind, size=size))
        answer = search(settings, index, query, size=size, hidden=field.made)
        milliseconds += answer.milliseconds
        ids = [hit.id for hit in answer.hits]
        if absent := [id_ for id_ in sample.expected if id_ not in ids]:
            missed.append(
                f"{sample.query!r} misses {', '.join(absent)} among its first {sample.within}, finds {', '.join(ids[:_SHOWN])}"
            )
    report = QueryReport(len(asked), len(asked) - len(missed), milliseconds / len(asked))
    if missed:
        raise NotFoundBySearch(index, missed=missed, asked=report)
    return report


@step("verify the scores of {index}")
def verify_scores(
    settings: ElasticSettings, index: str, field: EmbeddedField, model_id: str, *, size: int = 10
) -> ScoreReport:
    """Recompute the scores of the first hits from the stored embeddings and the query's own.

    The query is the text of one of the index's own documents, so something is found in any corpus.

    Args:
        settings: the target.
        index: an index or alias.
        field: a text field and its embeddings.
        model_id: the deployment for search.
        size: hits whose scores are recomputed, at most.

    Raises:
        GateNotMet: a score differs by more than float32's rounding, or no document has an embedding.
        InvalidInput: the embeddings cannot be read back.
    """
    tokens = infer(
        settings, model_id, [_own_text(settings, index, field)], name=input_field(settings, model_id)
    )
    query = {"sparse_vector": {"field": field.output, "query_vector": tokens[0].tokens, "prune": False}}
    with calling(f"search {index}"):
        found = connect(settings).search(
            index=index,
            query=of_documents(field, query),
            size=size,
            source={"includes": [field.output], **vectors_in_source(settings)},
        )
    hits: list[dict[str, Any]] = found["hits"]["hits"]
    largest = 0.0
    for hit in hits:
        stored = _stored(hit.get("_source") or {}, field)
        if not stored:
            raise InvalidInput(
                f"The embedding of document {hit['_id']} cannot be read back", value=field.output
            )
        computed = max(score(tokens[0].tokens, vector) for vector in stored)
        largest = max(largest, abs(hit["_score"] - computed) / max(abs(computed), 1.0))
        if not is_same_score(hit["_score"], computed):
            raise GateNotMet(
                f"The score of document {hit['_id']} by {field.output}", measured=hit["_score"], wanted=f"{computed:.6g}",
                remedy="The index holds a different embedding than it shows, or another model answers now.",
            )  # fmt: skip
    return ScoreReport(len(hits), largest)


def sample_queries(path: Path) -> Iterator[SampleQuery]:
    """The sample queries of a file.

    Raises:
        InvalidInput: names the line.
    """
    number = 0
    for number, line in filled_lines(path):
        try:
            yield SampleQuery.model_validate(rounded(line))
        except (NotExact, ValidationError) as error:
            why = f" ({error})" if isinstance(error, NotExact) else ""
            raise InvalidInput(
                f"Line {number} is not a query{why}", value=line.decode(errors="replace")[:80], source=str(path),
                accepted='{"query": "...", "expected": ["id", ...], "within": 10}',
            ) from error  # fmt: skip
    if not number:
        raise InvalidInput("There is no query in this file", value=str(path))


def _stored(source: dict[str, Any], field: EmbeddedField) -> list[dict[str, float]]:
    """The embeddings that a document has for a field: one, or one for each passage. Empty if there are none to read."""
    if field.passages is None:
        found = value_at(source, field.output)
        return [strongest_of_each(found)] if found else []
    inner: list[dict[str, Any]] = source.get(field.passages) or []
    return [strongest_of_each(each["embedding"]) for each in inner if each.get("embedding")]


def _own_text(settings: ElasticSettings, index: str, field: EmbeddedField) -> str:
    """The text of a document that has its embedding; of several texts in one field, the first."""
    with calling(f"read a document of {index}"):
        found = connect(settings).search(
            index=index, query=has_embedding(field), size=1, source={"includes": [field.text]}
        )
    for hit in found["hits"]["hits"]:
        return next(texts_at(hit["_source"], field.text))
    raise GateNotMet(
        f"The number of documents of {index} with {field.output}", measured=0, wanted="at least 1"
    )
