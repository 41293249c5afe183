"""From a vector file to a folder of import files in the bucket, each part a step that the timeline shows."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.outcomes import Ensured
from tasks.plurals import counted
from tasks.progress import Progress
from tasks.settings import home
from tasks.steps import step
from tasks.vertex.data.formats.stored import Names
from tasks.vertex.data.import_files import ImportFile, write_import_files
from tasks.vertex.data.import_formats import ImportFormat
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import ValidatedVectors, validate_vectors
from tasks.vertex.data.vectors import VectorFile, open_vectors
from tasks.vertex.datapoints.sparse import SparseVector
from tasks.vertex.imports.downloads import fetch
from tasks.vertex.settings import VertexSettings


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The rows to load, and what is attached to each."""

    data: str
    """A file of vectors in one of the formats of tasks/vertex/data/formats/: a local path or a gs:// address."""
    limit: int | None = None
    """Only the first N rows; None for all."""
    rules: DatapointRules = field(default_factory=DatapointRules)
    names: Names = field(default_factory=Names)
    """The datasets or columns that hold each part."""
    allow_external: bool = False
    """Also read values that the file names in other files."""


def opened(settings: VertexSettings, source: DataSource) -> AbstractContextManager[VectorFile]:
    """The vector file of a source, downloaded first if it lies in a bucket."""
    folder = home() / "downloads"
    return open_vectors(
        source.data,
        limit=source.limit,
        names=source.names,
        fetch=partial(fetch, settings),
        folder=folder,
        allow_external=source.allow_external,
    )


@step("validate {source.data}")
def read_validated(
    settings: VertexSettings, source: DataSource, *, queries_needed: bool = False
) -> ValidatedVectors:
    """Check every row once, before anything is created or paid for.

    Raises:
        InvalidInput: one of tasks/vertex/data/errors.py.
    """
    with Progress(f"validate {Path(source.data).name}") as progress:
        with opened(settings, source) as file:
            validated = validate_vectors(
                file, source.rules, queries_needed=queries_needed, on_progress=progress.count
            )
        progress.end(f"{validated.size}, nothing wrong")
    return validated


@step("write import files of {name}")
def ensure_local_import_files(
    settings: VertexSettings,
    name: str,
    source: DataSource,
    content: str,
    import_format: ImportFormat = "jsonl",
) -> Ensured[tuple[ImportFile, ...]]:
    """The import files of a validated source in a local folder of their own, `local_folder`.

    Raises:
        DataChanged: the source is no longer what was validated.
        NoRoom: the disk is too small for them.
        OutsideInt32: Avro import files cannot hold a number.
    """
    with Progress(f"write import files of {name}") as progress:
        with opened(settings, source) as file:
            files = write_import_files(
                file,
                source.rules,
                local_folder(settings, name, content),
                content=content,
                import_format=import_format,
                on_progress=progress.count,
            )
        progress.end(f"{counted(len(files), 'file')}, {sum(f.size for f in files):,} bytes")
    return Ensured(files, "created")


@step("read query row {row} of {source.data}")
def read_query_vectors(
    settings: VertexSettings, source: DataSource, row: int
) -> tuple[NDArray[np.float32] | None, SparseVector | None]:
    """The dense and the sparse vector of one of a file's queries, None for what it does not have.

    Raises:
        InvalidInput: there is no such row.
    """
    with opened(settings, source) as file:
        asked = file.asked()
        if row >= asked.rows:
            raise InvalidInput(
                "There is no such query row",
                value=row,
                source=f"the queries of {source.data}",
                accepted=f"0 to {asked.rows - 1}",
            )
        sparse = None
        if asked.sparse_rows:
            dimensions, values = asked.sparse(1, start=row).row(0)
            sparse = SparseVector(values=values, dimensions=dimensions) if values.size else None
        return asked.dense(1, start=row)[0] if asked.dense_rows else None, sparse


def local_folder(settings: VertexSettings, name: str, content: str) -> Path:
    """The folder of the import files of one content, until they are uploaded."""
    return _work(settings, name) / content


def forget_local_import_files(settings: VertexSettings, name: str) -> None:
    """Remove the local import files of a name: the bucket has them, or they are no longer needed."""
    shutil.rmtree(_work(settings, name), ignore_errors=True)


def _work(settings: VertexSettings, name: str) -> Path:
    # The same name in another project or region is another index, which may be built at the same time.
    return home() / "work" / settings.where / name
