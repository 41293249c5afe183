"""What clients ask, checked: from a Question as it was sent to a Query that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sandbox.vertex import errors
from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import sparse_problem
from sandbox.vertex.data.query import DEFAULT_NEIGHBORS, Query
from sandbox.vertex.data.restricts import OPERATORS, Number, Tokens
from sandbox.vertex.data.sparse import SparseVector
from sandbox.vertex.data.vectors import Vectors


@dataclass(frozen=True)
class Question:
    """A client's query, not checked yet."""

    vector: Vectors
    """Empty for none."""
    sparse: SparseVector
    """Empty for none."""
    alpha: float | None = None
    """rrf.alpha; None when no ranking is given."""
    datapoint_id: str = ""
    """Query by id: used when there is neither vector."""
    neighbors: int = 0
    per_tag: int = 0
    approximate: int = 0
    leaf_fraction: float = 0.0
    tokens: Sequence[Tokens] = field(default_factory=tuple)
    numbers: Sequence[Number] = field(default_factory=tuple)


def checked(corpus: Corpus, question: Question, deployed_index_id: str) -> Query:
    """The query that a question states.

    Raises:
        Refusal: it is invalid, or asks by the id of an unknown datapoint.
    """
    _check_numbers(question)
    for number in question.numbers:
        _check_restrict(number)
    dense, sparse = _counting(question.alpha, *_parts(corpus, question, deployed_index_id))
    return Query(
        vector=dense,
        sparse=sparse,
        alpha=1.0 if question.alpha is None else question.alpha,
        neighbors=question.neighbors or DEFAULT_NEIGHBORS,
        per_tag=question.per_tag,
        approximate=question.approximate,
        leaf_fraction=question.leaf_fraction,
        tokens=question.tokens,
        numbers=question.numbers,
    )


def _parts(
    corpus: Corpus, question: Question, deployed_index_id: str
) -> tuple[Vectors | None, SparseVector | None]:
    """The vectors to search by: those of the question, or else those of the datapoint that it names."""
    vector, sparse = question.vector, question.sparse
    if not len(vector) and not sparse.values and not sparse.dimensions and question.datapoint_id:
        row = corpus.row_of.get(question.datapoint_id)
        if row is None:
            raise errors.DATAPOINT_NOT_FOUND.refusal(id=question.datapoint_id, deployed=deployed_index_id)
        return corpus.vectors[row] if corpus.dense[row] else None, corpus.sparse_vector(row)
    if problem := sparse_problem(sparse.dimensions, sparse.values):
        raise errors.INVALID_QUERY.refusal(problem=problem)
    if not len(vector) and sparse.values:
        return None, sparse
    if len(vector) != corpus.config.dimensions:
        raise errors.DIMENSIONS.refusal(
            what="the query", given=len(vector), expected=corpus.config.dimensions
        )
    if not np.isfinite(vector).all():
        raise errors.INVALID_QUERY.refusal(problem="the vector holds NaN or infinity.")
    return vector, sparse if sparse.values else None


def _counting(
    alpha: float | None, dense: Vectors | None, sparse: SparseVector | None
) -> tuple[Vectors | None, SparseVector | None]:
    """The parts that count: without alpha or with 1 the dense one, with 0 the sparse one ("About hybrid search").

    A query with one part is ranked by it; an alpha that would let nothing count is refused, since the answer would be
    empty.
    """
    if alpha is not None and not 0 <= alpha <= 1:
        raise errors.INVALID_QUERY.refusal(problem=f"rrf.alpha must be between 0 and 1, not {alpha}.")
    if dense is not None and sparse is not None:
        return None if alpha == 0 else dense, None if alpha in (None, 1) else sparse
    if (dense is not None and alpha == 0) or (sparse is not None and alpha == 1):
        kind = "sparse" if alpha == 0 else "dense"
        problem = f"with rrf.alpha {alpha:.0f} only the {kind} embedding counts, and there is none."
        raise errors.INVALID_QUERY.refusal(problem=problem)
    return dense, sparse


def _check_numbers(question: Question) -> None:
    if min(question.neighbors, question.per_tag, question.approximate) < 0:
        raise errors.INVALID_QUERY.refusal(problem="neighbor counts must not be negative.")
    if not 0 <= question.leaf_fraction <= 1:
        raise errors.INVALID_QUERY.refusal(
            problem="the fraction of leaves to search must be between 0 and 1."
        )


def _check_restrict(number: Number) -> None:
    if number.op not in OPERATORS:
        raise errors.INVALID_QUERY.refusal(
            problem=f"the numeric restrict on {number.namespace!r} has no operator."
        )
    if not number.kind:
        raise errors.INVALID_QUERY.refusal(
            problem=f"the numeric restrict on {number.namespace!r} has no value."
        )
