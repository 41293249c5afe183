"""The rows of one index in memory: dense vectors in one growing array, attributes beside it, the rest in postings.

A replaced or removed datapoint leaves a dead row behind; `squeeze` closes the gaps. Does not search: see searcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data import datapoints
from sandbox.vertex.data.crowding import UNTAGGED
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.restricts import Number, RestrictIndex, Tokens
from sandbox.vertex.data.sparse import SparsePostings, SparseVector
from sandbox.vertex.data.vectors import Vectors, normalised

_FIRST_CAPACITY = 1024


class Corpus:
    """Rows 0 to `count`, of which `dense` and `sparse` say which are current and have such a vector."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.count = 0
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

    def upsert(self, sent: Sequence[Any]) -> None:
        """Insert whole datapoints (raw messages, which this consumes), replacing those with the same ids."""
        self._reserve(self.count + len(sent))
        for row, datapoint in enumerate(sent, start=self.count):
            name = datapoint.datapoint_id
            self._drop(name)
            self.row_of[name] = row
            self.names.append(name)
            if vector := datapoint.feature_vector:
                self._vectors[row] = vector
                self._dense[row] = True
            if datapoint.HasField("sparse_embedding"):
                self._add_sparse(row, datapoint.sparse_embedding)
            self._enter(row, datapoint)
            self._messages.append(datapoints.without_vector(datapoint))
        first, self.count = self.count, self.count + len(sent)
        if self.normalises:
            self._scanned[first : self.count] = normalised(self.vectors[first:])

    def overwrite(self, sent: Iterable[Any], mask: Iterable[str]) -> None:
        """Replace the masked fields of these datapoints; unknown ids are ignored."""
        fields = [field for path in mask for field in datapoints.MASKABLE[path]]
        for datapoint in sent:
            row = self.row_of.get(datapoint.datapoint_id)
            if row is None:
                continue
            kept = self.datapoint(row, with_vector=False)
            self._leave(row, kept)
            wanted = datapoints.IndexDatapoint()
            wanted.CopyFrom(datapoint)
            for field in datapoints.IndexDatapoint.DESCRIPTOR.fields_by_name:
                (kept if field in fields else wanted).ClearField(field)
            kept.MergeFrom(wanted)
            self._enter(row, kept)
            self._messages[row] = kept.SerializeToString()

    def remove(self, ids: Iterable[str]) -> None:
        """Remove these datapoints; unknown ids are ignored."""
        for name in ids:
            self._drop(name)

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
        rows = kept.tolist()
        self.names = [self.names[row] for row in rows]
        self._messages = [self._messages[row] for row in rows]
        self.row_of = {name: row for row, name in enumerate(self.names)}
        self.postings.move(moved)
        self.restricts.move(moved)
        self.count = len(kept)
        return moved

    def _drop(self, name: str) -> None:
        row = self.row_of.pop(name, None)
        if row is not None:
            self._dense[row] = self._sparse[row] = False
            self._leave(row, self.datapoint(row, with_vector=False))

    def _enter(self, row: int, datapoint: Any) -> None:
        tag = datapoint.crowding_tag.crowding_attribute
        self._tags[row] = self._tag_number(tag) if tag else UNTAGGED
        self.restricts.add(row, _tokens(datapoint), _numbers(datapoint))

    def _leave(self, row: int, datapoint: Any) -> None:
        self.restricts.remove(row, _tokens(datapoint), _numbers(datapoint))

    def _add_sparse(self, row: int, embedding: Any) -> None:
        if vector := datapoints.sparse_vector(embedding):
            self._sparse[row] = True
            self.postings.add(row, vector)

    def _tag_number(self, tag: str) -> int:
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


def _tokens(datapoint: Any) -> Iterable[Tokens]:
    return [Tokens(each.namespace, each.allow_list, each.deny_list) for each in datapoint.restricts]


def _numbers(datapoint: Any) -> Iterable[Number]:
    return [
        Number(each.namespace, kind, getattr(each, kind))
        for each in datapoint.numeric_restricts
        if (kind := each.WhichOneof("Value"))
    ]


def _grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    grown = np.zeros((size, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
