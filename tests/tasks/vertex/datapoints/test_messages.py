"""Datapoints as messages and back."""

import numpy as np
import pytest

from protos.match_service import MatchRequest
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.messages import (
    IndexDatapoint,
    add_private_vectors,
    add_public_vectors,
    from_index_datapoint,
    index_datapoint,
)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"title": "red shoe", "sizes": [41.0, None, {"eu": True}]}], ids=str
)
def test_metadata_is_sent_as_it_is_unless_only_restricts_change(metadata):
    datapoint = Datapoint(id="a", vector=[1, 2], embedding_metadata=metadata)
    message = index_datapoint(datapoint)
    assert message.HasField("embedding_metadata") == bool(metadata)
    assert (from_index_datapoint(message).embedding_metadata or {}) == (metadata or {})
    assert not index_datapoint(datapoint, restricts_only=True).HasField("embedding_metadata")


@pytest.mark.parametrize("size", [1, 31, 32, 100, 4096, 70_000])
def test_a_vector_is_sent_bit_for_bit_as_the_official_classes_send_it(size):
    vector = np.random.default_rng(size).integers(0, 2**32, size, dtype=np.uint32).view(np.float32)
    vector[~np.isfinite(vector)] = -0.0
    (public, private), datapoint = (IndexDatapoint(), MatchRequest()), IndexDatapoint(feature_vector=vector)
    add_public_vectors(public, vector, None)
    add_private_vectors(private, vector, None)
    assert public == datapoint
    assert private == MatchRequest(float_val=vector)
    assert public.SerializeToString() == datapoint.SerializeToString()
