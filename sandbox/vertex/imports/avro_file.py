"""The records of an .avro import file. The schema that it was written with is the file's own matter: the fields count."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import fastavro

from sandbox.vertex.imports.records import ErrorType, RecordError

_DAMAGE = (ValueError, EOFError, LookupError, TypeError, OverflowError, MemoryError, struct.error, zlib.error)


def avro_records(file: BinaryIO) -> Iterator[tuple[dict[str, Any], dict[str, Any] | RecordError]]:
    """Each record twice, as it is and as what it says; damage ends the file with an error in place of a record."""
    try:
        for record in fastavro.reader(file):
            if isinstance(record, dict):
                yield record, record
            else:
                yield {}, RecordError(ErrorType.INVALID_AVRO_SYNTAX, "The file's schema is not a record.")
    except _DAMAGE as error:
        yield {}, RecordError(ErrorType.INVALID_AVRO_SYNTAX, f"The file is not valid Avro: {error}")
