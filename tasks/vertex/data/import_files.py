"""Import files: a folder of JSON lines or Avro that Vertex AI builds an index from.

Limits: Vertex AI documentation, "Input data format and structure": objects named *.json or *.avro directly in the folder,
at most 5,000 objects, each id once. JSON would hold a null for NaN; ``VectorFile.blocks`` never lets one through.

Nothing is uploaded here, and a file has its final name only when it is complete.
"""

from __future__ import annotations

import base64
import errno
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.vertex.data.content import ContentHash
from tasks.vertex.data.errors import DataChanged, NoRoom, TooManyImportFiles
from tasks.vertex.data.import_formats import (
    FILES,
    FLOAT_BYTES,
    GROUP_BYTES,
    SPARSE_BYTES,
    SUFFIXES,
    AvroFile,
    Checked,
    ImportFormat,
    JsonLines,
)
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.vectors import VectorFile

SHARD_BYTES = 64 * 2**20
"""Bytes per file by default: large enough for few uploads, small enough to repeat a lost one quickly."""
MOST_FILES = 5000
"""The service's limit on objects in one import."""
ROW_BYTES = 256
"""A rough estimate for a row's id, restricts and crowding tag; usual numbers are much shorter than FLOAT_BYTES."""


@dataclass(frozen=True, kw_only=True)
class ImportFile:
    """One whole file in the folder."""

    name: str
    """File name without the folder: ``datapoints-00000.json`` or ``.avro``."""
    first_row: int
    last_row: int
    """Last row in the file, included; line n holds row first_row + n - 1."""
    size: int
    """Bytes."""
    crc32c: str
    """As Cloud Storage reports it: base64 of four bytes, most significant first."""


def write_import_files(
    file: VectorFile,
    rules: DatapointRules,
    folder: Path,
    *,
    content: str | None = None,
    import_format: ImportFormat = "jsonl",
    shard_bytes: int = SHARD_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[ImportFile, ...]:
    """Write a validated file's rows into ``folder``, which is made if need be and then holds nothing older of ours.

    The same data, rules and ``shard_bytes`` give the same bytes, so an upload can skip what is already there.

    Args:
        file: open vectors, already validated.
        rules: restricts and crowding tags of each row.
        folder: where to write ``datapoints-*.json`` or ``datapoints-*.avro``.
        content: what the validation named the data; none does not compare.
        import_format: JSON lines, or Avro, which is smaller.
        shard_bytes: the most bytes a file has, unless one record is longer.
        on_progress: ``on_progress(done, total)`` in rows, after every block.

    Raises:
        NoRoom: the disk has less than they may need, or is full before they are written.
        TooManyImportFiles: more than 5,000 files of that size.
        DataChanged: what was written is not what was validated; the files are whole and must not be used.
        OutsideInt32: a number that Avro import files cannot hold.
        InvalidInput: as ``VectorFile.blocks``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("datapoints-*"):
        old.unlink()
    wanted, free = _room(file, import_format), shutil.disk_usage(folder).free
    if free < wanted:
        raise NoRoom(str(folder), wanted=wanted, free=free)
    shards = _Shards(folder, shard_bytes, import_format)
    written = ContentHash(rules, dimensions=file.dimensions)
    try:
        for block in file.blocks(rules.columns):
            written.add(block)
            shards.write(block.first_row, FILES[import_format].encoded_rows(block, rules))
            if on_progress:
                on_progress(block.first_row + len(block.ids), file.rows)
        shards.finish(file.rows)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        # Something else filled it in the meantime.
        raise NoRoom(str(folder), wanted=wanted, free=shutil.disk_usage(folder).free) from error
    finally:
        shards.abandon()
    if content not in (None, written.hexdigest()):
        raise DataChanged(file.name, validated=content, written=written.hexdigest())
    return tuple(shards.written)


def _room(file: VectorFile, import_format: ImportFormat) -> int:
    """Bytes that the import files may have."""
    dense = file.rows * (file.dimensions * FLOAT_BYTES[import_format] + ROW_BYTES)
    return dense + (
        0 if file.sparse is None else file.sparse.values_in(file.rows) * SPARSE_BYTES[import_format]
    )


class _Shards:
    """The file being written, under a name ending in .part until it is whole."""

    def __init__(self, folder: Path, shard_bytes: int, import_format: ImportFormat) -> None:
        self._folder, self._shard_bytes = folder, shard_bytes
        self._format, self._suffix = FILES[import_format], SUFFIXES[import_format]
        self.written: list[ImportFile] = []
        self._open: tuple[Checked, JsonLines | AvroFile] | None = None
        self._part = folder
        self._group = list[bytes]()
        self._room = self._group_room = self._first_row = 0

    def write(self, first_row: int, records: Iterable[bytes]) -> None:
        # In groups, and with local names: with a call or two for every record, Avro takes a quarter longer.
        group, room, group_room, row = self._group, self._room, self._group_room, first_row
        for record in records:
            size = len(record)
            if size > room:
                self.finish(row)
                room, group_room = self._start(row)
            group.append(record)
            row += 1
            room -= size
            group_room -= size
            if group_room <= 0:
                room, group_room = self._write_group()
        self._room, self._group_room = room, group_room

    def _start(self, row: int) -> tuple[int, int]:
        if len(self.written) == MOST_FILES:
            raise TooManyImportFiles(shard_bytes=self._shard_bytes, most=MOST_FILES)
        self._part = self._folder / f"datapoints-{len(self.written):05}.{self._suffix}.part"
        self._first_row = row
        out = Checked(self._part.open("wb"))
        self._open = out, self._format(out)
        return self._write_group()

    def _write_group(self) -> tuple[int, int]:
        """Write what waits. Returns how many bytes of records the file and a new group have room for."""
        if self._open is None:
            return 0, 0
        out, records = self._open
        if self._group:
            records.write(self._group)
            self._group.clear()
        return self._shard_bytes - out.size - records.head_bytes, GROUP_BYTES

    def finish(self, next_row: int) -> None:
        """Give the file its final name, if one is open.

        Args:
            next_row: the first that it does not hold.
        """
        if self._open is None:
            return
        self._write_group()
        out, _ = self._open
        out.close()
        self._open = None
        whole = self._part.replace(self._part.with_suffix(""))
        self.written.append(
            ImportFile(
                name=whole.name,
                first_row=self._first_row,
                last_row=next_row - 1,
                size=out.size,
                crc32c=base64.b64encode(out.crc.to_bytes(4, "big")).decode(),
            )
        )

    def abandon(self) -> None:
        """Remove what is half written, after an error."""
        if self._open is not None:
            with suppress(OSError):  # what is not written yet may find no room either
                self._open[0].close()
            self._part.unlink(missing_ok=True)
