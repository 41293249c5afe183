"""Many datapoints or ids: JSON lines in the format of import files, or one id per line.

A file travels between steps by its path, never as a list: Prefect walks through every object of an argument. It is
validated as a whole before anything of it is sent, by every rule of the service that can be checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

from tasks.errors import InvalidInput
from tasks.lines import filled_lines, lines
from tasks.repeats import HashedIds
from tasks.steps import step
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.messages import BYTES_PER_DATAPOINT, index_datapoint
from tasks.vertex.datapoints.records import NumberTypes, datapoint_of, json_of

SUSPECTS = 1000
"""Hashes that are looked for in one more reading; a file that was appended to itself has more than memory holds."""


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
    r"""A validated file of datapoint ids, one a line, as in the `delete/` folder of an import.

    A line is an id as it is, blanks included; only its end (`\n` or `\r\n`) is not part of it, and empty lines are none. In a
    file whose name ends in `.jsonl` each line is a JSON string, which can also hold line breaks.
    """

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
        InvalidInput: an id occurs twice, both vectors are missing or the dense one has other dimensions, the numbers of one namespace have
            different types, or a datapoint is larger than a request.
    """
    types = NumberTypes()

    def ids() -> Iterator[tuple[str, str]]:
        for source, datapoint in read():
            _check_vector(datapoint, source, dimensions, restricts_only=restricts_only)
            types.check(datapoint, source)
            size = index_datapoint(datapoint, restricts_only=restricts_only).ByteSize()
            if size > BYTES_PER_DATAPOINT:
                raise InvalidInput(
                    "A datapoint is larger than a request", value=f"{size:,} bytes", source=source,
                    accepted=f"{BYTES_PER_DATAPOINT:,} bytes",
                )  # fmt: skip
            yield source, datapoint.id

    return check_ids(ids)


def _check_vector(datapoint: Datapoint, source: str, dimensions: int, *, restricts_only: bool) -> None:
    if datapoint.vector is None:
        if not restricts_only and datapoint.sparse_embedding is None:
            raise InvalidInput(
                "A datapoint has no embedding", value=datapoint.id, source=source, accepted="embedding, sparse_embedding or both",
                remedy="An upsert without one would delete the stored vector. To change only restricts, use restricts_only; a file is named by --file.",
            )  # fmt: skip
    elif datapoint.vector.size != dimensions:
        raise InvalidInput(
            f"The vector of datapoint {datapoint.id!r} has another number of dimensions than the index",
            value=datapoint.vector.size, source=source, accepted=str(dimensions),
        )  # fmt: skip


def check_ids(read: Read[str]) -> int:
    """Count ids; they are read again where one seems to occur twice.

    Raises:
        InvalidInput: an id is empty, no text, larger than a request, or occurs twice.
    """
    hashed = HashedIds()
    for source, id_ in read():
        _check_id(id_, source)
        hashed.add(id_)
    repeats = hashed.repeats()
    while suspects := {repeat.hash for repeat in islice(repeats, SUSPECTS)}:
        _refuse_repeated(read, suspects)
    return hashed.count


def _check_id(id_: str, source: str) -> None:
    if not id_:
        raise InvalidInput("An id is empty", source=source)
    try:
        size = len(id_.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("An id is not UTF-8", value=id_, source=source) from error
    if size > BYTES_PER_DATAPOINT:
        raise InvalidInput(
            "An id is larger than a request", value=f"{size:,} bytes", source=source, accepted=f"{BYTES_PER_DATAPOINT:,} bytes"
        )  # fmt: skip


def _refuse_repeated(read: Read[str], suspects: set[int]) -> None:
    first: dict[str, int] = {}
    for number, (source, id_) in enumerate(read(), start=1):
        if hash(id_) in suspects and (before := first.setdefault(id_, number)) != number:
            raise InvalidInput(
                "An id occurs twice", value=id_, source=f"{source}, and number {before} before it"
            )


def _read(path: Path) -> Iterator[tuple[str, Datapoint]]:
    for number, line in filled_lines(path):
        source = f"{path} line {number}"
        yield source, datapoint_of(line, source)


def _read_ids(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in lines(path):
        source = f"{path} line {number}"
        if not line:
            continue
        if path.suffix == ".jsonl":
            id_ = json_of(line, source)
            if not isinstance(id_, str):
                raise InvalidInput(
                    "Not an id", value=line[:80].decode(), source=source,
                    accepted='a JSON string per line, such as "17", in a file whose name ends in .jsonl',
                )  # fmt: skip
            yield source, id_
            continue
        try:
            yield source, line.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("An id is not UTF-8", value=line[:80], source=source) from error
