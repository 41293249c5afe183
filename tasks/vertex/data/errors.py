"""What can be wrong with a file of vectors, one class per mistake, each found before anything is created or paid for.

    InvalidInput
    +-- DataFileMissing, DataFileElsewhere, NotHdf5, TruncatedFile                      the file
    +-- DataUnreadable, UnreadableRows, TooLargeForMemory, NeverWritten, ExternalData   what it holds
    +-- DataChanged                                                                     the file, meanwhile
    +-- DatasetMissing, NotADataset, WrongShape, WrongType, WrongDimensions, WrongRowCount  its datasets
    +-- NotFinite, OverflowsFloat32, OutsideInt64, EmptyId, DuplicateId, NotText        its values
    +-- LimitBelowOne, TooManyImportFiles, NoRoom                                       what was asked for

Whoever raises an error passes the facts; row numbers count from 0, as the default ids do.
"""

from collections.abc import Sequence

from tasks.errors import InvalidInput
from tasks.plurals import counted

SHOWN_ROWS = 10
"""How many bad rows an error names; it counts them all."""


def listed_rows(rows: Sequence[int], total: int) -> str:
    """Row 7 | rows 7 and 9 | rows 7, 8, 9 and 40 more."""
    shown = [str(row) for row in rows]
    if total > len(shown):
        return f"rows {', '.join(shown)} and {total - len(shown):,} more"
    return f"row {shown[0]}" if total == 1 else f"rows {', '.join(shown[:-1])} and {shown[-1]}"


class DataFileMissing(InvalidInput):
    """There is no file at that place."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            "There is no data file",
            value=path,
            accepted="a file of vectors (HDF5, Parquet, Arrow, JSON lines, NumPy), as a local path or gs://bucket/object",
            remedy="Check the spelling; a relative path starts at the folder that the command runs in.",
        )


class DataFileElsewhere(InvalidInput):
    """A gs:// address where nothing can download it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        super().__init__(
            "This step reads local files only",
            value=uri,
            accepted="a local path",
            remedy="Download the object first, or call open_vectors with fetch and folder.",
        )


