"""HDF5 files from strangers: only what the file itself holds is read, within bounded memory, and damage is an error of ours.

A name is followed link by link and no object is opened that nobody asked for, so that a link or a layout that leads to
another file is seen before anything is read through it, and thousands of other datasets cost nothing.
tasks/vertex/data/formats/storage.py checks what a dataset is made of, tasks/vertex/data/formats/heaps.py reads its strings.

Layouts and links: "HDF5 File Format Specification Version 3.0", IV.A.2.g (link message) and IV.A.2.i (layout message).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5l, h5o  # pyright: ignore[reportAttributeAccessIssue] -- compiled, without stubs
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.vertex.data.errors import (
    DataFileMissing,
    DatasetMissing,
    DataUnreadable,
    ExternalData,
    NotADataset,
    NotHdf5,
    TruncatedFile,
    UnreadableRows,
)
from tasks.vertex.data.formats.heaps import StringHeap
from tasks.vertex.data.formats.storage import Place, check_storage, open_with_cache
from tasks.vertex.data.formats.stored import ANY_ROWS, Names, reason
from tasks.vertex.data.sparse import SparseRows

SOFT_LINKS = 16
"""Soft links followed for one name: the library's own default (H5Pset_nlinks)."""
NESTED_FILES = 8
"""Files that virtual datasets may lead through, one after the other."""
NAMES_SHOWN = 20
"""Names of the file that an error lists."""


