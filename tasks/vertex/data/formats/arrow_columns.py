"""Columns of Parquet and Arrow files, read in batches of one column: pyarrow decodes, what comes out is numpy.

A fixed-size list or a list of floats is a matrix; rows of unequal length, nulls and damage are errors with a row number.
Every batch is validated as a whole before it is looked at: pyarrow trusts the offsets in a file
(https://arrow.apache.org/docs/cpp/security.html, "IPC").
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from tasks.errors import InvalidInput
from tasks.vertex.data.errors import TooLargeForMemory, UnreadableRows, WrongType
from tasks.vertex.data.formats.errors import NotAVector
from tasks.vertex.data.formats.heaps import MOST_TEXT
from tasks.vertex.data.formats.stored import reason

pc: Any = compute  # its functions are made when it is imported
ACCEPTED = "a list of float, double, half, int8 or uint8 for vectors; strings, booleans, integers or floats for other columns"


class Batches(Protocol):
    """A file of record batches."""

    @property
    def name(self) -> str:
        """How errors call the file."""
        ...

    @property
    def row_count(self) -> int:
        """What the file says about itself; the reading finds out."""
        ...

    def arrays(self, column: str, row: int) -> Iterator[tuple[int, Any]]:
        """The column's arrays from the one that holds ``row``, each with the number of its first row."""
        ...


class ArrowColumn:
    """One column, read on from where the last reading ended.

    Raises:
        WrongType: neither a list of numbers nor text, boolean or a number.
        NotAVector: the first row is empty.
    """

    def __init__(self, file: Batches, name: str, declared: Any) -> None:
        self.name, self.chunk_rows = name, 1
        self._file = file
        self._next = -1
        self._coming: Iterator[tuple[int, Any]] = iter(())
        self._rest: Any = None
        plain = _unwrapped(declared)
        self.is_text = _is_text(plain)
        self.is_list = _is_list(plain)
        number = plain.value_type if self.is_list else plain
        self.dtype: np.dtype[Any] = np.dtype(object) if self.is_text else self._numpy_type(number, declared)
        self.shape: tuple[int, ...] | None = (file.row_count,)
        if self.is_list:
            self.shape = (file.row_count, self._dimensions(plain))

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The rows start to stop (excluded)."""
        with self._reading(start, stop):
            parts = list[NDArray[Any]]()
            for first, array in self._slices(start, stop):
                parts.append(self._matrix(first, array) if self.is_list else self._numbers(array))
            if not parts:
                return np.empty((0, *(self.shape or ())[1:]), self.dtype)
            return np.ma.concatenate(parts) if any(map(np.ma.isMaskedArray, parts)) else np.concatenate(parts)

    def strings(self, start: int, stop: int) -> list[bytes]:
        """The strings of the rows start to stop (excluded)."""
        with self._reading(start, stop):
            found = list[bytes]()
            for first, array in self._slices(start, stop):
                self._refuse_too_long(first, array)
                plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
                found += [value or b"" for value in plain.cast(pa.large_binary()).to_pylist()]
            return found

    def _numpy_type(self, number: Any, declared: Any) -> np.dtype[Any]:
        kinds = pa.types
        if kinds.is_boolean(number) or kinds.is_integer(number) or kinds.is_floating(number):
            return np.dtype(number.to_pandas_dtype())
        raise WrongType(self._file.name, dataset=self.name, dtype=str(declared)[:200], accepted=ACCEPTED)

    def _dimensions(self, declared: Any) -> int:
        if pa.types.is_fixed_size_list(declared):
            return int(declared.list_size)
        if not self._file.row_count:
            return 0
        with self._reading(0, 1):
            _, array = next(iter(self._slices(0, 1)))
            if array.null_count:
                raise NotAVector(
                    self._file.name, dataset=self.name, row=0, found="no value (null)", dimensions=1
                )
            return int(pc.list_value_length(array)[0].as_py())

    def _slices(self, start: int, stop: int) -> Iterator[tuple[int, Any]]:
        if start != self._next:
            self._coming, self._rest, self._next = self._file.arrays(self.name, start), None, start
        while self._next < stop:
            if self._rest is None:
                self._rest = self._following()
            part = self._rest.slice(0, stop - self._next)
            self._rest = self._rest.slice(len(part)) if len(part) < len(self._rest) else None
            first, self._next = self._next, self._next + len(part)
            yield first, part

    def _following(self) -> Any:
        for first, array in self._coming:
            array.validate(full=True)
            plain = array.storage if isinstance(array.type, pa.BaseExtensionType) else array
            if first + len(plain) > self._next:
                return plain.slice(max(0, self._next - first))
        raise ValueError(f"there is no row {self._next}")

    def _matrix(self, first: int, array: Any) -> NDArray[Any]:
        dimensions = (self.shape or (0, 0))[1]
        if array.null_count:
            self._refuse(first + _first(array.is_null()), "no value (null)")
        lengths = pc.list_value_length(array)
        others = pc.not_equal(lengths, dimensions)
        if pc.any(others).as_py():
            position = _first(others)
            self._refuse(first + position, f"{lengths[position].as_py()} numbers")
        values = array.flatten()
        if values.null_count:
            self._refuse(first + _first(values.is_null()) // dimensions, "a null among its numbers")
        return values.to_numpy(zero_copy_only=False).reshape(-1, dimensions)

    def _refuse(self, row: int, found: str) -> None:
        dimensions = (self.shape or (0, 0))[1]
        raise NotAVector(self._file.name, dataset=self.name, row=row, found=found, dimensions=dimensions)

    def _numbers(self, array: Any) -> NDArray[Any]:
        if not array.null_count:
            return array.to_numpy(zero_copy_only=False)
        missing = array.is_null().to_numpy(zero_copy_only=False)
        if self.dtype.kind == "f":
            return np.array([np.nan if one is None else one for one in array.to_pylist()], self.dtype)
        filled = array.fill_null(pa.scalar(0).cast(array.type)).to_numpy(zero_copy_only=False)
        return np.ma.MaskedArray(filled, missing)

    def _refuse_too_long(self, first: int, array: Any) -> None:
        if pa.types.is_dictionary(array.type):  # a short file may name one long string many times
            lengths = pc.binary_length(array.dictionary).take(array.indices)
        else:
            lengths = pc.binary_length(array)
        total = pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0
        if total > MOST_TEXT:
            what = f"The text of rows {first} to {first + len(array) - 1} of `{self.name}` together"
            raise TooLargeForMemory(self._file.name, what=what, size=total, most=MOST_TEXT)

    @contextmanager
    def _reading(self, start: int, stop: int) -> Generator[None]:
        try:
            yield
        except InvalidInput:
            raise
        except Exception as error:
            self._next = -1
            raise UnreadableRows(
                self._file.name, dataset=self.name, first=start, last=stop - 1, reason=reason(error)
            ) from error


def _first(flags: Any) -> int:
    return int(np.flatnonzero(flags.to_numpy(zero_copy_only=False))[0])


def _unwrapped(declared: Any) -> Any:
    return declared.storage_type if isinstance(declared, pa.BaseExtensionType) else declared


def _is_list(declared: Any) -> bool:
    kinds = pa.types
    return kinds.is_list(declared) or kinds.is_large_list(declared) or kinds.is_fixed_size_list(declared)


def _is_text(declared: Any) -> bool:
    kinds = pa.types
    if kinds.is_dictionary(declared):
        return _is_text(declared.value_type)
    texts = (kinds.is_string, kinds.is_large_string, kinds.is_binary, kinds.is_large_binary)
    return any(is_one(declared) for is_one in texts)
