"""How every row gets its restricts and its crowding tag: plain values that fit a form and a command line.

By default a datapoint has neither. ``NOTEBOOK_RULES`` are those of Google's stream-update notebook.

Records are those of an import file (Vertex AI, "Input data format and structure"): ``allow`` here is ``allow_list`` in
the public API and ``allow_tokens`` in the private one; a namespace may occur once in a datapoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NotRequired, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from tasks.vertex.data.blocks import Block
from tasks.vertex.data.columns import ColumnValues


class RestrictRecord(TypedDict):
    """Tokens of a datapoint in one namespace."""

    namespace: str
    allow: NotRequired[list[str]]
    deny: NotRequired[list[str]]


class NumericRecord(TypedDict):
    """A number of a datapoint in one namespace, in exactly one of the three fields."""

    namespace: str
    value_int: NotRequired[int]
    value_float: NotRequired[float]
    value_double: NotRequired[float]


class SparseRecord(TypedDict):
    """A sparse embedding."""

    values: NDArray[np.float32]
    dimensions: NDArray[np.int64]


class Record(TypedDict):
    """One datapoint, as a line of an import file."""

    id: str
    embedding: NotRequired[NDArray[np.float32]]
    sparse_embedding: NotRequired[SparseRecord]
    restricts: NotRequired[list[RestrictRecord]]
    numeric_restricts: NotRequired[list[NumericRecord]]
    crowding_tag: NotRequired[str]
    embedding_metadata: NotRequired[dict[str, Any]]


class DatapointRules(BaseModel, frozen=True, extra="forbid"):
    """What is attached to each datapoint besides its id and its vector."""

    restrict_namespace: str | None = Field(
        default=None,
        min_length=1,
        description="Namespace in which each datapoint allows one token, its own id. None: no such restrict.",
    )
    restrict_columns: tuple[str, ...] = Field(
        default=(),
        description=(
            "Datasets or columns with one value per row, each a namespace of its own name: strings and booleans become "
            "token restricts, numbers numeric restricts. An empty string, NaN or null: the row has none."
        ),
    )
    crowding_tags: tuple[str, ...] = Field(
        default=(),
        description="Crowding tags given to the rows in turn (row number modulo their count). Empty: no tag.",
    )
    crowding_column: str | None = Field(
        default=None,
        min_length=1,
        description="Dataset or column of strings or integers that the crowding tags are read from, instead of in turn.",
    )

    @model_validator(mode="after")
    def _each_namespace_once(self) -> DatapointRules:
        names = [*self.restrict_columns, *([self.restrict_namespace] if self.restrict_namespace else [])]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"A datapoint may have each namespace once, but {', '.join(twice)} would occur twice. Set restrict_namespace to "
                "another name or to none, and name each column once."
            )
        if not all(names) or not all(self.crowding_tags):
            raise ValueError("Column names and crowding tags are strings of at least one character.")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The datasets that the rules read, each once."""
        crowding = (self.crowding_column,) if self.crowding_column else ()
        return tuple(dict.fromkeys((*self.restrict_columns, *crowding)))

    def records(self, block: Block) -> Iterator[Record]:
        """The block's datapoints in their order. Vectors are views of the block's.

        The block must have been read with ``columns=rules.columns``.
        """
        tokens, numbers = self.token_columns(block), self.number_columns(block)
        own, tags = self.restrict_namespace, self.tags(block)
        is_dense, vectors = block.present is None and block.sparse is None, block.vectors
        for position, id_ in enumerate(block.ids):
            record: Record = {"id": id_, "embedding": vectors[position]} if is_dense else {"id": id_}
            if not is_dense:
                _add_vectors(record, block, position)
            restricts: list[RestrictRecord] = [{"namespace": own, "allow": [id_]}] if own else []
            if tokens:  # nothing is called that has nothing to add: less than half the time a row
                restricts += _tokens_at(position, tokens)
            if restricts:
                record["restricts"] = restricts
            if numbers and (numerics := numbers_at(position, numbers)):
                record["numeric_restricts"] = numerics
            if tag := tags[position]:
                record["crowding_tag"] = tag
            if block.attached:  # of a file of records, for which there are no rules
                record.update(cast("Record", block.attached[position]))
            yield record

    def token_columns(self, block: Block) -> list[tuple[str, list[str]]]:
        """The columns that become token restricts: the namespace of each, and its token in every row; empty for none."""
        columns = self._columns(block)
        return [
            (name, cast("list[str]", column.values)) for name, column in columns if column.kind == "token"
        ]

    def number_columns(self, block: Block) -> list[tuple[str, ColumnValues]]:
        """The columns that become numeric restricts, with their namespaces."""
        return [(name, column) for name, column in self._columns(block) if column.kind != "token"]

    def _columns(self, block: Block) -> list[tuple[str, ColumnValues]]:
        return [(name, block.columns[name]) for name in self.restrict_columns]

    def tags(self, block: Block) -> list[str]:
        """The crowding tag of each row; empty for none."""
        if self.crowding_column:
            values = block.columns[self.crowding_column].values
            return ["" if value is None else str(value) for value in values]
        if not self.crowding_tags:
            return [""] * len(block.ids)
        count = len(self.crowding_tags)
        return [self.crowding_tags[(block.first_row + i) % count] for i in range(len(block.ids))]


def _add_vectors(record: Record, block: Block, position: int) -> None:
    if block.present is None or block.present[position]:
        record["embedding"] = block.vectors[position]
    if block.sparse is not None:
        dimensions, values = block.sparse.row(position)
        if values.size:
            record["sparse_embedding"] = {"values": values, "dimensions": dimensions}


def _tokens_at(position: int, columns: Sequence[tuple[str, list[str]]]) -> list[RestrictRecord]:
    return [{"namespace": name, "allow": [token]} for name, tokens in columns if (token := tokens[position])]


def numbers_at(position: int, columns: Sequence[tuple[str, ColumnValues]]) -> list[NumericRecord]:
    """The numeric restricts of a row, from ``DatapointRules.number_columns``."""
    return [
        cast("NumericRecord", {"namespace": name, column.kind: column.values[position]})
        for name, column in columns
        if column.values[position] is not None
    ]


NOTEBOOK_RULES = DatapointRules(restrict_namespace="class", crowding_tags=("a", "b"))
"""As in Google's stream-update notebook: each row alone in the namespace class, under its id; crowding tags a and b in turn."""
