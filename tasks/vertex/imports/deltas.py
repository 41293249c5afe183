"""A delta: datapoints to add or overwrite, from a data file, and ids to delete. Imported, it changes a batch index in place.

Its files are those of any import, and under `delete/` a text file with one id a line ("Input data format and structure").
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.outcomes import Ensured
from tasks.plurals import counted
from tasks.settings import home
from tasks.steps import step
from tasks.vertex.data.content import DIGEST_BYTES
from tasks.vertex.data.import_files import ImportFile
from tasks.vertex.data.import_formats import Checked, ImportFormat
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.files import IdFile, read_id_file
from tasks.vertex.datapoints.vectors import parsed
from tasks.vertex.imports.downloads import fetch
from tasks.vertex.imports.import_data import (
    DataSource,
    ensure_local_import_files,
    local_folder,
    opened,
    read_validated,
)
from tasks.vertex.settings import VertexSettings

DELETIONS = "delete/ids-00000.txt"
"""The ids to delete, below the folder of the delta."""
_ROWS_AT_ONCE = 4096
SUSPECTS = 1000
"""Ids that seem to be in both files and are looked up: equal hashes of different ids are rarer than once in a lifetime."""


@dataclass(frozen=True, kw_only=True)
class DeltaSource:
    """Where a delta comes from: one of the two, or both."""

    data: DataSource | None = None
    """The datapoints to add or overwrite."""
    deletions: str | None = None
    """A file with one id a line: a local path or a gs:// address."""


@dataclass(frozen=True, kw_only=True)
class Delta:
    """A delta that was validated."""

    source: DeltaSource
    id: str
    """24 hexadecimal digits of the data, the rules and the ids: equal deltas, equal id, in every process."""
    data: ValidatedVectors | None
    deletions: IdFile | None

    @property
    def rows(self) -> int:
        """Datapoints to add or overwrite."""
        return 0 if self.data is None else self.data.rows

    @property
    def deleted(self) -> int:
        """Ids to delete."""
        return 0 if self.deletions is None else self.deletions.count

    def __str__(self) -> str:
        return f"{counted(self.rows, 'datapoint')} to write and {self.deleted:,} to delete"


@step("validate a delta of {name}")
def read_delta(settings: VertexSettings, name: str, source: DeltaSource, dimensions: int) -> Delta:
    """Check every row and every id, before anything is uploaded.

    Args:
        settings: the target.
        name: the index's.
        source: where the delta comes from.
        dimensions: the index's.

    Raises:
        InvalidInput: one of tasks/vertex/data/errors.py; other dimensions than the index's; data without ids; an id that no line of a
            deletions file can name, or that is to be written and deleted.
    """
    data = ids = None
    if source.data is not None:
        _refuse_without_ids(settings, source.data)
        data = read_validated.fn(settings, source.data)
        if data.dimensions and data.dimensions != dimensions:
            raise InvalidInput(
                f"The vectors have another number of dimensions than the index {name}",
                value=data.dimensions, source=data.name, accepted=str(dimensions),
            )  # fmt: skip
    if source.deletions is not None:
        ids = read_id_file.fn(_local(settings, source.deletions))
        _refuse_lines_of_other_ids(ids)
    if source.data is not None and ids is not None:
        _refuse_both(settings, source.data, ids)
    whole = hashlib.blake2b(b"" if data is None else data.content.encode(), digest_size=DIGEST_BYTES)
    for id_ in ids or ():
        whole.update(orjson.dumps(id_, option=orjson.OPT_APPEND_NEWLINE))
    return Delta(source=source, id=whole.hexdigest(), data=data, deletions=ids)


@step("write import files of {name}")
def ensure_local_delta_files(
    settings: VertexSettings, name: str, delta: Delta, import_format: ImportFormat
) -> Ensured[tuple[Path, tuple[ImportFile, ...]]]:
    """The import files of a delta in a local folder.

    Returns:
        The folder, and its files by their names below it.

    Raises:
        DataChanged: a source is no longer what was validated.
        NoRoom: the disk is too small for them.
    """
    files: tuple[ImportFile, ...] = ()
    folder = local_folder(settings, name, delta.id if delta.data is None else delta.data.content)
    if delta.source.data is not None and delta.data is not None:
        content = delta.data.content
        files = ensure_local_import_files.fn(settings, name, delta.source.data, content, import_format).there
    if delta.deletions is not None:
        files += (_write_deletions(folder, delta.deletions),)
    return Ensured((folder, files), "created")


