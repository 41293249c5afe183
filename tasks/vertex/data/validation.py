"""Checks every row before anything is created or paid for: an import reports a bad record only after twenty minutes.

Nothing is changed, and no more than a block is in memory; hashes of the ids are in a temporary file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.plurals import counted, counted_each
from tasks.repeats import HashedIds
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.content import ContentHash
from tasks.vertex.data.errors import (
    SHOWN_ROWS,
    DuplicateId,
    EmptyId,
    NotFinite,
    OverflowsFloat32,
    WrongType,
)
from tasks.vertex.data.formats.errors import NoQueries, NoVector, RecordsHaveTheirOwn
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.vectors import VectorFile

OnProgress = Callable[[int, int], None]
"""``on_progress(done, total)`` in rows, after every block."""


@dataclass(frozen=True, kw_only=True)
class ValidatedVectors:
    """What the pass over a file found. Nothing was wrong, or it would not exist."""

    name: str
    """The file, as the user called it."""
    rows: int
    """Rows that will be loaded, after the limit."""
    dimensions: int
    """Of the dense vectors; 0 if there are none."""
    queries: int
    """Queries that came with it; 0 for none."""
    dense_rows: int
    """Rows with a dense vector."""
    sparse_rows: int = 0
    """Rows with a sparse embedding."""
    content: str
    """Short name of the data and the rules (tasks/vertex/data/content.py): equal data, equal name, in every process."""
    converted_from: str | None = None
    """The type that the vectors were converted to float32 from, if they were."""
    unused: tuple[str, ...] = ()
    """Datasets or columns of the file that nothing was made from."""

    @property
    def vectors(self) -> str:
        """How many there are: `300 vectors and 290 sparse vectors`."""
        return counted_each((self.dense_rows, "vector"), (self.sparse_rows, "sparse vector"))

    @property
    def size(self) -> str:
        """For people: `300 rows of 8 dimensions, 290 of them with a sparse embedding`."""
        rows = counted(self.rows, "row")
        dense = f"{rows} of {counted(self.dimensions, 'dimension')}" if self.dimensions else rows
        if not self.sparse_rows:
            return dense
        some = "all" if self.sparse_rows == self.rows else f"{self.sparse_rows:,} of them"
        return f"{dense}, {some} with a sparse embedding"


def validate_vectors(
    file: VectorFile,
    rules: DatapointRules | None = None,
    *,
    queries_needed: bool = False,
    on_progress: OnProgress | None = None,
) -> ValidatedVectors:
    """Read every row once and refuse the file if an index could not be built of it.

    Args:
        file: an open file; that it opened proves shape and type of the vectors.
        rules: how restricts and crowding tags are given; none by default.
        queries_needed: refuse a file without queries.
        on_progress: called after every block.

    Raises:
        InvalidInput: one of tasks/vertex/data/errors.py, naming rows, values and what to do.
    """
    rules = rules or DatapointRules()
    if file.has_records and rules != DatapointRules():
        raise RecordsHaveTheirOwn(file.name)
    queries = file.query_rows if file.has_queries or queries_needed else 0
    if queries_needed and not queries:
        raise NoQueries(file.name)
    if queries:
        file.asked().check()
    file.check_neighbors()
    _check_columns(file, rules)

    content = ContentHash(rules, dimensions=file.dimensions)
    ids = _Ids(file)
    bad, overflowing, without = _BadRows(), _BadRows(), _BadRows()
    dense_rows = sparse_rows = 0
    for block, dense in file.scan(rules.columns):
        if dense is not None:
            bad.add(dense.not_finite)
            overflowing.add(dense.overflowing)
        without.add(block.without_vector)
        dense_rows += len(block.ids) if block.present is None else int(block.present.sum())
        sparse_rows += 0 if block.sparse is None else int((block.sparse.lengths > 0).sum())
        ids.look_at(block)
        content.add(block)
        if on_progress:
            on_progress(block.first_row + len(block.ids), file.rows)
    dataset = str(file.vectors_name)
    if bad.total:
        raise NotFinite(file.name, dataset=dataset, rows=bad.first, total=bad.total)
    if overflowing.total:
        raise OverflowsFloat32(file.name, dataset=dataset, rows=overflowing.first, total=overflowing.total)
    if without.total:
        raise NoVector(file.name, rows=without.first, total=without.total)
    ids.refuse_duplicates()
    return ValidatedVectors(
        name=file.name,
        rows=file.rows,
        dimensions=file.dimensions,
        queries=queries,
        dense_rows=dense_rows,
        sparse_rows=sparse_rows,
        content=content.hexdigest(),
        converted_from=file.converted_from,
        unused=tuple(file.unused(rules.columns)),
    )


def _check_columns(file: VectorFile, rules: DatapointRules) -> None:
    for column in [file.column(name) for name in rules.columns]:
        if column.name == rules.crowding_column and column.kind in ("value_float", "value_double"):
            accepted = "strings, booleans or integers for a crowding tag"
            raise WrongType(file.name, dataset=column.name, dtype=column.kind, accepted=accepted)


class _BadRows:
    """The numbers of the first bad rows, and how many there are."""

    def __init__(self) -> None:
        self.first: list[int] = []
        self.total = 0

    def add(self, rows: NDArray[np.intp]) -> None:
        self.total += rows.size
        self.first.extend(rows[: SHOWN_ROWS - len(self.first)].tolist())


class _Ids:
    """Finds empty and repeated ids, with eight bytes of disk per row."""

    def __init__(self, file: VectorFile) -> None:
        self._file, self._hashed = file, HashedIds()

    def look_at(self, block: Block) -> None:
        if not self._file.has_ids:
            return
        if "" in block.ids:
            row = block.first_row + block.ids.index("")
            raise EmptyId(self._file.name, dataset=str(self._file.ids_name), row=row)
        for id_ in block.ids:
            self._hashed.add(id_)

    def refuse_duplicates(self) -> None:
        for repeat in self._hashed.repeats():
            row = repeat.number
            (id_,) = self._file.ids(row, row + 1)
            for before in repeat.before:
                if self._file.ids(before, before + 1) == [id_]:
                    raise DuplicateId(
                        self._file.name,
                        dataset=str(self._file.ids_name),
                        id=id_,
                        first_row=before,
                        second_row=row,
                    )
