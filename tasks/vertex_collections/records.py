"""Data objects made from the rows of a data file: the same for import files and for batches.

The form of an import file is the default one of "Data objects" (docs/sources.md): `id`, `data`, `vectors`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from pydantic import Field

from tasks.errors import InvalidInput
from tasks.steps import step
from tasks.vertex.data.columns import ColumnKind, ColumnValues
from tasks.vertex.data.rules import DatapointRules, Record
from tasks.vertex.data.vectors import BLOCK_ROWS, Block
from tasks.vertex.imports.import_data import DataSource, opened
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.ids import data_object_id
from tasks.vertex_collections.specs import FIELD, DataType

LARGEST_INTEGER = 2**53
"""`DataObject.data` is a Struct, which keeps every number as a double."""
TYPES: dict[ColumnKind, DataType] = {
    "token": "string",
    "value_int": "integer",
    "value_float": "number",
    "value_double": "number",
}
"""How the data schema calls what a column holds."""


class DataObjectRules(DatapointRules, frozen=True):
    """What a data object has besides its id and its vector: its columns are data fields."""

    vector_field: str = Field(default="embedding", description="The field of the vector schema.")

    def records(self, block: Block) -> Iterator[Record]:
        """The block's data objects in their order, as lines of an import file."""
        columns = [(name, block.columns[name]) for name in self.columns]
        for position, (id_, vector) in enumerate(zip(block.ids, block.vectors, strict=True)):
            record = {
                "id": data_object_id(id_, row=block.first_row + position),
                "data": _data_at(position, columns),
                "vectors": {self.vector_field: {"dense": {"values": vector}}},
            }
            yield cast("Record", record)


class IntegerTooLarge(InvalidInput):
    """An integer that a double cannot hold."""

    def __init__(self, path: str, *, column: str, row: int, number: int) -> None:
        self.path, self.column, self.row, self.number = path, column, row, number
        super().__init__(
            "This integer is too large for the data of a data object, which keeps numbers as doubles",
            value=number,
            source=f"row {row} of `{column}` in {path}",
            accepted=f"-{LARGEST_INTEGER:,} to {LARGEST_INTEGER:,}",
            remedy="Store it as text, or leave the column out.",
        )


@step("check ids and data fields of {source.data}")
def read_data_fields(settings: VertexSettings, source: DataSource) -> tuple[tuple[str, DataType], ...]:
    """The data fields and their types, once every id and every integer is seen to fit a data object.

    Raises:
        InvalidInput: an id is too long, an integer too large, or the name of a column is no name of a field.
    """
    with opened(settings, source) as file:
        columns = [file.column(name) for name in source.rules.columns]
        for column in columns:
            if not FIELD.fullmatch(column.name):
                raise InvalidInput(
                    "This column cannot be a data field", value=column.name, source=source.data,
                    accepted="names with letters, digits, underscores and dashes",
                )  # fmt: skip
        for start in range(0, file.rows, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, file.rows)
            for row, id_ in enumerate(file.ids(start, stop), start):
                data_object_id(id_, row=row, source=source.data)
            for column in columns:
                if column.kind == "value_int":
                    _refuse_large(file.name, column.name, start, column.values(start, stop))
        return tuple(sorted((column.name, TYPES[column.kind]) for column in columns))


def _data_at(position: int, columns: list[tuple[str, ColumnValues]]) -> dict[str, Any]:
    values = ((name, column.values[position]) for name, column in columns)
    return {name: value for name, value in values if value not in ("", None)}


def _refuse_large(path: str, column: str, start: int, values: ColumnValues) -> None:
    for row, number in enumerate(values.values, start):
        if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
            raise IntegerTooLarge(path, column=column, row=row, number=number)
