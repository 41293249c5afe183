"""What every format is read as: a file of named datasets, each read slice by slice.

What is checked, converted and measured (tasks/vertex/data/vectors.py, columns.py) knows only these two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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


def shown(names: list[str]) -> list[str]:
    """The first names, and how many more there are."""
    more = len(names) - NAMES_SHOWN
    return [*names[:NAMES_SHOWN], f"and {more:,} more"] if more > 0 else names


def reason(error: Exception) -> str:
    """One line of what a library says, which may be long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