class NotHdf5(InvalidInput):
    """A file of another kind."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            "This is not an HDF5 file",
            value=path,
            accepted="HDF5 in the ann-benchmarks layout: a dataset `train` of shape (rows, dimensions)",
            remedy="From a numpy array: h5py.File(path, 'w').create_dataset('train', data=array).",
        )


class TruncatedFile(InvalidInput):
    """An HDF5 file that ends too early, or that the library cannot open."""

    def __init__(self, path: str, *, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"The HDF5 file cannot be opened; it is probably cut short ({reason})",
            value=path,
            accepted="a whole HDF5 file",
            remedy="Copy or download it again and compare the sizes.",
        )


class UnreadableRows(InvalidInput):
    """The file opens, but part of a dataset cannot be read."""

    def __init__(self, path: str, *, dataset: str, first: int, last: int, reason: str) -> None:
        self.path, self.dataset, self.first, self.last, self.reason = path, dataset, first, last, reason
        super().__init__(
            f"Rows {first} to {last} of the dataset `{dataset}` cannot be read ({reason})",
            source=path,
            accepted="an undamaged file, compressed in a way that is known here",
            remedy="Copy or download it again. `h5ls -v` shows the filters of an HDF5 file.",
        )


class DataUnreadable(InvalidInput):
    """The file, or something in it, cannot be opened."""

    def __init__(self, path: str, *, what: str, reason: str) -> None:
        self.path, self.what_failed, self.reason = path, what, reason
        super().__init__(
            f"Cannot read {what} ({reason})",
            value=path,
            accepted="an undamaged file that you may read",
            remedy="Check its name and its permissions; if it is damaged, copy or download it again.",
        )


class ExternalData(InvalidInput):
    """Values that lie in other files, which may be any file that this process can read."""

    def __init__(self, path: str, *, dataset: str, how: str) -> None:
        self.path, self.dataset, self.how = path, dataset, how
        super().__init__(
            f"The dataset `{dataset}` is not stored in the file: {how}",
            source=path,
            accepted="datasets whose values lie in the file itself",
            remedy="Copy the values into one file (h5py: `copy.create_dataset(name, data=file[name][:])`), or, if you trust the "
            "file with everything that you may read, set --allow-external-data (the parameter `allow_external_data`).",
        )


class NeverWritten(InvalidInput):
    """Values that nobody stored, and that would read as fill values."""

    def __init__(self, path: str, *, dataset: str, found: str, expected: str) -> None:
        self.path, self.dataset, self.found = path, dataset, found
        super().__init__(
            f"The dataset `{dataset}` was not written completely: {found} stored",
            source=path,
            accepted=f"a complete dataset ({expected}); what is missing would be indexed as fill values",
            remedy="Whatever wrote the file was probably interrupted: write it again, or cut it to the rows that are there.",
        )


class TooLargeForMemory(InvalidInput):
    """Something that can only be read whole, and is too large for that."""

    def __init__(self, path: str, *, what: str, size: int, most: int) -> None:
        self.path, self.what_is_large, self.size, self.most = path, what, size, most
        super().__init__(
            f"{what} is too large to be read into memory",
            value=f"{size:,} bytes",
            source=path,
            accepted=f"up to {most:,} bytes",
            remedy="Write it again in smaller parts; for HDF5: `h5repack -l train:CHUNK=1000xDIMENSIONS old.hdf5 new.hdf5`.",
        )


class NotADataset(InvalidInput):
    """A name that leads to something else than a dataset; it is not taken as absent."""

    def __init__(self, path: str, *, name: str, found: str) -> None:
        self.path, self.name, self.found = path, name, found
        super().__init__(
            f"`{name}` is no dataset; it is {found}",
            source=path,
            accepted="a dataset of that name, or no such name at all",
            remedy="Write the dataset, or remove the name (h5py: `del file[name]`).",
        )


class DatasetMissing(InvalidInput):
    """A dataset that is needed is not in the file."""

    def __init__(self, path: str, *, dataset: str, present: Sequence[str]) -> None:
        self.path, self.dataset, self.present = path, dataset, tuple(present)
        there = (
            ", ".join(name if name.startswith("and ") else f"`{name}`" for name in present) or "none at all"
        )
        super().__init__(
            f"The file has no dataset `{dataset}`; it has: {there}",
            source=path,
            accepted=f"a file with exactly one dataset or column of that name, `{dataset}`",
            remedy="Name the right one with --vectors-from, --ids-from, --queries-from or --sparse-from, or correct the parameter that "
            "names it.",
        )


class WrongShape(InvalidInput):
    """A dataset of another rank, or without rows or columns."""

    def __init__(self, path: str, *, dataset: str, shape: Sequence[int] | None, accepted: str) -> None:
        self.path, self.dataset, self.shape = path, dataset, shape
        super().__init__(
            f"The dataset `{dataset}` has the wrong shape",
            value="no shape (empty)" if shape is None else tuple(shape),
            source=path,
            accepted=accepted,
            remedy="Write the dataset again with that shape.",
        )


class WrongType(InvalidInput):
    """A dataset whose values are of another kind."""

    def __init__(self, path: str, *, dataset: str, dtype: str, accepted: str) -> None:
        self.path, self.dataset, self.dtype = path, dataset, dtype
        super().__init__(
            f"The dataset `{dataset}` has the wrong type",
            value=dtype,
            source=path,
            accepted=accepted,
            remedy="Convert it when you write the file; nothing is converted silently.",
        )


class WrongDimensions(InvalidInput):
    """Vectors of another length than the other side has."""

    def __init__(self, path: str, *, dataset: str, dimensions: int, expected: int, expected_by: str) -> None:
        self.path, self.dataset, self.dimensions, self.expected = path, dataset, dimensions, expected
        super().__init__(
            f"The vectors of `{dataset}` have {dimensions} dimensions, but {expected_by} has {expected}",
            source=path,
            accepted=f"{expected} dimensions",
            remedy="Use vectors of the same model on both sides, or an index with this many dimensions.",
        )


class WrongRowCount(InvalidInput):
    """A dataset that should go along with the vectors row by row, and does not."""

    def __init__(self, path: str, *, dataset: str, rows: int, expected: int, of: str = "vector") -> None:
        self.path, self.dataset, self.rows, self.expected = path, dataset, rows, expected
        super().__init__(
            f"The dataset `{dataset}` has {counted(rows, 'row')}, but there are {counted(expected, of)}",
            source=path,
            accepted=f"exactly one for each {of}",
            remedy="Write both datasets again from the same source.",
        )


class NotFinite(InvalidInput):
    """NaN or infinity, which a JSON file cannot hold and no distance is defined for."""

    def __init__(
        self, path: str, *, dataset: str, rows: Sequence[int], total: int, nan_is_fine: bool = False
    ) -> None:
        self.path, self.dataset, self.rows, self.total = path, dataset, tuple(rows), total
        found, accepted = (
            ("Infinity", "finite numbers, and NaN for no value")
            if nan_is_fine
            else ("NaN or infinity", "finite numbers")
        )
        super().__init__(
            f"{found} in {total:,} row{'s' * (total != 1)} of `{dataset}`: {listed_rows(rows, total)}",
            source=path,
            accepted=accepted,
            remedy="Remove or recompute those rows.",
        )


class OverflowsFloat32(InvalidInput):
    """A float64 value that no float32 can hold."""

    def __init__(self, path: str, *, dataset: str, rows: Sequence[int], total: int) -> None:
        self.path, self.dataset, self.rows, self.total = path, dataset, tuple(rows), total
        super().__init__(
            f"Too large for float32, in {total:,} row{'s' * (total != 1)} of `{dataset}`: {listed_rows(rows, total)}",
            source=path,
            accepted="magnitudes up to 3.4028235e38, since the index stores float32",
            remedy="Scale the vectors.",
        )


class OutsideInt64(InvalidInput):
    """An unsigned number that a numeric restrict cannot hold."""

    def __init__(self, path: str, *, dataset: str, row: int, number: int) -> None:
        self.path, self.dataset, self.row, self.number = path, dataset, row, number
        super().__init__(
            f"Row {row} of `{dataset}` is too large for a numeric restrict",
            value=number,
            source=path,
            accepted=f"integers up to {2**63 - 1}",
            remedy="Store the column as strings to filter by equality.",
        )


class NotText(InvalidInput):
    """Bytes that are not UTF-8."""

    def __init__(self, path: str, *, dataset: str, row: int, raw: bytes) -> None:
        self.path, self.dataset, self.row, self.raw = path, dataset, row, raw
        super().__init__(
            f"Row {row} of `{dataset}` is not text",
            value=raw,
            source=path,
            accepted="UTF-8",
            remedy="Write the strings as UTF-8; with h5py: dtype=h5py.string_dtype().",
        )


class EmptyId(InvalidInput):
    """A row without a name."""

    def __init__(self, path: str, *, dataset: str, row: int) -> None:
        self.path, self.dataset, self.row = path, dataset, row
        super().__init__(
            f"Row {row} of `{dataset}` is an empty id",
            source=path,
            accepted="a string of at least one character, or an integer",
            remedy="Give the row an id, or leave the dataset out to number the rows.",
        )


class DuplicateId(InvalidInput):
    """Two rows of one name, of which the index would keep either."""

    def __init__(self, path: str, *, dataset: str, id: str, first_row: int, second_row: int) -> None:  # noqa: A002
        self.path, self.dataset, self.id = path, dataset, id
        self.first_row, self.second_row = first_row, second_row
        super().__init__(
            f"Rows {first_row} and {second_row} of `{dataset}` have the same id",
            value=id,
            source=path,
            accepted="ids that occur once",
            remedy="Rename or remove one of the two.",
        )


class DataChanged(InvalidInput):
    """A file that another hand wrote between its validation and its second reading."""

    def __init__(self, path: str, *, validated: str, written: str) -> None:
        self.path, self.validated, self.written = path, validated, written
        super().__init__(
            f"The data changed after it was validated as content {validated}; it is now {written}, and nothing was "
            "uploaded",
            source=path,
            accepted="a file that does not change while a build reads it",
            remedy="Run it again when the file is complete.",
        )


class LimitBelowOne(InvalidInput):
    """A limit that leaves nothing to do."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            "The limit leaves no rows",
            value=limit,
            source="limit",
            accepted="1 or more, or no limit for every row",
            remedy="To remove an index, use teardown.",
        )


class NoRoom(InvalidInput):
    """The disk may be too small for the import files of a build."""

    def __init__(self, folder: str, *, wanted: int, free: int) -> None:
        self.folder, self.wanted, self.free = folder, wanted, free
        super().__init__(
            f"There is not enough disk space for the import files: {free:,} bytes are free, up to {wanted:,} are needed",
            value=folder,
            source="VECTOR_SEARCH_HOME",
            accepted="a folder on a disk with that much space",
            remedy="Free some space, or set VECTOR_SEARCH_HOME to such a folder. The files are removed after the upload.",
        )


class TooManyImportFiles(InvalidInput):
    """More files than one import may have."""

    def __init__(self, *, shard_bytes: int, most: int) -> None:
        self.shard_bytes, self.most = shard_bytes, most
        super().__init__(
            f"The import would have more than {most:,} files of up to {shard_bytes:,} bytes",
            accepted=f"rows that fit into {most:,} files, the limit of the service for one import",
            remedy="Load fewer rows (limit), or split them into several indexes.",
        )
