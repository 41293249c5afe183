"""The two formats that import files are written in, JSON lines and Avro: the same records, so the same content.

Formats: Vertex AI documentation, "Input data format and structure". Both are written byte for byte the same for the same rows: an
upload skips what is there.
"""

from __future__ import annotations

from contextlib import closing
from typing import BinaryIO, Literal

import google_crc32c
import orjson

from tasks.vertex.data import avro
from tasks.vertex.data.rules import Record

ImportFormat = Literal["jsonl", "avro"]
SUFFIXES: dict[ImportFormat, str] = {"jsonl": "json", "avro": "avro"}
"""The suffix of an object decides how the service reads it."""
FLOAT_BYTES: dict[ImportFormat, int] = {"jsonl": 16, "avro": 4}
"""Most bytes of one float32: in JSON 15 characters at most (-1.17549435e-38), and a comma."""
SPARSE_BYTES: dict[ImportFormat, int] = {"jsonl": 24, "avro": 8}
"""Bytes of a sparse value and its dimension, which is an int64 but hardly ever beyond eight digits."""
WRITTEN_AT_ONCE = 2**18
"""Bytes: a call and a checksum for every record cost a third as much as its JSON."""
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


class Checked:
    """A file that counts its bytes and their checksum, and writes many at once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._waiting = out, bytearray()
        self.size = self.crc = 0

    def write(self, content: bytes | bytearray) -> None:
        """Add these bytes."""
        self.size += len(content)
        self._waiting += content
        if len(self._waiting) >= WRITTEN_AT_ONCE:
            self._write_waiting()

    def close(self) -> None:
        """Write the rest, and no more."""
        with closing(self._out):
            self._write_waiting()

    def _write_waiting(self) -> None:
        waiting, self._waiting = bytes(self._waiting), bytearray()
        if waiting:
            self._out.write(waiting)
            self.crc = google_crc32c.extend(self.crc, waiting)


class JsonLines:
    """One record a line. orjson writes every float32 so that it reads back bit for bit."""

    def __init__(self, out: Checked) -> None:
        self._out = out
        self.write = out.write

    @staticmethod
    def encoded(record: Record) -> bytes:
        """What `write` takes."""
        return orjson.dumps(record, option=_JSON)

    @property
    def size(self) -> int:
        """Bytes of the file, if it ends here."""
        return self._out.size

    def finish(self) -> None:
        """Nothing is left to write."""


class AvroFile:
    """An Avro object container file, not compressed."""

    def __init__(self, out: Checked) -> None:
        self._out, self._block, self._count = out, bytearray(), 0
        out.write(avro.header())

    encoded = staticmethod(avro.encoded)

    @property
    def size(self) -> int:
        """Most bytes of the file, if it ends after one more record of no length."""
        return self._out.size + len(self._block) + avro.BLOCK_HEAD

    def write(self, encoded: bytes) -> None:
        """Add a record."""
        self._block += encoded
        self._count += 1
        if len(self._block) >= avro.BLOCK:
            self.finish()

    def finish(self) -> None:
        """Write the records that wait for their block to be full."""
        if self._count:
            self._out.write(avro.block(self._block, self._count))
            self._block.clear()
            self._count = 0


FILES: dict[ImportFormat, type[JsonLines | AvroFile]] = {"jsonl": JsonLines, "avro": AvroFile}
