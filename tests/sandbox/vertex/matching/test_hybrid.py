"""Sparse and hybrid datapoints and queries, over both query protocols."""

import grpc
import numpy as np
import pytest

from protos import match_service as container
from tests.polling import until
from tests.sandbox.vertex.rows import ROWS, datapoint, find, ids, match, upsert

EMPTY = {"values": [], "dimensions": []}


@pytest.fixture(scope="module")
def empty_parts(clients):
    """Datapoints as LangChain sends them: each with an empty sparse embedding."""
    index = clients.index(8)
    upsert(clients, index, *(datapoint(row, sparse_embedding=EMPTY) for row in range(len(ROWS))))
    public, private = clients.public(index), clients.private(index)
    until(lambda: clients.indexes.get_index(name=index).index_stats.vectors_count == len(ROWS))
    return index, public, private


def test_an_empty_sparse_embedding_is_none_in_datapoints_and_in_queries(clients, empty_parts):
    _, public, private = empty_parts
    expected = [str(row) for row in np.argsort(-(ROWS @ ROWS[3]), kind="stable")[:5]]
    query = {
        "datapoint": {"feature_vector": ROWS[3].tolist(), "sparse_embedding": EMPTY},
        "neighbor_count": 5,
    }
    for ranking in ({}, {"rrf": {"alpha": 1}}, {"rrf": {"alpha": 0.5}}):
        (found,) = find(clients, public, {**query, **ranking})
        assert [each.datapoint.datapoint_id for each in found.neighbors] == expected
    fields = {"sparse_embedding": container.SparseEmbedding(), "num_neighbors": 5}
    assert ids(match(private, ROWS[3].tolist(), **fields)) == expected
    assert (
        ids(match(private, ROWS[3].tolist(), rrf=container.MatchRequest.RRF(alpha=1), **fields)) == expected
    )


def test_a_batch_of_which_nothing_can_be_answered_fails_as_a_call(empty_parts):
    stub, deployed = empty_parts[2]
    wrong = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2])
    group = container.BatchMatchRequest.BatchMatchRequestPerIndex(
        deployed_index_id=deployed, requests=[wrong]
    )
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        stub.BatchMatch(container.BatchMatchRequest(requests=[group]))
