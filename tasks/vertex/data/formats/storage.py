"""What a dataset is made of: whether all of it was written, lies in this file, and can be read within bounded memory.

What was never written reads as fill values, and what lies elsewhere may be any file of this machine: neither is noticed
by a reader of the values. Looked at once per dataset, before its shape: the shape of a virtual one may come from its sources.

Whatever is read needs one chunk in memory, whole, and inflating does not stop at a chunk's size; so both are bounded.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5py
from h5py import h5i  # pyright: ignore[reportAttributeAccessIssue] -- compiled, without a stub

from tasks.vertex.data.errors import ExternalData, NeverWritten, TooLargeForMemory

MOST_CHUNK = 32 * 2**20
"""Most bytes of one chunk: together with its float32 rows, ids and columns it stays far below 512 MB."""
MOST_ROW = 8 * 2**20
"""Most bytes of one row: a million float64, hundreds of times what embedding models have."""
DEFLATE_UNSEEN = 128 * 2**10
"""Deflated chunks up to this size are not inflated for a look: at most 1,032 times as much (zlib.net, "Maximum Compression
Factor") comes out of one."""
MOST_LZF = 2 * 2**20
"""Most bytes of a chunk as LZF stored it: a reference of three bytes repeats up to 264."""
_LZF = 32000
"""LZF's number in the registry of filters."""
_UNLIMITED = h5py.h5s.UNLIMITED


@dataclass(frozen=True)
class Place:
    """Where a dataset is."""

    file: str
    """How errors call the file."""
    path: Path
    allow_external: bool
    open_source: Callable[[str, str], tuple[int, ...] | None]
    """``open_source(file, dataset)`` opens a source of a virtual dataset under the same rules and returns its shape."""


def check_storage(place: Place, name: str, low: Any) -> None:
    """Check one low-level dataset before anything of it is read.

    Raises:
        ExternalData: it lies in other files, and that is not allowed, or they lack some of it.
        NeverWritten: parts of it were never stored.
        TooLargeForMemory: a chunk or a row is too large.
    """
    properties = low.get_create_plist()
    layout = properties.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        _check_virtual(place, name, properties, low)
    elif properties.get_external_count():
        _check_external(place, name, properties, low)
    elif layout == h5py.h5d.CHUNKED:
        _check_chunks(place, name, properties, low)
    elif layout == h5py.h5d.CONTIGUOUS:
        _check_contiguous(place, name, low)
    _check_row(place, name, low)


def open_with_cache(low: Any) -> Any:
    """The dataset, with room in the library's cache for one chunk: else each slice of it would inflate it again."""
    properties = low.get_create_plist()
    if properties.get_layout() != h5py.h5d.CHUNKED:
        return low
    access = low.get_access_plist()
    slots, cached, preemption = access.get_chunk_cache()
    wanted = prod(properties.get_chunk()) * stored_size(low)
    if wanted <= cached:
        return low
    access.set_chunk_cache(slots, wanted, preemption)
    file, path = h5i.get_file_id(low), h5i.get_name(low)
    low.close()  # an open dataset keeps the cache that it has
    return h5py.h5d.open(file, path, access)


def stored_size(low: Any) -> int:
    """Bytes of one value as it is stored: of variable length, a reference of 16 bytes, half of which the library shows."""
    kind = low.get_type()
    is_variable = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
    return 16 if is_variable or isinstance(kind, h5py.h5t.TypeVlenID) else int(kind.get_size())


def _check_row(place: Place, name: str, low: Any) -> None:
    size = prod(low.shape[1:]) * stored_size(low) if low.shape else 0
    if size > MOST_ROW:
        raise TooLargeForMemory(place.file, what=f"A row of the dataset `{name}`", size=size, most=MOST_ROW)


def _check_contiguous(place: Place, name: str, low: Any) -> None:
    expected = prod(low.shape or (0,)) * stored_size(low)
    if not expected:
        return
    at, stored = low.get_offset(), low.get_storage_size()
    if at is None or stored < expected or at + expected > place.path.stat().st_size:
        raise NeverWritten(place.file, dataset=name, found="none of its values is", expected=f"{expected:,} bytes")  # fmt: skip


def _check_chunks(place: Place, name: str, properties: Any, low: Any) -> None:
    shape, chunk = low.shape, properties.get_chunk()
    bytes_of_chunk = prod(chunk) * stored_size(low)
    if bytes_of_chunk > MOST_CHUNK:
        raise TooLargeForMemory(place.file, what=f"A chunk of the dataset `{name}`", size=bytes_of_chunk, most=MOST_CHUNK)  # fmt: skip
    expected = prod(-(-rows // step) for rows, step in zip(shape, chunk, strict=True))
    inflated = _Inflated(place, name, properties, low, bytes_of_chunk)
    sizes = array("Q")

    def look(info: Any) -> None:
        sizes.append(info.size)
        inflated.note(info)

    low.chunk_iter(look)
    count, total, largest = len(sizes), sum(sizes), max(sizes, default=0)
    if count < expected:
        found = f"{count:,} of its {expected:,} chunks {'is' if count == 1 else 'are'}"
        raise NeverWritten(place.file, dataset=name, found=found, expected=f"{expected:,} chunks")
    # A filter that makes a chunk larger is skipped by the library, or adds a checksum.
    if largest > bytes_of_chunk + bytes_of_chunk // 8 + 1024 or total > place.path.stat().st_size:
        raise TooLargeForMemory(place.file, what=f"A stored chunk of the dataset `{name}`", size=largest, most=bytes_of_chunk)  # fmt: skip
    inflated.check()


class _Inflated:
    """Finds chunks that would inflate to more than a chunk."""

    def __init__(self, place: Place, name: str, properties: Any, low: Any, size: int) -> None:
        self._place, self._name, self._low, self._size = place, name, low, size
        self._filters = [properties.get_filter(n)[0] for n in range(properties.get_nfilters())]
        self._large: list[tuple[int, ...]] = []

    def note(self, info: Any) -> None:
        if info.size > DEFLATE_UNSEEN and h5py.h5z.FILTER_DEFLATE in self._filters:
            self._large.append(tuple(info.chunk_offset))
        if info.size > MOST_LZF and _LZF in self._filters:
            self._large.append(tuple(info.chunk_offset))

    def check(self) -> None:
        compressing = [code for code in self._filters if code in (h5py.h5z.FILTER_DEFLATE, _LZF)]
        if len(compressing) > 1 or (self._large and _LZF in compressing):
            raise self._too_large(0)
        for offset in self._large:
            mask, raw = self._low.read_direct_chunk(offset)
            if mask & (1 << self._filters.index(h5py.h5z.FILTER_DEFLATE)):
                continue  # stored as it is
            # Bytes after the stream, such as a checksum, do not matter; a damaged stream is found when it is read.
            try:
                inflating = zlib.decompressobj()
                inflating.decompress(raw, self._size + 16)
            except zlib.error:
                continue
            if not inflating.eof:
                raise self._too_large(self._size + 16)

    def _too_large(self, size: int) -> TooLargeForMemory:
        return TooLargeForMemory(
            self._place.file, what=f"A compressed chunk of the dataset `{self._name}`", size=size, most=self._size
        )  # fmt: skip


def _check_external(place: Place, name: str, properties: Any, low: Any) -> None:
    files = [properties.get_external(number) for number in range(properties.get_external_count())]
    if not place.allow_external:
        raise ExternalData(
            place.file, dataset=name, how=f"its values lie in the file {os.fsdecode(files[0][0])!r}"
        )
    left = prod(low.shape or (0,)) * stored_size(low)
    for raw, offset, size in files:
        path = Path(os.fsdecode(raw))
        there = max(0, path.stat().st_size - offset) if path.is_file() else 0
        part = left if size == h5py.h5f.UNLIMITED else min(left, size)
        if there < part:
            found = f"the file {str(path)!r} holds {there:,} of {part:,} bytes that are"
            raise NeverWritten(place.file, dataset=name, found=found, expected="every file it names")
        left -= part
    if left:
        raise NeverWritten(place.file, dataset=name, found=f"all but {left:,} bytes are", expected="every byte")  # fmt: skip


def _check_virtual(place: Place, name: str, properties: Any, low: Any) -> None:
    sources = range(properties.get_virtual_count())
    if not place.allow_external:
        files = {os.fsdecode(properties.get_virtual_filename(number)) for number in sources}
        raise ExternalData(
            place.file,
            dataset=name,
            how="it is a virtual dataset"
            + (f" of values in the file {min(files)!r}" if files - {"."} else ""),
        )
    mapped = 0
    for number in sources:
        file, dataset = properties.get_virtual_filename(number), properties.get_virtual_dsetname(number)
        shape = place.open_source(os.fsdecode(file), os.fsdecode(dataset))
        taken = properties.get_virtual_srcspace(number)
        points = properties.get_virtual_vspace(number).get_select_npoints()
        inside = _holds(shape or (), taken, points)
        if not inside or points == _UNLIMITED:
            found = f"only part of {dataset!r} in {file!r} is"
            raise NeverWritten(place.file, dataset=name, found=found, expected="sources of a fixed size")
        mapped += points
    expected = prod(low.shape or (0,))
    if mapped < expected:
        raise NeverWritten(place.file, dataset=name, found=f"{mapped:,} of its {expected:,} values are", expected="sources for every value")  # fmt: skip


def _holds(shape: tuple[int, ...], taken: Any, points: int) -> bool:
    """Whether a source of this shape has all the points that are taken from it."""
    if taken.get_select_type() == h5py.h5s.SEL_ALL:  # its extent is not stored
        return prod(shape) >= points
    ends = taken.get_select_bounds()[1]
    return len(ends) == len(shape) and all(end < size for end, size in zip(ends, shape, strict=True))
