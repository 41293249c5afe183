"""The two ways to a served index: FindNeighbors of a public endpoint, MatchService of a private one.

The endpoint's kind decides. Nothing is retried here, and an index that failed within a batch raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

import grpc
from google.api_core import exceptions as google
from google.cloud import aiplatform_v1

from protos.match_service import (
    BatchGetEmbeddingsRequest,
    BatchMatchRequest,
    BatchMatchResponse,
    MatchRequest,
    MatchResponse,
    MatchServiceStub,
)
from tasks.calls import ServiceUnwell
from tasks.errors import InvalidInput, TransientError
from tasks.program import command
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.messages import (
    add_private_filters,
    add_private_vectors,
    add_public_filters,
    add_public_vectors,
    from_embedding,
    from_index_datapoint,
)
from tasks.vertex.queries.neighbors import Neighbor, Query
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings

Request = TypeVar("Request")
Answer = TypeVar("Answer")

PRIVATE_PORT = 10000
"""Fixed by the service, whatever the address."""

_FindNeighborsRequest: Any = aiplatform_v1.FindNeighborsRequest.pb()
_FindNeighborsResponse: Any = aiplatform_v1.FindNeighborsResponse
_ReadIndexDatapointsRequest: Any = aiplatform_v1.ReadIndexDatapointsRequest.pb()
_ReadIndexDatapointsResponse: Any = aiplatform_v1.ReadIndexDatapointsResponse


class PrivateAddressUnreachable(TransientError):
    """Nothing answers at a private address."""

    def __init__(self, doing: str, *, address: str, region: str, status: str, said: str) -> None:
        self.doing, self.address, self.region, self.status, self.said = doing, address, region, status, said
        super().__init__(
            f"Could not {doing}: nothing answers at the private address {address} ({status}: {said}). It is reachable "
            f"only from the same VPC network and region: run this on a machine in {region} in the endpoint's network, and make "
            "sure that the firewall allows port 10000."
        )


class Matches(Protocol):
    """Queries and reads of one served index. A request is built before and read after the call that is timed."""

    def request(self, queries: Sequence[Query]) -> Any:
        """One message with all these queries."""
        ...

    def ask(self, request: Any) -> Any:
        """One round trip."""
        ...

    def neighbors(self, answer: Any) -> list[tuple[Neighbor, ...]]:
        """The neighbors of every query, in the order of the queries."""
        ...

    def datapoints_near(self, query: Query) -> list[Datapoint]:
        """The neighbors of one query in full: with their vectors, restricts and numbers."""
        ...

    def read(self, ids: Sequence[str]) -> list[Datapoint]:
        """Stored datapoints. That ids which are not there are left out of the answer is not documented."""
        ...


def matches(settings: VertexSettings, served: ServedIndex) -> Matches:
    """The way that fits the endpoint's kind."""
    return PublicMatches(settings, served) if served.kind == "public" else PrivateMatches(settings, served)


class PublicMatches:
    """FindNeighbors and ReadIndexDatapoints, through the official client."""

    def __init__(self, settings: VertexSettings, served: ServedIndex) -> None:
        self._served = served
        self._client = connect(settings).matches(served.address)

    def request(self, queries: Sequence[Query]) -> Any:
        """See Matches."""
        request = _FindNeighborsRequest(
            index_endpoint=self._served.endpoint, deployed_index_id=self._served.deployed_index_id
        )
        for query in queries:
            query.check(self._served)
            message = request.queries.add(
                neighbor_count=query.neighbor_count,
                per_crowding_attribute_neighbor_count=query.per_crowding_attribute_neighbor_count or 0,
                approximate_neighbor_count=query.approximate_neighbor_count or 0,
                fraction_leaf_nodes_to_search_override=query.fraction_leaf_nodes_to_search_override or 0,
            )
            message.datapoint.datapoint_id = query.datapoint_id or ""
            add_public_vectors(message.datapoint, query.vector, query.sparse_vector)
            if query.alpha is not None:
                message.rrf.SetInParent()  # an alpha of 0 alone would not be sent
                message.rrf.alpha = query.alpha
            add_public_filters(message.datapoint, query.restricts, query.numeric_restricts)
        return aiplatform_v1.FindNeighborsRequest.wrap(request)

    def ask(self, request: Any) -> Any:
        """See Matches."""
        with calling(f"query {self._served.name}"):
            return self._client.find_neighbors(request=request, timeout=CALL_SECONDS, retry=None)

    def neighbors(self, answer: Any) -> list[tuple[Neighbor, ...]]:
        """See Matches."""
        return [
            tuple(
                Neighbor(
                    found.datapoint.datapoint_id,
                    found.distance,
                    found.datapoint.crowding_tag.crowding_attribute,
                    found.sparse_distance,
                )
                for found in nearest.neighbors
            )
            for nearest in _FindNeighborsResponse.pb(answer).nearest_neighbors
        ]

    def datapoints_near(self, query: Query) -> list[Datapoint]:
        """See Matches."""
        request = self.request([query])
        request.return_full_datapoint = True
        (nearest,) = _FindNeighborsResponse.pb(self.ask(request)).nearest_neighbors
        return [from_index_datapoint(found.datapoint) for found in nearest.neighbors]

    def read(self, ids: Sequence[str]) -> list[Datapoint]:
        """See Matches."""
        request = _ReadIndexDatapointsRequest(
            index_endpoint=self._served.endpoint, deployed_index_id=self._served.deployed_index_id, ids=ids
        )
        wrapped = aiplatform_v1.ReadIndexDatapointsRequest.wrap(request)
        with calling(f"read datapoints of {self._served.name}"):
            answer = self._client.read_index_datapoints(request=wrapped, timeout=CALL_SECONDS, retry=None)
        return [
            from_index_datapoint(message) for message in _ReadIndexDatapointsResponse.pb(answer).datapoints
        ]


