"""The messages of the private MatchService, in a descriptor pool of their own.

Why not compiled code: protobuf keeps one pool for the whole process and lets a full name be registered once. The SDK
registers the same names, under another file name, the moment anything imports ``google.cloud.aiplatform``; whoever
comes second fails with "duplicate symbol". A private pool has no such neighbor, so import order does not matter and
the SDK may change its copy. The bytes on the wire are the same.

It registers nothing in the default pool and does not import the SDK. A message of this module and the SDK's class of
the same name are different Python types; to go from one to the other, serialize and parse. That holds for the two
imported types as well: ``Status`` and ``Struct`` here are this pool's, not ``google.rpc.status_pb2.Status``.

The types that a checker sees are in messages.pyi, written by ``python -m protos.generate``.
"""

from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message

DESCRIPTOR_SET = Path(__file__).with_name("match_service.binpb")


def _load(descriptor_set: Path) -> descriptor_pool.DescriptorPool:
    """A pool with every file of the set; protoc writes them so that imports come first."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_pool = _load(DESCRIPTOR_SET)
DESCRIPTOR: FileDescriptor = _pool.FindFileByName("match_service.proto")


def _message(full_name: str) -> type[Message]:
    """The class of a message, with its nested messages as attributes, as a compiled module would have them."""
    message_class = message_factory.GetMessageClass(_pool.FindMessageTypeByName(full_name))
    for nested in message_class.DESCRIPTOR.nested_types:
        if not hasattr(message_class, nested.name):  # protobuf in pure Python leaves this to the caller
            setattr(message_class, nested.name, _message(nested.full_name))
    return message_class


BatchGetEmbeddingsRequest = _message(f"{DESCRIPTOR.package}.BatchGetEmbeddingsRequest")
BatchGetEmbeddingsResponse = _message(f"{DESCRIPTOR.package}.BatchGetEmbeddingsResponse")
BatchMatchRequest = _message(f"{DESCRIPTOR.package}.BatchMatchRequest")
BatchMatchResponse = _message(f"{DESCRIPTOR.package}.BatchMatchResponse")
Embedding = _message(f"{DESCRIPTOR.package}.Embedding")
MatchRequest = _message(f"{DESCRIPTOR.package}.MatchRequest")
MatchResponse = _message(f"{DESCRIPTOR.package}.MatchResponse")
Namespace = _message(f"{DESCRIPTOR.package}.Namespace")
NumericNamespace = _message(f"{DESCRIPTOR.package}.NumericNamespace")
SparseEmbedding = _message(f"{DESCRIPTOR.package}.SparseEmbedding")
Status = _message("google.rpc.Status")
Struct = _message("google.protobuf.Struct")
