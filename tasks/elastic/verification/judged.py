"""How well each way of searching an embedded index ranks, by a file of judged queries. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.search.reranking import Reranking
from tasks.elastic.search.ways import How, read_hits_by
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.lines import filled_lines
from tasks.measures.judged import Quality, quality
from tasks.steps import step


class JudgedQuery(BaseModel, frozen=True, extra="forbid"):
    """A query and the documents that are relevant to it."""

    query: str = Field(min_length=1)
    relevant: dict[str, int] = {}
    """By id: 1 for relevant, more for better; 0 and absent are not relevant."""
    expected: tuple[str, ...] = ()
    """In place of `relevant`: the ids of relevant documents, as sample queries have them."""
    within: int = 10
    """Of sample queries; does not matter here."""

    @property
    def grades(self) -> dict[str, int]:
        """The grade of each judged document."""
        return self.relevant or dict.fromkeys(self.expected, 1)

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not any(grade > 0 for grade in self.grades.values()):
            raise ValueError("no document is relevant")
        return self


@dataclass(frozen=True)
class Judged:
    """One way of searching, measured."""

    how: How
    quality: Quality
    queries: int
    milliseconds: float
    """Mean time of a search, as the cluster measured it."""


def judged_queries(path: Path) -> Iterator[JudgedQuery]:
    """The judged queries of a file.

    Raises:
        InvalidInput: names the line; or there is none.
    """
    number = 0
    for number, line in filled_lines(path):
        try:
            yield JudgedQuery.model_validate(rounded(line))
        except (NotExact, ValidationError) as error:
            raise InvalidInput(
                f"Line {number} is not a judged query", value=line.decode(errors="replace")[:80], source=str(path),
                accepted='{"query": "...", "relevant": {"id": 2, "other id": 1}}, or {"query": "...", "expected": ["id", ...]}',
            ) from error  # fmt: skip
    if not number:
        raise InvalidInput("There is no query in this file", value=str(path))


@step("measure the way {how} of {index}")
def read_judged(
    settings: ElasticSettings,
    index: str,
    embedded: Embedded,
    field: EmbeddedField,
    how: How,
    queries: Path,
    *,
    cut: int = 10,
    reranking: Reranking | None = None,
) -> Judged:
    """Ask every judged query one way, on request reranked, and measure the rankings.

    Raises:
        InvalidInput: the file cannot be used, or the index does not have this way.
        NoMeasures: as `quality`.
    """
    judged: dict[str, dict[str, int]] = {}
    ranked: dict[str, list[str]] = {}
    milliseconds = 0
    for number, asked in enumerate(judged_queries(queries)):
        answer = read_hits_by.fn(
            settings, index, asked.query, embedded, field, how, size=cut, reranking=reranking
        )
        judged[str(number)] = asked.grades
        ranked[str(number)] = [hit.id for hit in answer.hits]
        milliseconds += answer.milliseconds
    return Judged(how, quality(judged, ranked, cut=cut), len(judged), milliseconds / len(judged))
