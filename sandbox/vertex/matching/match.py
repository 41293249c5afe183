"""MatchService of public endpoints, v1 and v1beta1 alike: their messages have the same fields under the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.cloud import aiplatform_v1 as v1

from sandbox.vertex.data.query import Hit
from sandbox.vertex.data.restricts import Number, Tokens
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.data.sparse import SparseVector
from sandbox.vertex.matching.queries import Queries
from sandbox.vertex.matching.questions import Question
from sandbox.vertex.resources.index_endpoints import IndexEndpointService

FindResponse = v1.FindNeighborsResponse.pb()
ReadResponse = v1.ReadIndexDatapointsResponse.pb()


class MatchService:
    """Methods in the order of match_service.proto."""

    def __init__(self, endpoints: IndexEndpointService, queries: Queries) -> None:
        self._endpoints = endpoints
        self._queries = queries

    def FindNeighbors(self, request: Any) -> Any:
        """The neighbors of each query; only ids and crowding tags, unless full datapoints are requested."""
        deployment = self._endpoints.public_deployment(request.index_endpoint, request.deployed_index_id)
        questions = [_question(query) for query in request.queries]
        full = request.return_full_datapoint

        def shown(searcher: Searcher, hits: list[Hit]) -> list[tuple[Any, Hit]]:
            return [(searcher.corpus.datapoint(hit.row, with_vector=full), hit) for hit in hits]

        response = FindResponse()
        answers = self._queries.ask(deployment, questions, shown)
        for question, points in zip(request.queries, answers, strict=True):
            neighbors = response.nearest_neighbors.add(id=question.datapoint.datapoint_id)
            for datapoint, hit in points:
                neighbor = neighbors.neighbors.add(distance=hit.distance, sparse_distance=hit.sparse_distance)
                if full:
                    neighbor.datapoint.CopyFrom(datapoint)
                    continue
                neighbor.datapoint.datapoint_id = datapoint.datapoint_id
                neighbor.datapoint.crowding_tag.crowding_attribute = datapoint.crowding_tag.crowding_attribute
        return response

    def ReadIndexDatapoints(self, request: Any) -> Any:
        """The datapoints with these ids, as they are deployed; unknown ids are ignored."""
        deployment = self._endpoints.public_deployment(request.index_endpoint, request.deployed_index_id)

        def read(searcher: Searcher) -> list[Any]:
            rows = [searcher.corpus.row_of[name] for name in request.ids if name in searcher.corpus.row_of]
            return [searcher.corpus.datapoint(row) for row in rows]

        return ReadResponse(datapoints=self._queries.read(deployment, read))


def _question(query: Any) -> Question:
    datapoint = query.datapoint
    sparse = datapoint.sparse_embedding
    return Question(
        vector=np.array(datapoint.feature_vector, "f4"),
        sparse=SparseVector(tuple(sparse.dimensions), tuple(sparse.values)),
        alpha=query.rrf.alpha if query.HasField("rrf") else None,
        datapoint_id=datapoint.datapoint_id,
        neighbors=query.neighbor_count,
        per_tag=query.per_crowding_attribute_neighbor_count,
        approximate=query.approximate_neighbor_count,
        leaf_fraction=query.fraction_leaf_nodes_to_search_override,
        tokens=[Tokens(each.namespace, each.allow_list, each.deny_list) for each in datapoint.restricts],
        numbers=[
            Number(each.namespace, kind, getattr(each, kind) if kind else 0, each.op)
            for each in datapoint.numeric_restricts
            for kind in (each.WhichOneof("Value") or "",)
        ],
    )
