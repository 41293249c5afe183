"""One value per row: ids, words and the metadata columns that restricts and crowding tags are read from.

A column is read slice by slice. tasks/vertex/data/rules.py decides
what a column is used for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import h5py
import numpy as np

from tasks.vertex.data.errors import (
    SHOWN_ROWS,
    NotFinite,
    NotText,
    OutsideInt64,
    TooLargeForMemory,
    WrongRowCount,
    WrongShape,
    WrongType,
)
from tasks.vertex.data.formats.heaps import MOST_TEXT
from tasks.vertex.data.formats.stored import Stored

ColumnKind = Literal["token", "value_int", "value_float", "value_double"]
"""How a column's values are sent: as tokens of a restrict, or in this field of a numeric restrict."""

PART_BYTES = 4 * 2**20
"""Bytes read at once, the padding of strings of fixed length included: most may be padding."""
ACCEPTED = "strings, booleans, integers, float32 or float64"


@dataclass(frozen=True)
class ColumnValues:
    """The values of one column for the rows of one block. A row without a value has "" or None."""

    kind: ColumnKind
    values: list[str] | list[int | None] | list[float | None]


class Column:
    """A dataset of shape (rows,), read slice by slice.

    Strings and booleans are tokens, integers ``value_int``, float16 and float32 ``value_float``, float64
    ``value_double``. An empty string, a NaN or a null means that the row has no value.

    Raises:
        WrongShape: not one value per row.
        WrongRowCount: not as many values as there are rows.
        WrongType: of a type that is none of those.
    """

    def __init__(self, dataset: Stored, *, path: str, rows: int) -> None:
        name = dataset.name
        self.name, self.path, self._dataset, self._rows = name, path, dataset, rows
        if dataset.shape is None or len(dataset.shape) != 1:
            raise WrongShape(path, dataset=name, shape=dataset.shape, accepted="(rows,), one value per row")
        if dataset.shape[0] != rows:
            raise WrongRowCount(path, dataset=name, rows=dataset.shape[0], expected=rows)
        self.kind: ColumnKind = self._kind(dataset.dtype)

    def _kind(self, dtype: np.dtype[Any]) -> ColumnKind:
        self.is_text = self._dataset.is_text
        if self.is_text or dtype.kind == "b":
            return "token"
        if dtype.kind in "iu" and h5py.check_enum_dtype(dtype) is None:
            return "value_int"
        if dtype.kind == "f" and dtype.itemsize in (2, 4, 8):
            return "value_double" if dtype.itemsize == 8 else "value_float"
        raise WrongType(self.path, dataset=self.name, dtype=str(dtype), accepted=ACCEPTED)

    def texts(self, start: int, stop: int) -> list[str]:
        """The values of the rows start to stop (excluded) as strings; booleans as "true" and "false".

        Raises:
            NotText: bytes that are not UTF-8.
            UnreadableRows: the file is damaged there.
            TooLargeForMemory: they are too long.
        """
        if not self.is_text:
            return [_as_text(value) for value in self._dataset.rows(start, stop).tolist()]
        values = list[bytes]()
        for part in self._parts(start, stop):
            values += self._dataset.strings(*part)
            self._refuse_too_long(values, start)
        try:
            return [value.decode() for value in values]
        except UnicodeDecodeError:
            row, bad = next((start + i, value) for i, value in enumerate(values) if not _is_utf8(value))
            raise NotText(self.path, dataset=self.name, row=row, raw=bad) from None

    def values(self, start: int, stop: int) -> ColumnValues:
        """The values of the rows start to stop (excluded), ready for restricts.

        Raises:
            NotText: bytes that are not UTF-8.
            NotFinite: an infinity.
            OutsideInt64: an unsigned integer over 2**63 - 1.
            UnreadableRows: the file is damaged there.
        """
        if self.kind == "token":
            return ColumnValues("token", self.texts(start, stop))
        raw = self._dataset.rows(start, stop)
        if self.kind == "value_int":
            self._refuse_beyond_int64(raw, start)
            return ColumnValues("value_int", raw.tolist())
        if np.isinf(raw).any():
            self._refuse_infinite()
        return ColumnValues(self.kind, [None if math.isnan(number) else number for number in raw.tolist()])

    def _refuse_too_long(self, values: list[bytes], start: int) -> None:
        if (total := sum(map(len, values))) > MOST_TEXT:
            what = f"The text of rows {start} to {start + len(values) - 1} of `{self.name}` together"
            raise TooLargeForMemory(self.path, what=what, size=total, most=MOST_TEXT)

    def _refuse_infinite(self) -> None:
        first, total = list[int](), 0
        for start, stop in self._parts(0, self._rows):
            infinite = np.flatnonzero(np.isinf(self._dataset.rows(start, stop)))
            first.extend((infinite[: SHOWN_ROWS - len(first)] + start).tolist())
            total += infinite.size
        raise NotFinite(self.path, dataset=self.name, rows=first, total=total, nan_is_fine=True)

    def _refuse_beyond_int64(self, raw: Any, start: int) -> None:
        if raw.dtype.kind == "u" and raw.size and np.ma.filled(raw, 0).max() > np.iinfo(np.int64).max:
            row = int(raw.argmax())
            raise OutsideInt64(self.path, dataset=self.name, row=start + row, number=int(raw[row]))

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        step = max(1, PART_BYTES // max(1, self._dataset.dtype.itemsize))
        for first in range(start, stop, step):
            yield first, min(first + step, stop)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
