"""Neighboring rows of a file as values: what is validated, named by its content, written as records and compared exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.columns import ColumnValues
from tasks.vertex.data.formats.json_lines import Attached
from tasks.vertex.data.sparse import SparseBlock


@dataclass(frozen=True, kw_only=True)
class Block:
    """Neighboring rows."""

    first_row: int
    ids: list[str]
    vectors: NDArray[np.float32]
    """(len(ids), dimensions), C-contiguous, finite; zeros where there is no dense vector."""
    columns: Mapping[str, ColumnValues] = field(default_factory=dict[str, ColumnValues])
    present: NDArray[np.bool_] | None = None
    """(len(ids),): which rows have a dense vector; None: all of them."""
    sparse: SparseBlock | None = None
    """The same rows of the sparse embeddings, if the file has any."""
    attached: Sequence[Attached] = ()
    """What each record has beside id and vectors, of a file of records; else nothing."""

    @property
    def without_vector(self) -> NDArray[np.intp]:
        """The numbers of rows with neither a dense vector nor a value of a sparse one."""
        if self.present is None:
            return np.empty(0, np.intp)
        has_values = np.zeros(len(self.ids), np.bool_) if self.sparse is None else self.sparse.lengths > 0
        return np.flatnonzero(~self.present & ~has_values) + self.first_row
