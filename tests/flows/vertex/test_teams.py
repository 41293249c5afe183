"""Teams side by side: regions with the same names, an endpoint that several names share, and deployed indexes that somebody moved."""

from __future__ import annotations

import json

import pytest

from sandbox.announced import announcement
from tests.flows.engine_commands import seen

pytestmark = pytest.mark.slow
TARGET = ("--target", "sandbox")


@pytest.fixture
def vertex(run):
    """Runs a command on a name: `vertex(service, "swap", name, "--to", "first")`."""
    return lambda service, command, name, *words, **how: run(
        service, "vertex", command, "--name", name, *words, *TARGET, **how
    )


@pytest.fixture
def served(vertex):
    """Whether a name answers queries."""
    return lambda service, name: vertex(service, "query", name, "--datapoint-id", "1").code == 0


def their_endpoint(service):
    """An endpoint without our mark, which serves whatever they deploy there."""
    endpoint = {"display_name": "their-endpoint", "public_endpoint_enabled": True}
    made = service.clients.endpoints.create_index_endpoint(
        parent=service.settings.parent, index_endpoint=endpoint
    )
    return made.result(timeout=60).name


def deploy(service, endpoint, id_, index):
    service.clients.endpoints.deploy_index(
        index_endpoint=endpoint, deployed_index={"id": id_, "index": index}
    ).result(timeout=60)


def undeploy(service, endpoint, id_):
    service.clients.endpoints.undeploy_index(index_endpoint=endpoint, deployed_index_id=id_).result(
        timeout=60
    )


def in_region(service, location, tmp_path):
    """The environment of commands that work in another region."""
    announced = json.loads(announcement(service.state).read_text())
    announced["environment"]["VERTEX_LOCATION"] = location
    file = tmp_path / f"{location}.json"
    file.write_text(json.dumps(announced))
    return {"VECTOR_SEARCH_SANDBOX": str(file)}


def test_the_same_name_in_two_regions_is_two_indexes_and_a_teardown_of_one_leaves_the_other(
    service, vertex, served, data, name, tmp_path
):
    there = in_region(service, "europe-west4", tmp_path)
    vertex(service, "build", name, "--data", data)
    ours = service.indexes(name)
    vertex(service, "teardown", name, "--yes", **there)
    vertex(service, "check", name, **there, code=2)
    vertex(service, "build", name, "--data", data, **there)
    before = len(service.writes)
    vertex(service, "build", name, "--data", data)
    assert service.writes[before:] == [], "nothing of the other region is adopted"
    vertex(service, "teardown", name, "--yes", **there)
    assert service.indexes(name) == ours
    assert served(service, name)


def test_names_share_an_endpoint_by_choice_and_it_goes_with_the_last_of_them(
    service, vertex, served, data, other_data, name
):
    a, b, shared = f"{name}-a", f"{name}-b", f"{name}-shared"
    told = vertex(service, "build", a, "--data", data, "--endpoint-name", shared)
    assert f"Sharing the endpoint {shared} saves nothing" in told.err
    vertex(service, "build", b, "--data", data, "--endpoint-name", shared)
    (endpoint,) = service.endpoints(shared)
    of = {each: f"{each}-us-central1".replace("-", "_") for each in (a, b)}
    assert {one.id for one in endpoint.deployed_indexes} == set(of.values())

    vertex(service, "build", a, "--data", other_data, "--as-version", "--min-recall", 0)
    moved = service.endpoints(shared)[0].labels
    assert moved[f"serves_{a}"] != "first"
    assert moved[f"replaced_{a}"] == "first"
    assert f"serves_{b}" not in moved
    vertex(service, "rollback", a)
    assert service.endpoints(shared)[0].labels[f"serves_{a}"] == "first"
    before = len(service.writes)
    vertex(service, "build", a, "--data", data)
    assert service.writes[before:] == [], "without the option it stays where it is"

    assert f"which is also that of {b}" in vertex(service, "teardown", a, code=2).err
    assert f"stays: it is also that of {b}" in vertex(service, "teardown", a, "--yes").err
    (left,) = service.endpoints(shared)
    assert {one.id for one in left.deployed_indexes} == {of[b]}
    assert not [key for key in left.labels if key.endswith(f"_{a}")], "its marks went with it"
    assert served(service, b)
    vertex(service, "teardown", b, "--yes")
    assert service.endpoints(shared) == []