class Hdf5File:
    """An open file, read-only.

    Args:
        path: a local file.
        name: how errors call the file.
        allow_external: also read external storage, external links and virtual datasets. They name other files, any that
            this process may read.
        depth: how many files led to this one.

    Raises:
        DataFileMissing, DataUnreadable, NotHdf5, TruncatedFile.
    """

    kind = "HDF5"
    defaults = Names(vectors="train", ids="ids", queries="test", sparse="train", sparse_queries="test")
    most_rows = ANY_ROWS

    def __init__(self, path: Path, name: str, *, allow_external: bool = False, depth: int = 0) -> None:
        self.path, self.name, self.allow_external, self.depth = path, name, allow_external, depth
        refuse_unreadable(path, name)
        if not h5py.is_hdf5(path):
            raise NotHdf5(name)
        try:
            self._file: Any = h5py.File(path, "r")
        except Exception as error:
            raise TruncatedFile(name, reason=reason(error)) from error
        self._datasets: dict[str, StoredDataset] = {}

    def close(self) -> None:
        """Close the file; further reads fail."""
        self._datasets.clear()
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether the file has this name at all, whatever it leads to."""
        with self._opening(name):
            return _is_name(name) and bool(self._file.id.links.exists(name.encode()))

    def names(self) -> list[str]:
        """The first names in the root group; if there are more, the last entry says how many."""
        with self._opening("/"):
            shown = [str(name) for name in islice(self._file, NAMES_SHOWN)]
            more = len(self._file) - len(shown)
        return [*shown, f"and {more:,} more"] if more else shown

    def dataset(self, name: str) -> StoredDataset:
        """A dataset, opened once, seen to be written completely and readable within bounded memory.

        Raises:
            DatasetMissing, NotADataset, ExternalData, NeverWritten, TooLargeForMemory, DataUnreadable.
        """
        if name not in self._datasets:
            with self._opening(name):
                found = self._find(name)
                check_storage(self._place(), name, found)
                self._datasets[name] = StoredDataset(self, name, open_with_cache(found))
        return self._datasets[name]

    def has_sparse(self, name: str) -> bool:
        """Whether this is a group with the row pointers of a CSR matrix."""
        if not self.has(name.split("/", maxsplit=1)[0]):
            return False
        with self._opening(name):
            try:
                here = self._walk(name)
            except InvalidInput:
                return False
            return isinstance(here, h5py.h5g.GroupID) and bool(here.links.exists(b"indptr"))

    def sparse(self, name: str) -> SparseRows:
        """The rows of a group in CSR.

        Raises:
            InvalidInput: as `dataset`; WrongShape, WrongType, WrongRowCount, NotCsr.
        """
        return SparseRows(self, name)

    def _place(self) -> Place:
        return Place(self.name, self.path, self.allow_external, self._source_shape)

    def _source_shape(self, path: str, dataset: str) -> tuple[int, ...] | None:
        """The shape of a dataset that a virtual one takes values from, seen to be written as well."""
        if self.depth >= NESTED_FILES:
            how = f"it leads through more than {NESTED_FILES} files"
            raise ExternalData(self.name, dataset=dataset, how=how)
        beside = self.path.parent / path
        found = self.path if path == "." else beside if beside.exists() else Path(path)
        source = Hdf5File(found, f"{found}, for {self.name}", allow_external=True, depth=self.depth + 1)
        try:
            return source.dataset(dataset).shape
        finally:
            source.close()

    def _find(self, name: str) -> Any:
        """The low-level dataset of a name."""
        here = self._walk(name)
        if isinstance(here, h5py.h5d.DatasetID):
            return here
        found = "a named type"
        if isinstance(here, h5py.h5g.GroupID):
            is_csr = here.links.exists(b"indptr")
            found = "a group of sparse rows, which --sparse-from takes" if is_csr else "a group"
        raise NotADataset(self.name, name=name, found=found)

    def _walk(self, name: str) -> Any:
        """The low-level object of a name, each of its links seen before it is followed."""
        if not _is_name(name):
            raise DatasetMissing(self.name, dataset=name, present=self.names())
        root = here = self._file["/"].id
        parts, soft = _parts(name.encode()), 0
        while parts:
            if not isinstance(here, h5py.h5g.GroupID):
                raise NotADataset(self.name, name=name, found="a name inside of something that is no group")
            part = parts.pop(0)
            if not here.links.exists(part):
                if soft:
                    raise NotADataset(self.name, name=name, found="a soft link to what is not there")
                raise DatasetMissing(self.name, dataset=name, present=self.names())
            kind = here.links.get_info(part).type
            if kind == h5l.TYPE_SOFT:
                soft += 1
                if soft > SOFT_LINKS:
                    raise NotADataset(self.name, name=name, found="soft links in a circle")
                target = here.links.get_val(part)
                parts = _parts(target) + parts
                here = root if target.startswith(b"/") else here
                continue
            if kind != h5l.TYPE_HARD:
                self._refuse_external_link(name, here, part, kind)
            here = h5o.open(here, part)
        return here

    def _refuse_external_link(self, name: str, group: Any, part: bytes, kind: int) -> None:
        if kind != h5l.TYPE_EXTERNAL:
            raise NotADataset(self.name, name=name, found=f"a link of the unknown type {kind}")
        file, inside = (os.fsdecode(text) for text in group.links.get_val(part))
        if not self.allow_external:
            raise ExternalData(self.name, dataset=name, how=f"it links to {inside!r} in the file {file!r}")

    @contextmanager
    def _opening(self, name: str) -> Generator[None]:
        try:
            yield
        except InvalidInput:
            raise
        except (
            Exception
        ) as error:  # h5py raises whatever fits: RuntimeError, OSError, KeyError, ValueError, TypeError
            raise DataUnreadable(
                self.name, what=f"`{name}` of the data file", reason=reason(error)
            ) from error


class StoredDataset:
    """A dataset that may be read."""

    def __init__(self, file: Hdf5File, name: str, low: Any) -> None:
        self.name, self.file_name = name, file.name
        self._dataset: Any = h5py.Dataset(low)
        self.shape: tuple[int, ...] | None = self._dataset.shape
        self.dtype: np.dtype[Any] = self._dataset.dtype
        chunks = self._dataset.chunks
        self.chunk_rows: int = int(chunks[0]) if chunks else 1
        self._heap = StringHeap(file.path, file.name, low) if StringHeap.holds(low) else None

    @property
    def is_text(self) -> bool:
        """Whether it holds strings, of fixed or variable length."""
        return h5py.check_string_dtype(self.dtype) is not None

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded), as they are stored.

        Raises:
            UnreadableRows: the file is damaged there, or a filter is unknown.
        """
        with self._reading(start, stop):
            return self._dataset[start:stop]

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The strings of the rows start to stop (excluded), of a dataset that holds text.

        Raises:
            UnreadableRows: as above.
            TooLargeForMemory: they are too long to be read together.
        """
        with self._reading(start, stop):
            if self._heap is not None:
                return self._heap.strings(start, stop)
            return self._dataset[start:stop].tolist()

    @contextmanager
    def _reading(self, start: int, stop: int) -> Generator[None]:
        try:
            yield
        except InvalidInput:
            raise
        except Exception as error:
            raise UnreadableRows(
                self.file_name, dataset=self.name, first=start, last=stop - 1, reason=reason(error)
            ) from error


def refuse_unreadable(path: Path, name: str) -> None:
    """Refuse what is no ordinary file, or may not be read.

    Raises:
        DataFileMissing, DataUnreadable.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a device or a pipe has no end
            raise DataFileMissing(name)
        with path.open("rb") as file:
            file.read(1)  # some can be opened, but not read: /proc/self/mem, a bad block
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataFileMissing(name) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL, or what no file name can hold
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataUnreadable(name, what="the data file", reason=said) from error


def _is_name(name: str) -> bool:
    """Whether a link may have this name: not empty, no NUL, UTF-8."""
    try:
        return bool(name.encode()) and "\0" not in name
    except UnicodeEncodeError:
        return False


def _parts(name: bytes) -> list[bytes]:
    return [part for part in name.split(b"/") if part not in (b"", b".")]
