"""The private MatchService (container.v1) of one deployed index, for peered networks and Private Service Connect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from protos import match_service as container
from sandbox.vertex import errors
from sandbox.vertex.data.datapoints import sparse_vector
from sandbox.vertex.data.query import Hit
from sandbox.vertex.data.restricts import Number, Tokens
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.data.sparse import SparseVector
from sandbox.vertex.matching.queries import Queries
from sandbox.vertex.matching.questions import Question
from sandbox.vertex.store import Deployment

# v1beta1 has fewer fields, all of them under the same names and numbers.
CONTAINER_SERVICES = (container.SERVICE_NAME, container.SERVICE_NAME.replace(".v1.", ".v1beta1."))


class ContainerMatchService:
    """Methods in the order of match_service.proto."""

    def __init__(
        self, deployed_index_id: str, deployed: Callable[[], Deployment | None], queries: Queries
    ) -> None:
        self._id = deployed_index_id
        self._deployed = deployed
        self._queries = queries

    def Match(self, request: Any) -> Any:
        """The neighbors of one query."""
        self._check_id(request.deployed_index_id)
        return self._answer([request])[0]

    def BatchMatch(self, request: Any) -> Any:
        """The neighbors of many queries; an error is reported in the status of its deployed index.

        The official SDK never reads that status and would show an empty answer, so the call itself fails when it
        answers nothing, as with the one deployed index that the SDK asks.

        Raises:
            Refusal: that of the first deployed index, if all are refused.
        """
        response, refusals = container.BatchMatchResponse(), list[errors.Refusal]()
        for group in request.requests:
            answered = response.responses.add(deployed_index_id=group.deployed_index_id)
            try:
                self._check_id(group.deployed_index_id)
                answered.responses.extend(self._answer(group.requests))
            except errors.Refusal as refusal:
                answered.status.code, answered.status.message = refusal.number, refusal.text
                refusals.append(refusal)
        if refusals and len(refusals) == len(request.requests):
            raise refusals[0]
        return response

    def BatchGetEmbeddings(self, request: Any) -> Any:
        """The datapoints with these ids; unknown ids are ignored."""
        self._check_id(request.deployed_index_id)

        def read(searcher: Searcher) -> list[Any]:
            rows = [searcher.corpus.row_of[name] for name in request.id if name in searcher.corpus.row_of]
            return [_embedding(searcher, row) for row in rows]

        return container.BatchGetEmbeddingsResponse(embeddings=self._queries.read(self._deployment(), read))

    def _check_id(self, deployed_index_id: str) -> None:
        if deployed_index_id != self._id:
            raise errors.DEPLOYED_INDEX_NOT_FOUND.refusal(id=deployed_index_id, endpoint="at this address")

    def _deployment(self) -> Deployment:
        found = self._deployed()
        if found is None:
            raise errors.DEPLOYED_INDEX_NOT_FOUND.refusal(id=self._id, endpoint="at this address")
        return found

    def _answer(self, requests: Any) -> list[Any]:
        answers = self._queries.ask(self._deployment(), [_question(each) for each in requests], _neighbors)
        responses = []
        for request, (response, embeddings) in zip(requests, answers, strict=True):
            if request.embedding_enabled:
                response.embeddings.extend(embeddings())
            responses.append(response)
        return responses


def crowding_number(tag: str) -> int:
    """The int64 that stands for a tag here: 63 bits of its hash. What the service returns is not documented."""
    if not tag:
        return 0
    return int.from_bytes(hashlib.blake2b(tag.encode(), digest_size=8).digest(), "big") >> 1


def _neighbors(searcher: Searcher, hits: list[Hit]) -> tuple[Any, Callable[[], list[Any]]]:
    corpus, response = searcher.corpus, container.MatchResponse()
    for hit in hits:
        response.neighbor.add(
            id=corpus.names[hit.row],
            distance=hit.distance,
            sparse_distance=hit.sparse_distance,
            crowding_attribute=crowding_number(corpus.tag(hit.row)),
        )
    return response, lambda: [_embedding(searcher, hit.row) for hit in hits]


def _embedding(searcher: Searcher, row: int) -> Any:
    datapoint = searcher.corpus.datapoint(row)
    embedding = container.Embedding(
        id=datapoint.datapoint_id,
        float_val=datapoint.feature_vector,
        crowding_attribute=crowding_number(datapoint.crowding_tag.crowding_attribute),
    )
    for each in datapoint.restricts:
        embedding.restricts.add(name=each.namespace, allow_tokens=each.allow_list, deny_tokens=each.deny_list)
    for each in datapoint.numeric_restricts:
        kind = each.WhichOneof("Value")
        embedding.numeric_restricts.add(name=each.namespace, **{kind: getattr(each, kind)})
    if vector := sparse_vector(datapoint.sparse_embedding):
        embedding.sparse_embedding.dimension.extend(vector.dimensions)
        embedding.sparse_embedding.float_val.extend(vector.values)
    if datapoint.HasField("embedding_metadata"):
        embedding.embedding_metadata.ParseFromString(datapoint.embedding_metadata.SerializeToString())
    return embedding


def _question(request: Any) -> Question:
    sparse = request.sparse_embedding
    percent = request.leaf_nodes_to_search_percent_override
    return Question(
        vector=np.array(request.float_val, "f4"),
        sparse=SparseVector(tuple(sparse.dimension), tuple(sparse.float_val)),
        alpha=request.rrf.alpha if request.HasField("rrf") else None,
        datapoint_id=request.embedding_id,
        neighbors=request.num_neighbors,
        per_tag=request.per_crowding_attribute_num_neighbors,
        approximate=request.approx_num_neighbors,
        leaf_fraction=request.fraction_leaf_nodes_to_search_override or percent / 100,
        tokens=[Tokens(each.name, each.allow_tokens, each.deny_tokens) for each in request.restricts],
        numbers=[
            Number(each.name, kind, getattr(each, kind) if kind else 0, each.op)
            for each in request.numeric_restricts
            for kind in (each.WhichOneof("Value") or "",)
        ],
    )
