"""What was built is listed with everywhere that it answers, also where somebody else deployed it."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tasks.vertex.connection.clients import connect
from tasks.vertex.resources.built import list_built
from tests.polling import SOON


@pytest.fixture
def mark(settings):
    """Gives an index or an endpoint our mark."""

    def give(served, name, kind):
        clients, labels, mask = (
            connect(settings),
            {"managed_by": "vector-search-ops", "name": name},
            FieldMask(paths=["labels"]),
        )
        if kind == "index":
            index = {"name": served.index, "labels": labels}
            clients.indexes.update_index(index=index, update_mask=mask).result(timeout=60, polling=SOON)
        else:
            endpoint = {"name": served.endpoint, "labels": labels}
            clients.endpoints.update_index_endpoint(index_endpoint=endpoint, update_mask=mask)

    return give


def test_an_index_on_an_endpoint_of_others_is_no_index_that_serves_nothing_for_nothing(settings, serve, mark):
    served = serve("public")
    mark(served, served.name, "index")
    (found,) = (one for one in list_built(settings) if one.name == served.name)
    endpoint = served.endpoint.rpartition("/")[2]
    assert found.serves == f"{served.deployed_index_id} on {endpoint}, which is not ours"
    assert found.hourly is None
    mark(served, served.name, "endpoint")
    (found,) = (one for one in list_built(settings) if one.name == served.name)
    assert found.serves.startswith(f"{served.deployed_index_id} on e")
    assert "not ours" not in found.serves
