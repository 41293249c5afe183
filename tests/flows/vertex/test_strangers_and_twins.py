"""What bears our name but not our mark is never touched; of what bears both twice, the oldest stays."""

from __future__ import annotations

import pytest

from tasks.vertex.specs import IndexSpec

pytestmark = pytest.mark.slow


def test_a_foreign_index_of_the_name_is_refused_and_left_alone(service, build, name):
    index = {"display_name": name, "metadata": {"config": IndexSpec(name=name, dimensions=8).config()}}
    service.clients.indexes.create_index(parent=service.settings.parent, index=index).result(timeout=60)
    (there,), writes = service.indexes(name), service.writes
    error = build(service, code=1).error
    for part in (name, there.name, "has no managed_by mark", "Choose another --name."):
        assert part in error
    assert service.writes == writes
    assert service.generations(name) == {}
    assert service.indexes(name) == [there]


def test_a_foreign_endpoint_of_the_name_is_refused_before_anything_is_made(service, build, name):
    endpoint = {"display_name": name, "public_endpoint_enabled": True}
    service.clients.endpoints.create_index_endpoint(
        parent=service.settings.parent, index_endpoint=endpoint
    ).result(timeout=60)
    (there,), writes = service.endpoints(name), service.writes
    assert there.name in build(service, code=1).error
    assert service.writes == writes
    assert service.generations(name) == {}
    assert service.endpoints(name) == [there]


def twin_of(service, name):
    """A second index and a second endpoint with our marks, as a lost reply leaves them."""
    (index,), (endpoint,) = service.indexes(name), service.endpoints(name)
    again = {
        "display_name": name,
        "labels": dict(index.labels),
        "metadata": {"config": IndexSpec(name=name, dimensions=8).config()},
        "index_update_method": index.index_update_method,
    }
    parent, clients = service.settings.parent, service.clients
    second = clients.indexes.create_index(parent=parent, index=again).result(timeout=60)
    again = {"display_name": name, "labels": dict(endpoint.labels), "public_endpoint_enabled": True}
    clients.endpoints.create_index_endpoint(parent=parent, index_endpoint=again).result(timeout=60)
    assert service.counts(name) == (2, 2, 1)
    return index.name, endpoint.name, second.name


def test_of_twins_the_oldest_stays_and_the_others_go(service, build, name):
    build(service)
    index, endpoint, _ = twin_of(service, name)
    told = build(service).err
    assert told.count("that a lost reply left") == 2
    assert "Nothing to do" not in told
    assert service.counts(name) == (1, 1, 1)
    assert (service.indexes(name)[0].name, service.endpoints(name)[0].name) == (index, endpoint)


def test_a_twin_that_serves_is_reported_and_left_alone(service, build, name):
    build(service)
    index, _, second = twin_of(service, name)
    endpoint = service.endpoints(name)[0].name
    deployed = {"id": "a_twin", "index": second}
    service.clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed).result(
        timeout=60
    )
    writes = service.writes
    error = build(service, code=1).error
    assert index in error
    assert second in error
    assert service.writes == writes
