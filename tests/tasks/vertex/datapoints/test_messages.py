"""Datapoints as messages and back."""

import pytest

from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.messages import from_index_datapoint, index_datapoint


@pytest.mark.parametrize(
    "metadata", [None, {}, {"title": "red shoe", "sizes": [41.0, None, {"eu": True}]}], ids=str
)
def test_metadata_is_sent_as_it_is_unless_only_restricts_change(metadata):
    datapoint = Datapoint(id="a", vector=[1, 2], embedding_metadata=metadata)
    message = index_datapoint(datapoint)
    assert message.HasField("embedding_metadata") == bool(metadata)
    assert (from_index_datapoint(message).embedding_metadata or {}) == (metadata or {})
    assert not index_datapoint(datapoint, restricts_only=True).HasField("embedding_metadata")
