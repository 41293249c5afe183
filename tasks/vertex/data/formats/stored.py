"""What every format is read as: a file of named datasets, each read slice by slice.

What is checked, converted and measured (tasks/vertex/data/vectors.py, columns.py) knows only these two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.vertex.data.formats.errors import NoSparse
from tasks.vertex.data.sparse import SparseSource

ANY_ROWS = 2**63 - 1
"""Rows that may be read together by a file that sets no limit itself."""
MOST_ROWS = 4096
MOST_BYTES = 8 * 2**20
"""Most rows, and most bytes of vectors, that a format without chunks of its own decodes at once."""
NAMES_SHOWN = 20
"""Names of a file that an error lists."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The datasets or columns that hold each part; None: what the format calls it."""

    vectors: str | None = None
    ids: str | None = None
    queries: str | None = None
    """A dataset of the same file in HDF5, another file elsewhere."""
    sparse: str | None = None
    """Sparse embeddings: in HDF5 a group of datasets."""
    sparse_queries: str | None = None
    """A group of the same HDF5 file; elsewhere the file of queries has them."""


class Stored(Protocol):
    """One dataset or column."""

    @property
    def name(self) -> str:
        """As the file calls it."""
        ...

    @property
    def shape(self) -> tuple[int, ...] | None:
        """(rows, dimensions) for vectors, (rows,) for a column; None for a dataset without a shape."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what ``rows`` returns."""
        ...

    @property
    def chunk_rows(self) -> int:
        """Rows that are stored, and therefore best read, together; 1 if any number will do."""
        ...

    @property
    def is_text(self) -> bool:
        """Whether it holds strings."""
        ...

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded). Integers and booleans that are missing are masked, other numbers NaN.

        Raises:
            InvalidInput: the file is damaged there, or a row is no vector.
        """
        ...

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The strings of the rows start to stop (excluded); b"" for one that is missing.

        Raises:
            InvalidInput: the file is damaged there, or they are too long to be read together.
        """
        ...


class DataFile(Protocol):
    """An open file."""

    @property
    def defaults(self) -> Names:
        """The names that the format uses."""
        ...

    @property
    def kind(self) -> str:
        """The format, for people: ``Parquet``."""
        ...

    @property
    def most_rows(self) -> int:
        """The most rows that may be read together, beside what the types of the datasets allow."""
        ...

    def close(self) -> None:
        """Close the file; further reads fail."""
        ...

    def has(self, name: str) -> bool:
        """Whether the file has this name at all, whatever it leads to."""
        ...

    def names(self) -> list[str]:
        """The first names of the file; if there are more, the last entry says how many."""
        ...

    def dataset(self, name: str) -> Stored:
        """A dataset that may be read.

        Raises:
            InvalidInput: there is none of that name, or it cannot be read.
        """
        ...

    def has_sparse(self, name: str) -> bool:
        """Whether sparse embeddings have this name."""
        ...

    def sparse(self, name: str) -> SparseSource:
        """The sparse embeddings of this name.

        Raises:
            InvalidInput: there are none of that name, they cannot be read, or the format has none.
        """
        ...


class DenseOnly:
    """What formats without sparse embeddings have in common."""

    name: str
    kind: str
    most_rows = ANY_ROWS

    def has_sparse(self, name: str) -> bool:  # noqa: ARG002 -- whatever the name
        """It holds none."""
        return False

    def sparse(self, name: str) -> SparseSource:
        """None.

        Raises:
            NoSparse: always.
        """
        raise NoSparse(self.name, kind=self.kind, asked=name)


def shown(names: list[str]) -> list[str]:
    """The first names, and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return [*names[:NAMES_SHOWN], f"and {more:,} more"] if more > 0 else names


def reason(error: Exception) -> str:
    """One line of what a library says, which may be long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
