"""The two formats that import files are written in, JSON lines and Avro: the same records, so the same content.

Formats: Vertex AI documentation, "Input data format and structure"; the Avro schema is the one printed there, in which
`value_int` is an Avro int of 32 bits. Both are written byte for byte the same for the same rows: an upload skips what is there.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, cast

import fastavro
import google_crc32c
import orjson
from fastavro.write import Writer

from tasks.errors import InvalidInput
from tasks.vertex.data.rules import Record

ImportFormat = Literal["jsonl", "avro"]
SUFFIXES: dict[ImportFormat, str] = {"jsonl": "json", "avro": "avro"}
"""The suffix of an object decides how the service reads it."""
FLOAT_BYTES: dict[ImportFormat, int] = {"jsonl": 16, "avro": 4}
"""Most bytes of one float32: in JSON 15 characters at most (-1.17549435e-38), and a comma."""
SPARSE_BYTES: dict[ImportFormat, int] = {"jsonl": 24, "avro": 8}
"""Bytes of a sparse value and its dimension, which is an int64 but hardly ever beyond eight digits."""
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
_BLOCK = 16_000
"""Bytes of records between two sync markers."""
_MARKER = b"vector-searchops"
"""Between the blocks; a random one would make other bytes of the same rows."""
_INT32 = 2**31


def _maybe(kind: Any) -> list[Any]:
    return ["null", kind]


def _record(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": key, "type": of} for key, of in fields.items()],
    }


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


SCHEMA = _record(
    "FeatureVector",
    id="string",
    embedding=_maybe(_array("float")),
    sparse_embedding=_maybe(_record("sparse_embedding", values=_array("float"), dimensions=_array("long"))),
    restricts=_maybe(
        _array(
            _record(
                "restrict",
                namespace="string",
                allow=_maybe(_array("string")),
                deny=_maybe(_array("string")),
            )
        )
    ),
    numeric_restricts=_maybe(
        _array(
            _record(
                "numeric_restrict",
                namespace="string",
                value_int=_maybe("int"),
                value_float=_maybe("float"),
                value_double=_maybe("double"),
            )
        )
    ),
    crowding_tag=_maybe("string"),
)
_PARSED = fastavro.parse_schema(SCHEMA)


class OutsideInt32(InvalidInput):
    """An integer that the service's Avro schema has no room for."""

    def __init__(self, *, id: str, namespace: str, number: int) -> None:  # noqa: A002
        self.id, self.namespace, self.number = id, namespace, number
        super().__init__(
            f"The number of datapoint {id!r} in the namespace {namespace!r} does not fit into an Avro import file",
            value=number,
            accepted=f"integers from {-_INT32} to {_INT32 - 1}; in JSON lines up to 64 bits",
            remedy="Use --import-format jsonl.",
        )


class NoMetadataInAvro(InvalidInput):
    """Metadata, which the service's Avro schema has no field for."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        self.id = id
        super().__init__(
            f"The datapoint {id!r} has embedding_metadata, for which the schema of Avro import files has no field",
            accepted="records without embedding_metadata, or JSON lines",
            remedy="Use --import-format jsonl.",
        )


class Out(Protocol):
    """Where bytes go."""

    def write(self, content: bytes | bytearray, /) -> Any:
        """Write all of it."""
        ...

    def flush(self) -> None:
        """Hand it on."""
        ...

    def close(self) -> None:
        """Write the rest, and no more."""
        ...


class Checked:
    """A file that counts its bytes and their checksum."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.size = self.crc = 0

    def write(self, content: bytes | bytearray) -> int:
        """Write all of it."""
        self._out.write(content)
        self.crc = google_crc32c.extend(self.crc, bytes(content))  # which is no copy of what is bytes already
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Hand it on."""
        self._out.flush()

    def close(self) -> None:
        """Write the rest, and no more."""
        self._out.close()

    def seekable(self) -> bool:
        """It is written from front to back."""
        return False


class JsonLines:
    """One record a line. orjson writes every float32 so that it reads back bit for bit."""

    def __init__(self, out: Checked) -> None:
        self._out = out

    @staticmethod
    def encoded(record: Record) -> tuple[bytes, int]:
        """What `write` takes, and the most bytes that it adds."""
        line = orjson.dumps(record, option=_JSON)
        return line, len(line)

    def write(self, encoded: Any) -> None:
        """Add a record."""
        self._out.write(encoded)

    def finish(self) -> None:
        """Nothing is left to write."""


class AvroFile:
    """An Avro object container file, not compressed."""

    def __init__(self, out: Checked) -> None:
        self._writer = Writer(cast("Any", out), _PARSED, sync_interval=_BLOCK, sync_marker=_MARKER)

    @staticmethod
    def encoded(record: Record) -> tuple[dict[str, Any], int]:
        """What `write` takes, and the most bytes that it adds: those that wait for their block included.

        Raises:
            OutsideInt32, NoMetadataInAvro: a number or metadata has no place in the schema.
        """
        whole = cast("dict[str, Any]", dict(record))
        if "embedding_metadata" in whole:
            raise NoMetadataInAvro(id=record["id"])
        vector, sparse = whole.pop("embedding", None), whole.pop("sparse_embedding", None)
        for number in record.get("numeric_restricts", ()):
            integer = number.get("value_int")
            if integer is not None and not -_INT32 <= integer < _INT32:
                raise OutsideInt32(id=record["id"], namespace=number.get("namespace", ""), number=integer)
        most = 2 * len(orjson.dumps(whole)) + _BLOCK + 100
        # Which member of the union it is, is said: otherwise fastavro looks at every number of it.
        if vector is not None:
            most += 4 * len(vector)
            whole["embedding"] = ("array", vector.tolist())
        if sparse is not None:
            most += 14 * len(sparse["values"])
            lists = {name: numbers.tolist() for name, numbers in sparse.items()}
            whole["sparse_embedding"] = ("sparse_embedding", lists)
        return whole, most

    def write(self, encoded: Any) -> None:
        """Add a record."""
        self._writer.write(encoded)

    def finish(self) -> None:
        """Write the last block."""
        self._writer.flush()


ENCODERS: dict[ImportFormat, type[JsonLines | AvroFile]] = {"jsonl": JsonLines, "avro": AvroFile}
