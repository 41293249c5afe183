"""Incoming datapoints: what an upsert may contain, and the form in which the rows keep it.

Raw protobuf messages only: proto-plus would marshal every float of every vector, ten times slower (benchmarks/protobuf_messages.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from sandbox.vertex import errors
from sandbox.vertex.data.sparse import SparseVector

IndexDatapoint = v1.IndexDatapoint.pb()
MASKABLE = {
    "all_restricts": ("restricts", "numeric_restricts"),
    "embedding_metadata": ("embedding_metadata",),
}
"""What an update mask of UpsertDatapoints may name, and the fields that are then overwritten."""
UpsertRequest = v1.UpsertDatapointsRequest.pb()


def validate(datapoints: Iterable[Any], dimensions: int, *, masked: bool) -> None:
    """Check the datapoints of one upsert; all or none of them are accepted. With a mask they need no vectors.

    Raises:
        Refusal: naming the datapoint and what is wrong with it.
    """
    for datapoint in datapoints:
        name = datapoint.datapoint_id
        if not name:
            raise errors.INVALID_DATAPOINT.refusal(id=name, problem="datapoint_id is required.")
        if not masked:
            _check_vectors(name, datapoint, dimensions)
        if restricts := datapoint.restricts:
            _check_namespaces(name, restricts)
        if numbers := datapoint.numeric_restricts:
            _check_numbers(name, numbers)


def packed(sent: Iterable[Any]) -> Sequence[Any]:
    """Copies of datapoints whose feature_vector is bytes: float32, little-endian."""
    return _Packed.FromString(UpsertRequest(datapoints=sent).SerializeToString()).datapoints


def sparse_vector(embedding: Any) -> SparseVector | None:
    """The vector in a SparseEmbedding; None if it is empty, which clients send for none."""
    if not embedding.values and not embedding.dimensions:
        return None
    return SparseVector(tuple(embedding.dimensions), tuple(embedding.values))


def sparse_problem(dimensions: Sequence[int], values: Sequence[float]) -> str:
    """What is wrong with a sparse embedding; empty if nothing is. A dimension may be named twice."""
    if len(values) != len(dimensions):
        return f"the sparse embedding has {len(values)} values for {len(dimensions)} dimensions."
    if dimensions and min(dimensions) < 0:
        return f"the sparse embedding has the dimension {min(dimensions)}; dimensions must not be negative."
    if not all(map(math.isfinite, values)):
        return "the sparse embedding holds NaN or infinity."
    return ""


def _check_vectors(name: str, datapoint: Any, dimensions: int) -> None:
    dense = len(datapoint.feature_vector)
    if datapoint.HasField("sparse_embedding"):  # to look into one that is not there takes as long as all else
        sparse = datapoint.sparse_embedding
        if problem := sparse_problem(sparse.dimensions, sparse.values):
            raise errors.INVALID_DATAPOINT.refusal(id=name, problem=problem)
        if sparse.values and not dense:
            return
    if dense != dimensions:
        raise errors.DIMENSIONS.refusal(what=f"datapoint {name!r}", given=dense, expected=dimensions)


def _check_namespaces(name: str, restricts: Iterable[Any]) -> None:
    seen = [restrict.namespace for restrict in restricts]
    if len(set(seen)) < len(seen):
        raise errors.INVALID_DATAPOINT.refusal(id=name, problem="a namespace occurs twice.")
    if not all(seen):
        raise errors.INVALID_DATAPOINT.refusal(id=name, problem="a restrict has no namespace.")


def _check_numbers(name: str, numbers: Sequence[Any]) -> None:
    seen = {number.namespace for number in numbers}
    if len(seen) < len(numbers):
        raise errors.INVALID_DATAPOINT.refusal(id=name, problem="a namespace occurs twice.")
    for number in numbers:
        if not number.namespace:
            raise errors.INVALID_DATAPOINT.refusal(id=name, problem="a numeric restrict has no namespace.")
        if number.op:
            raise errors.INVALID_DATAPOINT.refusal(
                id=name, problem="op must not be specified for datapoints."
            )
        if number.WhichOneof("Value") is None:
            raise errors.INVALID_DATAPOINT.refusal(id=name, problem="a numeric restrict has no value.")


def _packed_request() -> Any:
    """A message that reads the bytes of an UpsertDatapointsRequest, and each vector in them as bytes.

    A repeated field of floats and one of bytes look the same when they are sent ("Encoding", Protocol Buffers documentation).
    """
    file = descriptor_pb2.FileDescriptorProto(name="packed.proto", package="sandbox", syntax="proto3")
    file.dependency.append(struct_pb2.DESCRIPTOR.name)
    datapoint, request = file.message_type.add(), file.message_type.add(name="Request")
    IndexDatapoint.DESCRIPTOR.CopyToProto(datapoint)
    for message in (datapoint, *datapoint.nested_type):
        for field in message.field:
            field.ClearField("options")
            if field.type_name:
                field.type_name = field.type_name.replace(
                    f".{IndexDatapoint.DESCRIPTOR.full_name}", ".sandbox.IndexDatapoint"
                )
            if field.name == "feature_vector":
                field.type, field.label = field.TYPE_BYTES, field.LABEL_OPTIONAL
    number = UpsertRequest.DESCRIPTOR.fields_by_name["datapoints"].number
    datapoints = request.field.add(name="datapoints", number=number, type_name=".sandbox.IndexDatapoint")
    datapoints.type, datapoints.label = datapoints.TYPE_MESSAGE, datapoints.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sandbox.Request"))


_Packed = _packed_request()
