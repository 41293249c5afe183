"""Import files: a folder of JSON lines that Vertex AI builds an index from.

Format and limits: Vertex AI documentation, "Input data format and structure": objects named *.json directly in the
folder, one record a line, at most 5,000 objects, each id once. orjson writes every float32 so that it reads back bit
for bit, but silently writes NaN as null; ``VectorFile.blocks`` never lets one through.

Nothing is uploaded here, and a file has its final name only when it is complete.
"""

from __future__ import annotations

import base64
import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import orjson

from tasks.vertex.data.content import ContentHash
from tasks.vertex.data.errors import DataChanged, NoRoom, TooManyImportFiles
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.vectors import VectorFile

SHARD_BYTES = 64 * 2**20
"""Bytes per file by default: large enough for few uploads, small enough to repeat a lost one quickly."""
MOST_FILES = 5000
"""The service's limit on objects in one import."""
FLOAT_BYTES = 16
"""A float32 in JSON has 15 characters at most (-1.17549435e-38), and a comma."""
ROW_BYTES = 256
"""A rough estimate for a row's id, restricts and crowding tag; usual numbers are much shorter than FLOAT_BYTES."""
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True, kw_only=True)
class ImportFile:
    """One whole file in the folder."""

    name: str
    """File name without the folder: ``datapoints-00000.json``."""
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
    shard_bytes: int = SHARD_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[ImportFile, ...]:
    """Write a validated file's rows into ``folder``, which is made if need be and then holds nothing older of ours.

    The same data, rules and ``shard_bytes`` give the same bytes, so an upload can skip what is already there.

    Args:
        file: open vectors, already validated.
        rules: restricts and crowding tags of each row.
        folder: where to write ``datapoints-*.json``.
        content: what the validation named the data; none does not compare.
        shard_bytes: the most bytes a file has, unless one record is longer.
        on_progress: ``on_progress(done, total)`` in rows, after every block.

    Raises:
        NoRoom: the disk has less than they may need, or is full before they are written.
        TooManyImportFiles: more than 5,000 files of that size.
        DataChanged: what was written is not what was validated; the files are whole and must not be used.
        InvalidInput: as ``VectorFile.blocks``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("datapoints-*.json"), *folder.glob("datapoints-*.json.part")):
        old.unlink()
    wanted, free = file.rows * (file.dimensions * FLOAT_BYTES + ROW_BYTES), shutil.disk_usage(folder).free
    if free < wanted:
        raise NoRoom(str(folder), wanted=wanted, free=free)
    shards = _Shards(folder, shard_bytes)
    written = ContentHash(rules, dimensions=file.dimensions)
    try:
        for block in file.blocks(rules.columns):
            written.add(block.vectors, block.ids, block.columns)
            for row, record in enumerate(rules.records(block), start=block.first_row):
                shards.write(row, orjson.dumps(record, option=_OPTIONS))
            if on_progress:
                on_progress(block.first_row + len(block.ids), file.rows)
        shards.finish()
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


class _Shards:
    """The file being written, under a name ending in .part until it is whole."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self._folder, self._shard_bytes = folder, shard_bytes
        self.written: list[ImportFile] = []
        self._out: BinaryIO | None = None
        self._part = folder
        self._first_row = self._last_row = self._size = self._crc = 0

    def write(self, row: int, line: bytes) -> None:
        if self._size + len(line) > self._shard_bytes:
            self.finish()
        if self._out is None:
            self._out = self._start(row)
        self._out.write(line)
        self._crc = google_crc32c.extend(self._crc, line)
        self._size += len(line)
        self._last_row = row

    def _start(self, row: int) -> BinaryIO:
        if len(self.written) == MOST_FILES:
            raise TooManyImportFiles(shard_bytes=self._shard_bytes, most=MOST_FILES)
        self._part = self._folder / f"datapoints-{len(self.written):05}.json.part"
        self._first_row, self._size, self._crc = row, 0, 0
        return self._part.open("wb")

    def finish(self) -> None:
        """Give the file its final name, if one is open."""
        if self._out is None:
            return
        self._out.close()
        self._out = None
        whole = self._part.replace(self._part.with_suffix(""))
        crc32c = base64.b64encode(self._crc.to_bytes(4, "big")).decode()
        self.written.append(
            ImportFile(
                name=whole.name,
                first_row=self._first_row,
                last_row=self._last_row,
                size=self._size,
                crc32c=crc32c,
            )
        )
        self._size = 0

    def abandon(self) -> None:
        """Remove what is half written, after an error."""
        if self._out is not None:
            with suppress(OSError):  # what is not written yet may find no room either
                self._out.close()
            self._part.unlink(missing_ok=True)
