"""The rows of one index in memory: dense vectors in one growing array, attributes beside it, the rest in postings.

A replaced or removed datapoint leaves a dead row behind; `squeeze` closes the gaps. Does not search: see searcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data import datapoints
from sandbox.vertex.data.crowding import UNTAGGED
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.restricts import Number, RestrictIndex
from sandbox.vertex.data.sparse import SparsePostings, SparseVector
from sandbox.vertex.data.vectors import Vectors, normalised

_FIRST_CAPACITY = 1024


class Corpus:
    """Rows 0 to `count`, of which `dense` and `sparse` say which are current and have such a vector."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.count = 0
        self.changes = 0
        """How many rows were ever filled or given up."""
        self.row_of: dict[str, int] = {}
        self.names: list[str] = []
        self._tag_numbers: dict[str, int] = {}
        self._tag_names: list[str] = []
        self.normalises = config.unit_norm or config.distance == "COSINE_DISTANCE"
        """Whether dense distances are computed on vectors of length one."""
        self._vectors = np.zeros((_FIRST_CAPACITY, config.dimensions), "f4")
        self._scanned = np.zeros_like(self._vectors) if self.normalises else self._vectors
        self._dense = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._sparse = np.zeros(_FIRST_CAPACITY, dtype=np.bool_)
        self._tags = np.full(_FIRST_CAPACITY, UNTAGGED, "i4")
        self._messages: list[bytes] = []
        """Each datapoint as it was sent, less the dense vector: all else in it is looked up when it is needed."""
        self.restricts = RestrictIndex()
        self.postings = SparsePostings()

    def __len__(self) -> int:
        """The number of datapoints."""
        return len(self.row_of)

    def counts(self) -> tuple[int, int]:
        """The numbers of dense and of sparse vectors."""
        return int(np.count_nonzero(self.dense)), int(np.count_nonzero(self.sparse))

    @property
    def vectors(self) -> Vectors:
        """The dense vectors as they were sent, dead rows included; zeros where there is none."""
        return self._vectors[: self.count]

    @property
    def scanned(self) -> Vectors:
        """The vectors that distances are computed on: normalised where the config asks for it."""
        return self._scanned[: self.count]

    @property
    def dense(self) -> NDArray[np.bool_]:
        """Which rows are current and have a dense vector."""
        return self._dense[: self.count]

    @property
    def sparse(self) -> NDArray[np.bool_]:
        """Which rows are current and have a sparse vector."""
        return self._sparse[: self.count]

    @property
    def tags(self) -> NDArray[np.int32]:
        """The number of each row's crowding tag; UNTAGGED for none."""
        return self._tags[: self.count]

    def upsert(self, sent: Iterable[Any]) -> None:
        """Insert whole datapoints (raw messages), replacing those with the same ids."""
        packed = datapoints.packed(sent)
        first, end = self.count, self.count + len(packed)
        self._reserve(end)
        vectors, tags, gone = list[bytes](), list[int](), list[int]()
        for row, datapoint in enumerate(packed, start=first):
            name = datapoint.datapoint_id
            if (old := self.row_of.get(name)) is not None:
                gone.append(old)
            self.row_of[name] = row
            self.names.append(name)
            vectors.append(datapoint.feature_vector)
            datapoint.feature_vector = b""
            self._messages.append(datapoint.SerializeToString())
            tags.append(self._tag_number(datapoint.crowding_tag.crowding_attribute))
            self._add_restricts(row, datapoint)
            if datapoint.HasField("sparse_embedding"):
                self._add_sparse(row, datapoint.sparse_embedding)
        self._tags[first:end] = tags
        # All vectors at once: one by one, as lists of numbers, they take as long as all else.
        self._dense[first:end] = list(map(bool, vectors))
        absent = bytes(4 * self.config.dimensions)
        raw = np.frombuffer(b"".join(vector or absent for vector in vectors), "<f4")
        self._vectors[first:end] = raw.reshape(len(packed), -1)
        self._clear(gone)
        self.count = end
        self.changes += len(packed)
        if self.normalises:
            self._scanned[first:end] = normalised(self.vectors[first:])

    def overwrite(self, sent: Iterable[Any], mask: Iterable[str]) -> None:
        """Replace the masked fields of these datapoints; unknown ids are ignored."""
        fields = [field for path in mask for field in datapoints.MASKABLE[path]]
        for datapoint in sent:
            row = self.row_of.get(datapoint.datapoint_id)
            if row is None:
                continue
            kept = self.datapoint(row, with_vector=False)
            self.restricts.remove(row, _tokens(kept), _numbers(kept))
            wanted = datapoints.IndexDatapoint()
            wanted.CopyFrom(datapoint)
            for field in datapoints.IndexDatapoint.DESCRIPTOR.fields_by_name:
                (kept if field in fields else wanted).ClearField(field)
            kept.MergeFrom(wanted)
            self._add_restricts(row, kept)
            self._messages[row] = kept.SerializeToString()

    def remove(self, ids: Iterable[str]) -> None:
        """Remove these datapoints; unknown ids are ignored."""
        gone = [self.row_of.pop(name, None) for name in ids]
        self._clear([row for row in gone if row is not None])

    def datapoint(self, row: int, *, with_vector: bool = True) -> Any:
        """The datapoint in a row, as it was sent."""
        message = datapoints.IndexDatapoint.FromString(self._messages[row])
        if with_vector and self._dense[row]:
            message.feature_vector.extend(self._vectors[row].tolist())
        return message

    def sparse_vector(self, row: int) -> SparseVector | None:
        """The sparse vector of a row."""
        return datapoints.sparse_vector(self.datapoint(row, with_vector=False).sparse_embedding)

    def tag(self, row: int) -> str:
        """The crowding tag of a row; empty for none."""
        number = int(self._tags[row])
        return "" if number == UNTAGGED else self._tag_names[number]

    def dead(self) -> int:
        """How many rows are gaps."""
        return self.count - len(self.row_of)

    def squeeze(self) -> NDArray[np.int64]:
        """Close the gaps; returns the new row of each old one, -1 for those that are gone."""
        kept = np.sort(np.fromiter(self.row_of.values(), "i8", len(self.row_of)))
        moved = np.full(self.count, -1, "i8")
        moved[kept] = np.arange(len(kept))
        arrays = [self._vectors, self._tags, self._dense, self._sparse]
        for array in [*arrays, self._scanned] if self.normalises else arrays:
            array[: len(kept)] = array[kept]
        self._dense[len(kept) :] = self._sparse[len(kept) :] = False
        stays = (moved >= 0).tolist()
        self.names = list(compress(self.names, stays))
        self._messages = list(compress(self._messages, stays))
        self.row_of = dict(zip(self.names, range(len(kept)), strict=True))
        self.postings.move(moved)
        self.restricts.move(moved)
        self.count = len(kept)
        return moved

    def _clear(self, rows: list[int]) -> None:
        """Make gaps of these rows. Their restricts stay until the next squeeze: nothing finds a row that is not current."""
        self._dense[rows] = self._sparse[rows] = False
        self.changes += len(rows)

    def _add_restricts(self, row: int, datapoint: Any) -> None:
        self.restricts.add(row, _tokens(datapoint), _numbers(datapoint))

    def _add_sparse(self, row: int, embedding: Any) -> None:
        if vector := datapoints.sparse_vector(embedding):
            self._sparse[row] = True
            self.postings.add(row, vector)

    def _tag_number(self, tag: str) -> int:
        if not tag:
            return UNTAGGED
        number = self._tag_numbers.setdefault(tag, len(self._tag_names))
        if number == len(self._tag_names):
            self._tag_names.append(tag)
        return number

    def _reserve(self, rows: int) -> None:
        size = len(self._vectors)
        if rows <= size:
            return
        while size < rows:
            size *= 2
        shared = self._scanned is self._vectors
        self._vectors = _grown(self._vectors, size)
        self._scanned = self._vectors if shared else _grown(self._scanned, size)
        self._dense, self._sparse = _grown(self._dense, size), _grown(self._sparse, size)
        self._tags = _grown(self._tags, size)


def _tokens(datapoint: Any) -> list[tuple[str, Any, Any]]:
    return [(each.namespace, each.allow_list, each.deny_list) for each in datapoint.restricts]


def _numbers(datapoint: Any) -> Sequence[Number]:
    if not (numbers := datapoint.numeric_restricts):
        return ()
    return [
        Number(each.namespace, kind, getattr(each, kind))
        for each in numbers
        if (kind := each.WhichOneof("Value"))
    ]


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    grown = np.zeros((size, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
