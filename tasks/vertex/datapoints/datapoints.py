"""Datapoints as values, and files of them: JSON lines in the format of import files.

    {"id": "7", "embedding": [0.1, 0.2], "restricts": [{"namespace": "class", "allow": ["7"]}],
     "numeric_restricts": [{"namespace": "price", "value_int": 3}], "crowding_tag": "a"}

A file travels between steps by its path, never as a list: Prefect walks through every object of an argument. It is
validated as a whole before anything of it is sent.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import orjson
from pydantic import AliasChoices, Field, field_validator

from tasks.errors import InvalidInput
from tasks.lines import filled_lines
from tasks.repeats import repeated
from tasks.steps import step
from tasks.vertex.datapoints.filters import NumericRestrict, Restrict
from tasks.vertex.datapoints.vectors import Vector, VectorModel, parsed


class Datapoint(VectorModel, frozen=True):
    """One datapoint, as sent or as read back."""

    id: str = Field(min_length=1)
    vector: Vector | None = Field(default=None, validation_alias=AliasChoices("embedding", "vector"))
    """None only where restricts alone are changed: without it, an upsert would delete the stored vector."""
    restricts: tuple[Restrict, ...] = ()
    numeric_restricts: tuple[NumericRestrict, ...] = ()
    crowding_tag: str | None = None

    @field_validator("restricts")
    @classmethod
    def _has_each_namespace_once(cls, restricts: tuple[Restrict, ...]) -> tuple[Restrict, ...]:
        names = [restrict.namespace for restrict in restricts]
        if len(set(names)) != len(names):
            raise ValueError("a datapoint has each namespace once")
        return restricts


@dataclass(frozen=True)
class DatapointFile:
    """A validated file of datapoints."""

    path: Path
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Datapoint]:
        return (datapoint for _, datapoint in _read(self.path))


@dataclass(frozen=True)
class IdFile:
    """A validated file of datapoint ids, one a line, as in the `delete/` folder of an import."""

    path: Path
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        return (id_ for _, id_ in _read_ids(self.path))


T = TypeVar("T")
Read: TypeAlias = Callable[[], Iterator[tuple[str, T]]]
"""Reads things from their beginning, each with its source: `FILE line N`."""
Datapoints: TypeAlias = Sequence[Datapoint] | DatapointFile
"""A few datapoints by value, or many by file."""
Ids: TypeAlias = Sequence[str] | IdFile
"""A few ids by value, or many by file."""


@step("read datapoints of {path}")
def read_datapoint_file(path: Path, dimensions: int, *, restricts_only: bool = False) -> DatapointFile:
    """Validate a file of datapoints as a whole.

    Args:
        path: JSON lines.
        dimensions: the index's.
        restricts_only: the vectors may be left out, as for an update of restricts alone.

    Raises:
        InvalidInput: names the file and the line.
    """
    count = check_datapoints(partial(_read, path), dimensions, restricts_only=restricts_only)
    if not count:
        raise InvalidInput("The file holds no datapoint", value=str(path))
    return DatapointFile(path, count)


@step("read ids of {path}")
def read_id_file(path: Path) -> IdFile:
    """Validate a file of datapoint ids.

    Raises:
        InvalidInput: names the file and the line.
    """
    count = check_ids(partial(_read_ids, path))
    if not count:
        raise InvalidInput("The file holds no id", value=str(path))
    return IdFile(path, count)


def check_datapoints(read: Read[Datapoint], dimensions: int, *, restricts_only: bool) -> int:
    """Count datapoints that belong into one index and are sent together.

    Raises:
        InvalidInput: an id occurs twice, or a vector is missing or has other dimensions.
    """

    def ids() -> Iterator[tuple[str, str]]:
        for source, datapoint in read():
            if datapoint.vector is None:
                if not restricts_only:
                    raise InvalidInput(
                        "A datapoint has no embedding", value=datapoint.id, source=source,
                        remedy="An upsert without one would delete the stored vector. To change only restricts, use restricts_only.",
                    )  # fmt: skip
            elif datapoint.vector.size != dimensions:
                raise InvalidInput(
                    f"The vector of datapoint {datapoint.id!r} has another number of dimensions than the index",
                    value=datapoint.vector.size, source=source, accepted=str(dimensions),
                )  # fmt: skip
            yield source, datapoint.id

    return check_ids(ids)


def check_ids(read: Read[str]) -> int:
    """Count ids, with eight bytes of memory each; they are read again where one seems to occur twice.

    Raises:
        InvalidInput: an id is empty or occurs twice.
    """
    hashed = array("q")
    for source, id_ in read():
        if not id_:
            raise InvalidInput("An id is empty", source=source)
        hashed.append(hash(id_))
    hashes = np.array(hashed, dtype=np.int64)
    if suspects := set(hashes[repeated(hashes)].tolist()):
        _refuse_repeated(read, suspects)
    return len(hashes)


def _refuse_repeated(read: Read[str], suspects: set[int]) -> None:
    first: dict[str, int] = {}
    for number, (source, id_) in enumerate(read(), start=1):
        if hash(id_) in suspects and (before := first.setdefault(id_, number)) != number:
            raise InvalidInput(
                "An id occurs twice", value=id_, source=f"{source}, and number {before} before it"
            )


def _read(path: Path) -> Iterator[tuple[str, Datapoint]]:
    for source, line in _lines(path):
        try:
            record: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(
                f"Not a line of JSON ({error})", value=line[:80].decode(errors="replace"), source=source,
                remedy="JSON has no NaN and no infinity.",
            ) from error  # fmt: skip
        yield source, parsed(Datapoint, record, what="datapoint", source=source)


def _read_ids(path: Path) -> Iterator[tuple[str, str]]:
    for source, line in _lines(path):
        try:
            yield source, line.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("An id is not UTF-8", value=line[:80], source=source) from error


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines that are not blank, each with `FILE line N`."""
    return ((f"{path} line {number}", line) for number, line in filled_lines(path))
