"""What bears our name but not our mark is never touched; of what bears both twice, the oldest stays."""

from __future__ import annotations

import pytest

from tasks.vertex.specs import IndexSpec

pytestmark = pytest.mark.slow


def test_a_foreign_index_of_the_name_is_refused_and_left_alone(town, build, name):
    index = {"display_name": name, "metadata": {"config": IndexSpec(name=name, dimensions=8).config()}}
    town.clients.indexes.create_index(parent=town.settings.parent, index=index).result(timeout=60)
    (there,), writes = town.indexes(name), town.writes
    error = build(town, code=1).error
    for part in (name, there.name, "does not bear our mark (managed_by)", "Choose another --name."):
        assert part in error
    assert town.writes == writes
    assert town.generations(name) == {}
    assert town.indexes(name) == [there]


def test_a_foreign_endpoint_of_the_name_is_refused_before_anything_is_made(town, build, name):
    endpoint = {"display_name": name, "public_endpoint_enabled": True}
    town.clients.endpoints.create_index_endpoint(parent=town.settings.parent, index_endpoint=endpoint).result(
        timeout=60
    )
    (there,), writes = town.endpoints(name), town.writes
    assert there.name in build(town, code=1).error
    assert town.writes == writes
    assert town.generations(name) == {}
    assert town.endpoints(name) == [there]


def twin_of(town, name):
    """A second index and a second endpoint with our marks, as a lost reply leaves them."""
    (index,), (endpoint,) = town.indexes(name), town.endpoints(name)
    again = {
        "display_name": name,
        "labels": dict(index.labels),
        "metadata": {"config": IndexSpec(name=name, dimensions=8).config()},
        "index_update_method": index.index_update_method,
    }
    parent, clients = town.settings.parent, town.clients
    second = clients.indexes.create_index(parent=parent, index=again).result(timeout=60)
    again = {"display_name": name, "labels": dict(endpoint.labels), "public_endpoint_enabled": True}
    clients.endpoints.create_index_endpoint(parent=parent, index_endpoint=again).result(timeout=60)
    assert town.counts(name) == (2, 2, 1)
    return index.name, endpoint.name, second.name


def test_of_twins_the_oldest_stays_and_the_others_go(town, build, name):
    build(town)
    index, endpoint, _ = twin_of(town, name)
    told = build(town).err
    assert told.count("the twin that a lost reply left of") == 2
    assert "Nothing to do" not in told
    assert town.counts(name) == (1, 1, 1)
    assert (town.indexes(name)[0].name, town.endpoints(name)[0].name) == (index, endpoint)


def test_a_twin_that_serves_is_reported_and_left_alone(town, build, name):
    build(town)
    index, _, second = twin_of(town, name)
    endpoint = town.endpoints(name)[0].name
    deployed = {"id": "a_twin", "index": second}
    town.clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed).result(timeout=60)
    writes = town.writes
    error = build(town, code=1).error
    assert index in error
    assert second in error
    assert town.writes == writes