def test_a_name_whose_endpoint_another_one_shares_goes_without_the_endpoint(
    service, vertex, served, data, name
):
    guest = f"{name}-guest"
    vertex(service, "build", name, "--data", data)
    vertex(service, "build", guest, "--data", data, "--endpoint-name", name)
    vertex(service, "teardown", name, "--yes")
    assert service.indexes(name) == []
    assert served(service, guest)
    vertex(service, "teardown", guest, "--yes")
    assert service.endpoints(name) == []


def test_an_endpoint_that_cannot_be_shared_is_refused_by_name_and_nothing_is_made(
    service, vertex, data, name
):
    vertex(service, "build", name, "--data", data)
    before, guest = len(service.writes), f"{name}-guest"

    def refused(of, *words, code):
        return " ".join(vertex(service, "build", of, "--data", data, *words, code=code).error.split())

    other_kind = refused(guest, "--endpoint-name", name, "--endpoint", "vpc", code=1)
    assert f"endpoint '{name}'" in other_kind or f"endpoint {name}" in other_kind
    assert "--endpoint-name" in other_kind
    elsewhere = refused(name, "--endpoint-name", f"{name}-other", code=1)
    assert f"endpoint_name={name}" in elsewhere or f"endpoint_name={name!r}" in elsewhere
    long = refused("x" * 47, "--endpoint-name", name, code=2)
    assert "at most 46 characters" in long
    assert service.writes[before:] == []


def test_an_index_that_somebody_moved_to_an_endpoint_of_theirs_is_told_by_every_command(
    service, vertex, served, data, name
):
    vertex(service, "build", name, "--data", data)
    (endpoint,), (index,) = service.endpoints(name), service.indexes(name)
    (ours,) = endpoint.deployed_indexes
    theirs = their_endpoint(service)
    undeploy(service, endpoint.name, ours.id)
    deploy(service, theirs, ours.id, index.name)
    before = len(service.writes)

    where = f"as {ours.id} on the endpoint {theirs}"
    assert where in vertex(service, "query", name, "--datapoint-id", "1", code=1).error
    assert where in seen(vertex(service, "check", name, "--json"))
    command = (
        f"gcloud ai index-endpoints undeploy-index {theirs.rpartition('/')[2]} --deployed-index-id={ours.id} "
        "--project=123456789012 --region=us-central1"
    )
    for words in (("build", name, "--data", data), ("teardown", name, "--yes")):
        assert command in vertex(service, *words, code=1).error, words
    assert service.writes[before:] == []

    undeploy(service, theirs, ours.id)
    vertex(service, "build", name, "--data", data)
    assert service.indexes(name)[0].name == index.name, "deployed again, not built again"
    assert served(service, name)
    vertex(service, "teardown", name, "--yes")
    service.clients.endpoints.delete_index_endpoint(name=theirs).result(timeout=60)


def test_another_index_that_somebody_deployed_under_our_id_is_never_queried_or_undeployed(
    service, vertex, data, name
):
    vertex(service, "build", name, "--data", data)
    stranger = f"{name}-stranger"
    vertex(service, "build", stranger, "--data", data)
    (endpoint,), (index,) = service.endpoints(name), service.indexes(stranger)
    (ours,) = endpoint.deployed_indexes
    undeploy(service, endpoint.name, ours.id)
    deploy(service, endpoint.name, ours.id, index.name)
    before = len(service.writes)
    assert index.name in vertex(service, "query", name, "--datapoint-id", "1", code=1).error
    assert index.name in vertex(service, "build", name, "--data", data, code=1).error
    assert service.writes[before:] == []
    vertex(service, "teardown", name, "--yes")
    assert [one.index for one in service.endpoints(name)[0].deployed_indexes] == [index.name]
    undeploy(service, endpoint.name, ours.id)
    vertex(service, "teardown", name, "--yes")
    vertex(service, "teardown", stranger, "--yes")
