"""Strings of variable length, read from the file's global heaps by ourselves.

The library takes the length of every string from the file, allocates all strings of a read together, and loops for ever
over a heap object of size 0 (seen with HDF5 2.0.0): half a megabyte of file took two gigabytes of memory. So only the
references are read through it (16 bytes per string, of any layout and filter), the strings here.

Formats: "HDF5 File Format Specification Version 3.0", III.E (global heap) and VIII.C (references to it).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5i  # pyright: ignore[reportAttributeAccessIssue] -- compiled, without a stub
from numpy.typing import NDArray

from tasks.vertex.data.errors import TooLargeForMemory

MOST_TEXT = 32 * 2**20
"""Most bytes of strings read together, and of one heap: a block of 65,536 rows has 512 for each."""
_REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("object", "<u4")])
_OBJECT = np.dtype([("index", "<u2"), ("count", "<u2"), ("reserved", "<u4"), ("size", "<u8")])
_HEADER = 16
"""Bytes before the first object of a heap: `GCOL`, version, reserved, size."""


class StringHeap:
    """The strings of one dataset of variable-length strings, of shape (rows,), stored in the file itself.

    Args:
        path: the file.
        file: how errors call it.
        low: the dataset, opened by h5py's low-level interface.
    """

    def __init__(self, path: Path, file: str, low: Any) -> None:
        self._path, self._file, self._low = path, file, low
        self._chunk_rows = _chunk_rows(low)
        creation: Any = h5i.get_file_id(low).get_create_plist()
        if creation.get_sizes() != (8, 8):
            raise ValueError(f"addresses and sizes of {creation.get_sizes()} bytes; usual are 8")
        self._base: int = creation.get_userblock()
        self._at, self._heap = -1, dict[int, bytes]()
        self._start, self._references = 0, np.empty(0, _REFERENCE)
        self._unfiltered: dict[int, _Unfiltered] = {}

    @staticmethod
    def holds(low: Any) -> bool:
        """Whether a dataset is one of these; what other files hold, if allowed, is left to the library."""
        properties, kind = low.get_create_plist(), low.get_type()
        stored_here = properties.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
        is_text = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
        return is_text and low.rank == 1 and stored_here and not properties.get_external_count()

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The strings of the rows start to stop (excluded).

        Raises:
            ValueError, OSError: the file is damaged.
            TooLargeForMemory: together they have more than 32 MiB.
        """
        with self._path.open("rb") as raw:
            references = self._references_of(raw.fileno(), start, stop)
            total = int(references["length"].sum(dtype=np.uint64))
            if total > MOST_TEXT:
                raise TooLargeForMemory(
                    self._file, what=f"The strings of rows {start} to {stop - 1} together", size=total, most=MOST_TEXT
                )  # fmt: skip
            return [self._string(raw.fileno(), *reference) for reference in references.tolist()]

    def _string(self, descriptor: int, length: int, heap: int, index: int) -> bytes:
        if not length:
            return b""
        if heap != self._at:
            self._heap, self._at = self._read_heap(descriptor, self._base + heap), heap
        found = self._heap.get(index)
        if found is None or len(found) < length:
            raise ValueError(f"a string of {length:,} bytes is not in its heap")
        return found[:length].partition(b"\0")[0]

    def _read_heap(self, descriptor: int, at: int) -> dict[int, bytes]:
        header = _exactly(descriptor, _HEADER, at)
        size = int.from_bytes(header[8:], "little")
        if header[:4] != b"GCOL":
            raise ValueError("a string's heap is damaged")
        if size > MOST_TEXT:
            raise TooLargeForMemory(self._file, what="A heap of strings", size=size, most=MOST_TEXT)
        raw = _exactly(descriptor, size, at)
        objects, position = dict[int, bytes](), _HEADER
        while position + _OBJECT.itemsize <= size:
            index, _, _, length = np.frombuffer(raw, _OBJECT, 1, position)[0].tolist()
            if index == 0:  # the free space is the last object
                break
            position += _OBJECT.itemsize
            objects[index] = raw[position : position + length]
            position += -(-length // 8) * 8
        return objects

    def _references_of(self, descriptor: int, start: int, stop: int) -> NDArray[Any]:
        if self._chunk_rows is None:
            at = self._low.get_offset() + start * _REFERENCE.itemsize
            raw = _exactly(descriptor, (stop - start) * _REFERENCE.itemsize, at)
            return np.frombuffer(raw, _REFERENCE)
        chunks = range(start - start % self._chunk_rows, stop, self._chunk_rows)
        return np.concatenate([self._chunk(chunk)[max(0, start - chunk) : stop - chunk] for chunk in chunks])

    def _chunk(self, first: int) -> NDArray[Any]:
        """The references of one chunk, its filters undone by the library; the last one is kept for the next read."""
        if not len(self._references) or self._start != first:
            mask, raw = self._low.read_direct_chunk((first,))
            if self._low.get_create_plist().get_nfilters():
                if mask not in self._unfiltered:
                    self._unfiltered[mask] = _Unfiltered(self._low, self._chunk_rows or 0, mask)
                raw = self._unfiltered[mask].chunk(raw)
            self._references, self._start = np.frombuffer(raw, _REFERENCE, self._chunk_rows or 0), first
        return self._references


class _Unfiltered:
    """Undoes the filters of a chunk: the library reads it as opaque values, from a file in memory.

    ``mask`` has a bit for every filter that was skipped when the chunk was written, as shuffling is for these strings.
    """

    def __init__(self, low: Any, rows: int, mask: int) -> None:
        self._file = h5py.File.in_memory()
        source, target = low.get_create_plist(), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        target.set_chunk((rows,))
        for number in range(source.get_nfilters()):
            code, flags, values, _ = source.get_filter(number)
            if mask & 1 << number:
                continue
            if code == h5py.h5z.FILTER_SHUFFLE:
                target.set_shuffle()
            elif code == h5py.h5z.FILTER_DEFLATE:
                target.set_deflate(*values[:1])
            else:
                target.set_filter(code, flags, values)
        opaque = h5py.h5t.create(h5py.h5t.OPAQUE, _REFERENCE.itemsize)
        space = h5py.h5s.create_simple((rows,))
        self._copy: Any = h5py.h5d.create(self._file.id, b"chunk", opaque, space, target)

    def chunk(self, raw: bytes) -> bytes:
        self._copy.write_direct_chunk((0,), raw)
        return h5py.Dataset(self._copy)[:].tobytes()


def _chunk_rows(low: Any) -> int | None:
    properties = low.get_create_plist()
    return int(properties.get_chunk()[0]) if properties.get_layout() == h5py.h5d.CHUNKED else None


def _exactly(descriptor: int, size: int, at: int) -> bytes:
    raw = os.pread(descriptor, size, at)
    if len(raw) != size:
        raise ValueError("the file ends inside of its strings")
    return raw
