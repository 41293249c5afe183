"""Opens a file by what it holds, whatever it is called; only .fvecs and .bvecs, which have no magic number, by their name."""

from __future__ import annotations

import codecs
from importlib.util import find_spec
from pathlib import Path

import h5py

from tasks.exact_json import BLANK
from tasks.vertex.data.formats.arrays import NPY, VECS, ArrayFile
from tasks.vertex.data.formats.errors import PyarrowMissing, UnknownFormat
from tasks.vertex.data.formats.hdf5 import Hdf5File, refuse_unreadable
from tasks.vertex.data.formats.json_lines import JsonLinesFile
from tasks.vertex.data.formats.stored import DataFile

PARQUET, ARROW, STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
"""Magic numbers: the Parquet and Arrow formats' own, and the marker of a stream's first message."""
LOOK = 4096
"""Bytes of a file that are looked at; JSON lines may begin with blank ones."""


def open_data_file(path: Path, name: str, *, allow_external: bool = False) -> DataFile:
    """Open a local file.

    Args:
        path: the file.
        name: how errors call it.
        allow_external: of an HDF5 file, also read what it takes from other files.

    Raises:
        DataFileMissing, DataUnreadable: there is no file, or it may not be read.
        UnknownFormat, PyarrowMissing: nothing here reads it.
        InvalidInput: it is damaged.
    """
    refuse_unreadable(path, name)
    if h5py.is_hdf5(path):
        return Hdf5File(path, name, allow_external=allow_external)
    with path.open("rb") as file:
        start = file.read(LOOK)
    if start.startswith((PARQUET, ARROW, STREAM)):
        return _with_pyarrow(path, name, "Parquet" if start.startswith(PARQUET) else "Arrow")
    if start.startswith(NPY) or path.suffix in VECS:
        return ArrayFile(path, name)
    if start.removeprefix(codecs.BOM_UTF8).lstrip(BLANK).startswith(b"{"):
        return JsonLinesFile(path, name)
    raise UnknownFormat(name, found=repr(start[:16]) if start else "nothing, being empty")


def _with_pyarrow(path: Path, name: str, kind: str) -> DataFile:
    if find_spec("pyarrow") is None:
        raise PyarrowMissing(name, kind=kind)
    from tasks.vertex.data.formats.arrow_files import ArrowData, ParquetData  # noqa: PLC0415 -- pyarrow is an extra

    return (ParquetData if kind == "Parquet" else ArrowData)(path, name)


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, whose queries lie in the same file. What cannot be read is not."""
    try:
        return path.is_file() and h5py.is_hdf5(path)
    except OSError:
        return False
