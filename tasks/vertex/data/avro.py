"""Import files in Avro, written by hand: ten times as fast as fastavro, which looks at every float (benchmarks/import_files.py).

The schema is the one printed in "Input data format and structure" (Vertex AI documentation), in which `value_int` is an Avro int of 32 bits.
The encoding is that of the Avro specification 1.12, "Binary Encoding" and "Object Container Files", and byte for byte what
fastavro writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import repeat
from typing import Any

import fastavro
import numpy as np
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.rules import (
    DatapointRules,
    NumericRecord,
    Record,
    RestrictRecord,
    SparseRecord,
    numbers_at,
)

BLOCK_HEAD = 10 + 10 + 16
"""Most bytes of a block beside its records: how many there are, their bytes, the marker."""
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


def _items(kind: Any) -> dict[str, Any]:
    return {"type": "array", "items": kind}


SCHEMA = _record(
    "FeatureVector",
    id="string",
    embedding=_maybe(_items("float")),
    sparse_embedding=_maybe(_record("sparse_embedding", values=_items("float"), dimensions=_items("long"))),
    restricts=_maybe(
        _items(
            _record(
                "restrict",
                namespace="string",
                allow=_maybe(_items("string")),
                deny=_maybe(_items("string")),
            )
        )
    ),
    numeric_restricts=_maybe(
        _items(
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


def header() -> bytes:
    """What a file begins with: the schema and the sync marker."""
    out = BytesIO()
    fastavro.writer(out, SCHEMA, [], sync_marker=_MARKER)
    return out.getvalue()


def block(records: Sequence[bytes]) -> bytes:
    """Encoded records as a block of a file."""
    return b"".join((_long(len(records)), _long(sum(map(len, records))), *records, _MARKER))


def encoded_rows(block: Block, rules: DatapointRules) -> Iterable[bytes]:
    """The records of a block in their order: the bytes that ``encoded`` makes of each of ``rules.records``.

    Raises:
        OutsideInt32, NoMetadataInAvro: a number or metadata has no place in the schema.
    """
    if block.sparse is not None or block.present is not None or block.attached:
        return map(encoded, rules.records(block))
    # Field by field, each of all rows: half the time of record by record, whose calls cost more than its bytes.
    ids = _all_texts(block.ids)
    fields = (
        ids,
        repeat(_SOME + _long(block.vectors.shape[1])),
        _all_vectors(block.vectors),
        repeat(_END + _NULL),
        _all_restricts(block, rules, ids),
        _all_numbers(block, rules),
        [_SOME + _name(tag) if tag else _NULL for tag in rules.tags(block)],
    )
    return map(b"".join, zip(*fields, strict=False))


def encoded(record: Record) -> bytes:
    """A record.

    Raises:
        OutsideInt32, NoMetadataInAvro: a number or metadata has no place in the schema.
    """
    if "embedding_metadata" in record:
        raise NoMetadataInAvro(id=record["id"])
    # Flat, as below: to join the parts of a vector first would copy it once more.
    vector = _floats(record["embedding"]) if "embedding" in record else ()
    return b"".join(
        (
            _text(record["id"]),
            _SOME if vector else _NULL,
            *vector,
            _sparse(record["sparse_embedding"]) if "sparse_embedding" in record else _NULL,
            _restricts(record["restricts"]) if "restricts" in record else _NULL,
            _numbers(record["id"], record["numeric_restricts"]) if "numeric_restricts" in record else _NULL,
            _SOME + _name(record["crowding_tag"]) if "crowding_tag" in record else _NULL,
        )
    )


_NULL, _SOME = b"\0", b"\2"
"""Which member of a union follows: null, or a value of the only other type."""


def _all_texts(texts: Iterable[str]) -> list[bytes]:
    return [_long(len(raw)) + raw for raw in map(str.encode, texts)]


def _all_vectors(vectors: NDArray[np.float32]) -> Iterator[memoryview]:
    raw, row = vectors.astype(_FLOAT, copy=False).data.cast("B"), vectors.shape[1] * _FLOAT.itemsize
    return (raw[start : start + row] for start in range(0, len(raw), row))


def _all_restricts(block: Block, rules: DatapointRules, ids: Sequence[bytes]) -> Iterable[bytes]:
    own = [(rules.restrict_namespace, ids)] if rules.restrict_namespace else []
    tokens = [(name, _all_texts(tokens)) for name, tokens in rules.token_columns(block)]
    restricts = [_restricts_in(name, texts) for name, texts in (*own, *tokens)]
    return map(_array, zip(*restricts, strict=True)) if restricts else repeat(_NULL)


def _restricts_in(namespace: str, texts: Iterable[bytes]) -> list[bytes]:
    """The restrict of each row that allows one token; nothing for an empty one."""
    before, after = _name(namespace) + _ONE, _END + _NULL
    return [before + text + after if text != _NO_TEXT else b"" for text in texts]


def _all_numbers(block: Block, rules: DatapointRules) -> Iterable[bytes]:
    columns = rules.number_columns(block)
    if not columns:
        return repeat(_NULL)
    of_rows = [numbers_at(row, columns) for row in range(len(block.ids))]
    return [_numbers(*row) if row[1] else _NULL for row in zip(block.ids, of_rows, strict=True)]


def _array(parts: Sequence[bytes]) -> bytes:
    """What is there of these parts, as an array; null if nothing is."""
    count = len(parts) - parts.count(b"")
    return b"".join((_SOME, _long(count), *parts, _END)) if count else _NULL


def _sparse(sparse: SparseRecord) -> bytes:
    return b"".join((_SOME, *_floats(sparse["values"]), _longs(sparse["dimensions"])))


def _restricts(restricts: Sequence[RestrictRecord]) -> bytes:
    # One list of parts for all: a call that encodes each array of each restrict takes half as long again.
    parts = [_SOME, _long(len(restricts))]
    for restrict in restricts:
        parts += (_name(restrict["namespace"]), _texts(restrict.get("allow")), _texts(restrict.get("deny")))
    parts.append(_END)
    return b"".join(parts) if restricts else _EMPTY


def _texts(texts: Sequence[str] | None) -> bytes:
    if texts is None:
        return _NULL
    if len(texts) == 1:  # as of almost every namespace
        return _ONE + _text(texts[0]) + _END
    return b"".join((_SOME, _long(len(texts)), *map(_text, texts), _END)) if texts else _EMPTY


def _numbers(id_: str, numbers: Sequence[NumericRecord]) -> bytes:
    parts = [_SOME, _long(len(numbers))]
    for number in numbers:
        integer = number.get("value_int")
        if integer is not None and not -_INT32 <= integer < _INT32:
            raise OutsideInt32(id=id_, namespace=number["namespace"], number=integer)
        parts += (
            _name(number["namespace"]),
            _SOME + _long(number["value_int"]) if "value_int" in number else _NULL,
            _SOME + struct.pack("<f", number["value_float"]) if "value_float" in number else _NULL,
            _SOME + struct.pack("<d", number["value_double"]) if "value_double" in number else _NULL,
        )
    parts.append(_END)
    return b"".join(parts) if numbers else _EMPTY


def _floats(numbers: NDArray[np.float32]) -> tuple[bytes, bytes, bytes]:
    return _long(len(numbers)), numbers.astype(_FLOAT, copy=False).tobytes(), _END


def _longs(numbers: NDArray[np.int64]) -> bytes:
    digits = (numbers << 1 ^ numbers >> 63).astype(np.uint64)[:, None] >> _SHIFTS
    written = digits > 0
    written[:, 0] = True
    is_followed = np.zeros(written.shape, np.uint8)
    is_followed[:, :-1] = written[:, 1:]
    raw = (digits & 0x7F).astype(np.uint8) | is_followed << 7
    return b"".join((_long(len(numbers)), raw[written].tobytes(), _END))


_END = b"\0"
"""The empty block after the last items of an array, and all there is of an empty one."""
_NO_TEXT = b"\0"
"""A text of no characters."""
_FLOAT = np.dtype("<f4")
_SHIFTS = np.arange(0, 64, 7, dtype=np.uint64)


_EMPTY = _SOME + _END


def _text(text: str) -> bytes:
    raw = text.encode()
    return _long(len(raw)) + raw


_name = lru_cache(1024)(_text)
"""A text that many records have: a namespace or a crowding tag."""


@lru_cache(1024)
def _long(number: int) -> bytes:
    """An int or long: zigzag, then seven bits a byte, the lowest first."""
    left, raw = number << 1 ^ number >> 63, bytearray()
    while left > 0x7F:
        raw.append(left & 0x7F | 0x80)
        left >>= 7
    raw.append(left)
    return bytes(raw)


_ONE = _SOME + _long(1)
