"""What can be wrong with a file of one of the formats beside what tasks/vertex/data/errors.py lists.

InvalidInput
+-- UnknownFormat, PyarrowMissing     the file as a whole
+-- WholeFileUnreadable, Pickled
+-- NoSparse, QueriesMissing, NoQueries  what is looked for in it
+-- NotAVector, NoVector, NotOneType, RecordsHaveTheirOwn  its rows
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.vertex.data.errors import listed_rows

FORMATS = "HDF5, Parquet, Arrow (Feather), JSON lines, NumPy (.npy), or .fvecs and .bvecs"


class UnknownFormat(InvalidInput):
    """A file of another kind."""

    def __init__(self, path: str, *, found: str) -> None:
        self.path, self.found = path, found
        super().__init__(
            f"This file has none of the formats that vectors are read from; it begins with {found}",
            value=path,
            accepted=FORMATS,
            remedy="The content decides, not the name. Unpack a compressed file; from a numpy array: `numpy.save(path, array)`.",
        )


class PyarrowMissing(InvalidInput):
    """Parquet and Arrow are read by an optional library."""

    def __init__(self, path: str, *, kind: str) -> None:
        self.path, self.kind = path, kind
        super().__init__(
            f"{kind} is read by pyarrow, which is not installed here",
            value=path,
            accepted="pyarrow 21 or newer beside vector-search-ops, also where the worker runs",
            remedy="pip install 'vector-search-ops[parquet]'",
        )


class WholeFileUnreadable(InvalidInput):
    """The beginning is that of a format, the rest is not."""

    def __init__(self, path: str, *, kind: str, reason: str) -> None:
        self.path, self.kind, self.reason = path, kind, reason
        super().__init__(
            f"The {kind} file cannot be opened; it is damaged or cut short ({reason})",
            value=path,
            accepted=f"a whole {kind} file",
            remedy="Copy or download it again and compare the sizes.",
        )


class Pickled(InvalidInput):
    """A .npy file of Python objects: reading it would run whatever code its writer put there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            "The NumPy file holds pickled Python objects; they are never loaded, because loading runs code from the file",
            value=path,
            accepted="an array of numbers, or of strings for ids",
            remedy="Save it with a type: `numpy.save(path, numpy.array(rows, dtype='float32'), allow_pickle=False)`.",
        )


class NoSparse(InvalidInput):
    """A format that sparse embeddings are not read from."""

    def __init__(self, path: str, *, kind: str, asked: str) -> None:
        self.path, self.kind, self.asked = path, kind, asked
        super().__init__(
            f"Sparse embeddings are not read from a {kind} file",
            value=asked,
            source=path,
            accepted="HDF5 with a group of `indptr`, `indices` and `data`, as scipy.sparse.csr_matrix has them, or JSON lines",
            remedy="Write them into such a file beside the dense vectors, or leave --sparse-from out.",
        )


class NoVector(InvalidInput):
    """Rows that no query could find."""

    def __init__(self, path: str, *, rows: Sequence[int], total: int) -> None:
        self.path, self.rows, self.total = path, tuple(rows), total
        super().__init__(
            f"Neither a dense vector nor a value of a sparse one in {counted(total, 'row')}: {listed_rows(rows, total)}",
            source=path,
            accepted="a dense vector, a sparse one with at least one value, or both, in every row",
            remedy="Remove the rows. Rows are counted from 0.",
        )


class RecordsHaveTheirOwn(InvalidInput):
    """Rules for restricts and crowding tags, for records that have them already."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            "The records of JSON lines say themselves what restricts and crowding tags they have",
            value=path,
            accepted="no --restrict-namespace, --restrict-columns, --crowding-tags and --crowding-column beside JSON lines",
            remedy="Write them into the records: `restricts`, `numeric_restricts` and `crowding_tag`.",
        )


class QueriesMissing(InvalidInput):
    """Queries are needed, and a file with one table has no place for them."""

    def __init__(self, path: str, *, kind: str) -> None:
        self.path, self.kind = path, kind
        super().__init__(
            f"There are no queries: a {kind} file holds the rows of an index only",
            value=path,
            accepted="queries in a file of their own, of any format, with vectors of the same dimensions",
            remedy="Name it with --queries-from (the parameter `queries_from`).",
        )


class NoQueries(InvalidInput):
    """Queries are needed, and what should hold them has no rows."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            "There are no queries to measure with: the dataset or file of queries has no rows",
            value=path,
            accepted="at least one query",
            remedy="Name others with --queries-from (the parameter `queries_from`).",
        )


class NotAVector(InvalidInput):
    """A row that does not hold what the first row holds."""

    def __init__(self, path: str, *, dataset: str, row: int, found: str, dimensions: int) -> None:
        self.path, self.dataset, self.row, self.found, self.dimensions = path, dataset, row, found, dimensions
        super().__init__(
            f"Row {row} of `{dataset}` is no vector of {dimensions} dimensions; it has {found}",
            source=path,
            accepted=f"{dimensions} numbers in every row, as in the first",
            remedy="Remove or recompute the row. Rows are counted from 0.",
        )


class NotOneType(InvalidInput):
    """A column whose values have several types, or one that no filter has."""

    def __init__(self, path: str, *, dataset: str, row: int, found: str, expected: str) -> None:
        self.path, self.dataset, self.row, self.found, self.expected = path, dataset, row, found, expected
        super().__init__(
            f"Row {row} of `{dataset}` is {found}, but the rows before are {expected}",
            source=path,
            accepted="strings, booleans or numbers, one of them in the whole column, or nothing (null)",
            remedy="Write the column again with one type. Rows are counted from 0.",
        )