class PrivateMatches:
    """BatchMatch and BatchGetEmbeddings at the deployed index's own address."""

    def __init__(self, settings: VertexSettings, served: ServedIndex) -> None:
        if not served.address:
            raise InvalidInput(
                f"The service reports no private address of the deployed index {served.deployed_index_id}",
                remedy="Create a forwarding rule with "
                f"`{command('vertex network-ensure', name=served.name, private_service_connect=True)}`, or set VERTEX_PRIVATE_ADDRESS to the address of your own.",
            )
        self._served, self._region = served, settings.location
        self._address = f"{served.address}:{PRIVATE_PORT}"
        self._stub = MatchServiceStub(_channel(self._address))
        # With a colon after the scheme, as the official SDK sends it.
        token = settings.jwt and settings.jwt.get_secret_value()
        self._metadata = (("authorization", f"Bearer: {token}"),) if token else ()

    def request(self, queries: Sequence[Query]) -> BatchMatchRequest:
        """See Matches."""
        index = self._served.deployed_index_id
        per_index = BatchMatchRequest.BatchMatchRequestPerIndex(deployed_index_id=index)
        per_index.requests.extend(self.single(query) for query in queries)
        return BatchMatchRequest(requests=[per_index])

    def single(self, query: Query) -> MatchRequest:
        """One query as the method Match wants it."""
        query.check(self._served)
        message = MatchRequest(
            deployed_index_id=self._served.deployed_index_id,
            num_neighbors=query.neighbor_count,
            per_crowding_attribute_num_neighbors=query.per_crowding_attribute_neighbor_count or 0,
            approx_num_neighbors=query.approximate_neighbor_count or 0,
            fraction_leaf_nodes_to_search_override=query.fraction_leaf_nodes_to_search_override or 0,
            embedding_id=query.datapoint_id or "",
        )
        add_private_vectors(message, query.vector, query.sparse_vector)
        if query.alpha is not None:
            message.rrf.SetInParent()  # an alpha of 0 alone would not be sent
            message.rrf.alpha = query.alpha
        add_private_filters(message, query.restricts, query.numeric_restricts)
        return message

    def ask(self, request: BatchMatchRequest) -> BatchMatchResponse:
        """See Matches."""
        return self._call(f"query {self._served.name}", self._stub.BatchMatch, request)

    def neighbors(self, answer: BatchMatchResponse) -> list[tuple[Neighbor, ...]]:
        """See Matches.

        Raises:
            ServiceRefused, ServiceUnwell: the index failed within an answer that as a whole is fine.
        """
        return [
            tuple(
                Neighbor(
                    n.id,
                    n.distance,
                    str(n.crowding_attribute) if n.crowding_attribute else "",
                    n.sparse_distance,
                )
                for n in response.neighbor
            )
            for response in self._responses(answer)
        ]

    def datapoints_near(self, query: Query) -> list[Datapoint]:
        """See Matches."""
        request = self.request([query])
        request.requests[0].requests[0].embedding_enabled = True
        (response,) = self._responses(self.ask(request))
        return [from_embedding(message) for message in response.embeddings]

    def read(self, ids: Sequence[str]) -> list[Datapoint]:
        """See Matches."""
        request = BatchGetEmbeddingsRequest(deployed_index_id=self._served.deployed_index_id, id=ids)
        answer = self._call(f"read datapoints of {self._served.name}", self._stub.BatchGetEmbeddings, request)
        return [from_embedding(message) for message in answer.embeddings]

    def _responses(self, answer: BatchMatchResponse) -> Iterator[MatchResponse]:
        for per_index in answer.responses:
            if per_index.status.code:
                with calling(f"query {self._served.name}"):
                    raise google.from_grpc_status(per_index.status.code, per_index.status.message)
            yield from per_index.responses

    def _call(
        self, doing: str, method: grpc.UnaryUnaryMultiCallable[Request, Answer], request: Request
    ) -> Answer:
        try:
            with calling(doing):
                return method(request, timeout=CALL_SECONDS, metadata=self._metadata)
        except ServiceUnwell as error:
            if not isinstance(error.__cause__, grpc.RpcError) or error.__cause__.code() not in _SILENCE:  # pyright: ignore[reportAttributeAccessIssue]
                raise
            raise PrivateAddressUnreachable(
                doing, address=self._address, region=self._region, status=str(error.status), said=error.said
            ) from error.__cause__


_SILENCE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@cache
def _channel(target: str) -> grpc.Channel:
    # The default of 4 MiB is too small for 2,000 neighbors with their embeddings.
    return grpc.insecure_channel(target, options=[("grpc.max_receive_message_length", -1)])
