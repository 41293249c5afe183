"""The private MatchService as a client sees it: the service's name, its messages, a stub over a gRPC channel.

It opens no channels, does not retry and has no deadlines of its own: callers bring all three. A server needs
``SERVICE_NAME`` and the message classes only.
"""

import grpc

from protos.messages import (
    DESCRIPTOR,
    BatchGetEmbeddingsRequest,
    BatchGetEmbeddingsResponse,
    BatchMatchRequest,
    BatchMatchResponse,
    Embedding,
    MatchRequest,
    MatchResponse,
    Namespace,
    NumericNamespace,
    SparseEmbedding,
    Status,
    Struct,
)

__all__ = [
    "SERVICE_NAME",
    "BatchGetEmbeddingsRequest",
    "BatchGetEmbeddingsResponse",
    "BatchMatchRequest",
    "BatchMatchResponse",
    "Embedding",
    "MatchRequest",
    "MatchResponse",
    "MatchServiceStub",
    "Namespace",
    "NumericNamespace",
    "SparseEmbedding",
    "Status",
    "Struct",
]

SERVICE_NAME = f"{DESCRIPTOR.package}.MatchService"


class MatchServiceStub:
    """The three methods of the service as callables: ``stub.Match(request, timeout=..., metadata=...)``.

    ``timeout`` is in seconds and unlimited when left out. ``metadata`` is a tuple of (key, value) pairs; an
    endpoint with JWT authentication wants ``("authorization", "Bearer: <token>")``, with that colon. A call raises
    ``grpc.RpcError`` with ``code()`` and ``details()``. Answers over 4 MiB need a channel that was made with a larger
    ``grpc.max_receive_message_length``.
    """

    def __init__(self, channel: grpc.Channel) -> None:
        self.Match: grpc.UnaryUnaryMultiCallable[MatchRequest, MatchResponse] = channel.unary_unary(
            f"/{SERVICE_NAME}/Match",
            request_serializer=MatchRequest.SerializeToString,
            response_deserializer=MatchResponse.FromString,
        )
        self.BatchMatch: grpc.UnaryUnaryMultiCallable[BatchMatchRequest, BatchMatchResponse] = (
            channel.unary_unary(
                f"/{SERVICE_NAME}/BatchMatch",
                request_serializer=BatchMatchRequest.SerializeToString,
                response_deserializer=BatchMatchResponse.FromString,
            )
        )
        self.BatchGetEmbeddings: grpc.UnaryUnaryMultiCallable[
            BatchGetEmbeddingsRequest, BatchGetEmbeddingsResponse
        ] = channel.unary_unary(
            f"/{SERVICE_NAME}/BatchGetEmbeddings",
            request_serializer=BatchGetEmbeddingsRequest.SerializeToString,
            response_deserializer=BatchGetEmbeddingsResponse.FromString,
        )