@step("sample what is imported")
def read_samples(settings: VertexSettings, delta: Delta, most: int) -> tuple[list[Datapoint], list[str]]:
    """Some of the datapoints that a delta writes, and some of the ids that it deletes, evenly spaced, at most ``most`` of each."""
    datapoints = list[Datapoint]()
    if (source := delta.source.data) is not None:
        every = max(1, -(-delta.rows // most))
        with opened(settings, source) as file:
            for block in file.blocks(source.rules.columns):
                for row, record in enumerate(source.rules.records(block), start=block.first_row):
                    if row % every == 0:
                        datapoints.append(parsed(Datapoint, record, what="datapoint"))
    every = max(1, -(-delta.deleted // most))
    return datapoints, list(islice(delta.deletions or (), 0, None, every))


def _local(settings: VertexSettings, source: str) -> Path:
    if source.startswith("gs://"):
        return fetch(settings, source, home() / "downloads")
    return Path(source)


def _refuse_without_ids(settings: VertexSettings, source: DataSource) -> None:
    """Rows without ids would take their numbers for ids, and overwrite whatever datapoints have those."""
    with opened(settings, source) as file:
        if not file.has_ids:
            raise InvalidInput(
                "The data names no ids, so its rows would overwrite the datapoints 0, 1, 2 and so on", value=source.data, source="data",
                accepted="ids in the file, or named by ids_from",
                remedy="A build takes data without ids: it replaces all content.",
            )  # fmt: skip


def _refuse_lines_of_other_ids(ids: IdFile) -> None:
    for number, id_ in enumerate(ids, start=1):
        if id_ != id_.strip() or len(id_.splitlines()) != 1:
            raise InvalidInput(
                f"Id number {number} cannot be deleted by an import: its file has one id a line, and whether blanks at the ends of a "
                "line count is not documented",
                value=id_, source=str(ids.path), accepted="ids without line breaks, and without blanks at their ends",
                remedy="Replace all content by a build from data without it.",
            )  # fmt: skip


def _refuse_both(settings: VertexSettings, source: DataSource, ids: IdFile) -> None:
    """An id may not be in the data and in the deletions of one import; the service would refuse the import as a whole."""
    hashes = np.sort(np.fromiter((hash(id_) for id_ in ids), np.int64, ids.count))
    suspects = set(islice(_suspects(settings, source, hashes), SUSPECTS))
    both = next((id_ for id_ in ids if id_ in suspects), None) if suspects else None
    if both is not None:
        raise InvalidInput(
            "An id is to be written and to be deleted", value=both, source=f"{source.data} and {ids.path}",
            remedy="Take it out of one of the two: which of them would win is not documented.",
        )  # fmt: skip


def _suspects(settings: VertexSettings, source: DataSource, hashes: NDArray[np.int64]) -> Iterator[str]:
    with opened(settings, source) as file:
        for start in range(0, file.rows, _ROWS_AT_ONCE):
            names = file.ids(start, min(start + _ROWS_AT_ONCE, file.rows))
            own = np.fromiter(map(hash, names), np.int64, len(names))
            at = np.minimum(np.searchsorted(hashes, own), len(hashes) - 1)
            yield from (names[each] for each in np.flatnonzero(hashes[at] == own))


def _write_deletions(folder: Path, ids: IdFile) -> ImportFile:
    path = folder / DELETIONS
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(Checked(path.open("wb"))) as out:
        for id_ in ids:
            out.write(f"{id_}\n".encode())
    return ImportFile(
        name=DELETIONS,
        first_row=0,
        last_row=ids.count - 1,
        size=out.size,
        crc32c=base64.b64encode(out.crc.to_bytes(4, "big")).decode(),
    )
