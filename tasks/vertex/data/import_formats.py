"""The two formats that import files are written in, JSON lines and Avro: the same records, so the same content.

Formats: Vertex AI documentation, "Input data format and structure". Both are written byte for byte the same for the same rows: an
upload skips what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import BinaryIO, Literal

import google_crc32c
import orjson

from tasks.vertex.data import avro
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.rules import DatapointRules

ImportFormat = Literal["jsonl", "avro"]
SUFFIXES: dict[ImportFormat, str] = {"jsonl": "json", "avro": "avro"}
"""The suffix of an object decides how the service reads it."""
FLOAT_BYTES: dict[ImportFormat, int] = {"jsonl": 16, "avro": 4}
"""Most bytes of one float32: in JSON 15 characters at most (-1.17549435e-38), and a comma."""
SPARSE_BYTES: dict[ImportFormat, int] = {"jsonl": 24, "avro": 8}
"""Bytes of a sparse value and its dimension, which is an int64 but hardly ever beyond eight digits."""
GROUP_BYTES = 16_000
"""Bytes of records that are handed over together, or a little more: in Avro a block, and fastavro's default for one."""
WRITTEN_AT_ONCE = 2**18
"""Bytes: a call and a checksum for every record cost a third as much as its JSON."""
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


class Checked:
    """A file that counts its bytes and their checksum, and writes many at once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._waiting = out, list[bytes]()
        self.size = self.crc = self._written = 0

    def write(self, content: bytes) -> None:
        """Add these bytes."""
        self.size += len(content)
        self._waiting.append(content)
        if self.size - self._written >= WRITTEN_AT_ONCE:
            self._write_waiting()

    def close(self) -> None:
        """Write the rest, and no more."""
        with closing(self._out):
            self._write_waiting()

    def _write_waiting(self) -> None:
        waiting, self._written = b"".join(self._waiting), self.size
        self._waiting.clear()
        if waiting:
            self._out.write(waiting)
            self.crc = google_crc32c.extend(self.crc, waiting)


class JsonLines:
    """One record a line. orjson writes every float32 so that it reads back bit for bit."""

    head_bytes = 0
    """Most bytes of a group beside its records."""

    def __init__(self, out: Checked) -> None:
        self._out = out

    @staticmethod
    def encoded_rows(block: Block, rules: DatapointRules) -> Iterable[bytes]:
        """The records of a block, as `write` takes them."""
        return map(partial(orjson.dumps, option=_JSON), rules.records(block))

    def write(self, group: Sequence[bytes]) -> None:
        """Add encoded records."""
        self._out.write(b"".join(group))


class AvroFile:
    """An Avro object container file, not compressed. Every group is a block."""

    head_bytes = avro.BLOCK_HEAD

    def __init__(self, out: Checked) -> None:
        self._out = out
        out.write(avro.header())

    encoded_rows = staticmethod(avro.encoded_rows)

    def write(self, group: Sequence[bytes]) -> None:
        """Add encoded records."""
        self._out.write(avro.block(group))


FILES: dict[ImportFormat, type[JsonLines | AvroFile]] = {"jsonl": JsonLines, "avro": AvroFile}
