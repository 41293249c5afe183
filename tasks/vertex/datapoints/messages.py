"""Our values as the messages of the two APIs, and back: IndexDatapoint of the public one, Embedding of the private one.

Raw protobuf messages throughout: proto-plus marshals every float by itself, which makes an upsert ten times slower
(benchmarks/datapoints.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.cloud import aiplatform_v1
from google.protobuf import json_format

from protos.match_service import Embedding, MatchRequest, Namespace, NumericNamespace
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import NumericFilter, NumericRestrict, Restrict
from tasks.vertex.datapoints.sparse import SparseVector
from tasks.vertex.datapoints.vectors import Floats

IndexDatapoint: Any = aiplatform_v1.IndexDatapoint.pb()
_PublicOperator: Any = aiplatform_v1.IndexDatapoint.NumericRestriction.Operator
BYTES_PER_DATAPOINT = 990_000
"""The most that fits into one request of tasks/vertex/streaming/updates.py, with its frame."""
_VALUES = ("value_int", "value_float", "value_double")


def _varint(number: int) -> bytes:
    raw = bytearray()
    while number > 0x7F:
        raw.append(number & 0x7F | 0x80)
        number >>= 7
    raw.append(number)
    return bytes(raw)


def _tag(message: Any, field: str) -> bytes:
    """What stands before a packed repeated field."""
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | 2)


_FEATURE_VECTOR, _FLOAT_VAL = _tag(IndexDatapoint, "feature_vector"), _tag(MatchRequest, "float_val")
_LITTLE_ENDIAN = np.dtype("<f4")


def index_datapoint(datapoint: Datapoint, *, restricts_only: bool = False) -> Any:
    """The message that an upsert sends.

    Args:
        datapoint: what to send.
        restricts_only: leave out all that the update mask `all_restricts` does not touch.
    """
    message = IndexDatapoint(datapoint_id=datapoint.id)
    add_public_filters(message, datapoint.restricts, datapoint.numeric_restricts)
    if not restricts_only:
        add_public_vectors(message, datapoint.vector, datapoint.sparse_embedding)
        if datapoint.crowding_tag is not None:
            message.crowding_tag.crowding_attribute = datapoint.crowding_tag
        if datapoint.embedding_metadata is not None:
            message.embedding_metadata.update(datapoint.embedding_metadata)
    return message


def _append(message: Any, tag: bytes, floats: Floats) -> None:
    """Extend a repeated field with floats as they are sent (Protocol Buffers, "Encoding"): twice as fast as with Python's numbers."""
    packed = floats.astype(_LITTLE_ENDIAN, copy=False).tobytes()
    message.MergeFromString(tag + _varint(len(packed)) + packed)


def add_public_vectors(message: Any, dense: Floats | None, sparse: SparseVector | None) -> None:
    """Put vectors into an IndexDatapoint, of an upsert or of a query."""
    if dense is not None:
        _append(message, _FEATURE_VECTOR, dense)
    if sparse is not None:
        message.sparse_embedding.values.extend(sparse.values.tolist())
        message.sparse_embedding.dimensions.extend(sparse.dimensions.tolist())


def add_private_vectors(message: MatchRequest, dense: Floats | None, sparse: SparseVector | None) -> None:
    """Put a query's vectors into a MatchRequest."""
    if dense is not None:
        _append(message, _FLOAT_VAL, dense)
    if sparse is not None:
        message.sparse_embedding.float_val.extend(sparse.values.tolist())
        message.sparse_embedding.dimension.extend(sparse.dimensions.tolist())


def add_public_filters(
    message: Any, restricts: Sequence[Restrict], numeric: Sequence[NumericRestrict]
) -> None:
    """Put restricts into an IndexDatapoint, of an upsert or of a query."""
    for restrict in restricts:
        message.restricts.add(
            namespace=restrict.namespace, allow_list=restrict.allow, deny_list=restrict.deny
        )
    for number in numeric:
        added = message.numeric_restricts.add(namespace=number.namespace)
        setattr(added, number.field, getattr(number, number.field))
        if isinstance(number, NumericFilter):
            added.op = _PublicOperator[number.op].value


def add_private_filters(
    message: MatchRequest, restricts: Sequence[Restrict], numeric: Sequence[NumericFilter]
) -> None:
    """Put a query's restricts into a MatchRequest."""
    for restrict in restricts:
        message.restricts.append(
            Namespace(name=restrict.namespace, allow_tokens=restrict.allow, deny_tokens=restrict.deny)
        )
    for number in numeric:
        added = NumericNamespace(name=number.namespace, op=number.op)
        setattr(added, number.field, getattr(number, number.field))
        message.numeric_restricts.append(added)


def from_index_datapoint(message: Any) -> Datapoint:
    """A datapoint as a public endpoint returns it."""
    return Datapoint(
        id=message.datapoint_id,
        vector=_vector(message.feature_vector),
        sparse_embedding=_sparse(message.sparse_embedding.values, message.sparse_embedding.dimensions),
        restricts=tuple(
            Restrict(namespace=r.namespace, allow=tuple(r.allow_list), deny=tuple(r.deny_list))
            for r in message.restricts
        ),
        numeric_restricts=tuple(_number(n.namespace, n) for n in message.numeric_restricts),
        crowding_tag=message.crowding_tag.crowding_attribute or None,
        embedding_metadata=_metadata(message),
    )


def from_embedding(message: Embedding) -> Datapoint:
    """A datapoint as a private endpoint returns it: its crowding tag is an integer of undocumented meaning."""
    return Datapoint(
        id=message.id,
        vector=_vector(message.float_val),
        sparse_embedding=_sparse(message.sparse_embedding.float_val, message.sparse_embedding.dimension),
        restricts=tuple(
            Restrict(namespace=r.name, allow=tuple(r.allow_tokens), deny=tuple(r.deny_tokens))
            for r in message.restricts
        ),
        numeric_restricts=tuple(_number(n.name, n) for n in message.numeric_restricts),
        crowding_tag=str(message.crowding_attribute) if message.crowding_attribute else None,
        embedding_metadata=_metadata(message),
    )


def _vector(field: Any) -> Floats | None:
    return np.array(field, dtype=np.float32) if len(field) else None


def _sparse(values: Any, dimensions: Any) -> SparseVector | None:
    if not values and not dimensions:
        return None
    return SparseVector(
        values=np.array(values, dtype=np.float32), dimensions=np.array(dimensions, dtype=np.int64)
    )


def _metadata(message: Any) -> dict[str, Any] | None:
    if not message.HasField("embedding_metadata"):
        return None
    return json_format.MessageToDict(message.embedding_metadata)


def _number(namespace: str, message: Any) -> NumericRestrict:
    (field,) = (name for name in _VALUES if message.HasField(name))
    return NumericRestrict.model_validate({"namespace": namespace, field: getattr(message, field)})
