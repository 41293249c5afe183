"""New versions without downtime: built beside the served one, served by one call, rolled back, pruned."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest

from tasks.crash_points import CRASH_AT
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import answer, read_datapoints
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.specs import deployed_index_id
from tests.flows.engine_commands import seen

pytestmark = pytest.mark.slow

BY_LOOKS = {"advance": "reads", "reads": 100}
POOR = ["--leaf-node-embedding-count", 5, "--fraction-leaf-nodes-to-search", 0.01, "--approximate-neighbors-count", 1]  # fmt: skip
MADE = ["CreateIndex", "DeployIndex", "UpdateIndexEndpoint"]


@pytest.fixture
def vertex(run, name):
    """Runs another command on the test's name: `vertex(service, "swap", "--to", "first")`."""
    return lambda service, command, *words, **how: run(
        service, "vertex", command, "--name", name, "--target", "sandbox", *words, **how
    )


@pytest.fixture
def versions(service, build, other_data):
    """Two versions of the test's name, the second one served."""
    build(service)
    build(service, "--as-version", data=other_data)
    return service


def served(service, name):
    return read_served_index.fn(service.settings, name)


@contextmanager
def queried(service, name):
    """Queries as our commands do, all the time, until the block ends; then every query must have had an answer."""
    ended, answers = Event(), Counter()

    def query():
        while not ended.is_set():
            (found,) = answer(
                service.settings, served(service, name), [Query(vector=(1.0,) * 8)], per_request=1
            ).neighbors
            answers[len(found)] += 1

    with ThreadPoolExecutor(1) as pool:
        queries = pool.submit(query)
        try:
            yield answers
        finally:
            ended.set()
        queries.result()


def test_a_new_version_is_served_without_a_query_that_finds_none_and_a_second_run_changes_nothing(
    service, build, name, other_data
):
    build(service)
    (endpoint,) = service.endpoints(name)
    labels = {"team": "search", **endpoint.labels}
    service.clients.endpoints.update_index_endpoint(
        index_endpoint={"name": endpoint.name, "labels": labels}, update_mask={"paths": ["labels"]}
    )
    before, first = len(service.writes), served(service, name)
    with queried(service, name) as answers:
        told = build(service, "--as-version", data=other_data).err
    assert set(answers) == {10}, "all neighbors, every time"
    now = served(service, name)
    assert service.made_since(before) == MADE
    assert f"served the version {now.version}" in told
    assert (first.deployed_index_id, now.deployed_index_id) == (
        deployed_index_id(name, service.settings.location),
        deployed_index_id(name, service.settings.location, now.version),
    )
    assert service.counts(name) == (2, 1, 2)
    (endpoint,) = service.endpoints(name)
    marks = dict(endpoint.labels)
    assert time.time() - float(marks.pop("served_since")) < 3600
    assert marks == labels | {"serves": now.version, "replaced": "first"}

    writes, generations = service.writes, service.generations(name)
    assert "Nothing to do" in build(service, "--as-version", data=other_data).err
    assert "Nothing to do" in build(service, data=other_data).err
    assert (service.writes, service.generations(name)) == (writes, generations)


def test_a_version_that_misses_its_gate_is_not_served_and_goes_with_a_prune(
    service, build, vertex, name, vectors
):
    build(service)
    (before,), many = service.deployed(name), vectors("many.hdf5", rows=1200)  # fewer are searched exactly
    told = build(service, "--as-version", *POOR, data=many, code=1)
    assert "recall@10" in told.error
    assert "stays deployed and is not served" in told.err
    assert served(service, name).deployed_index_id == before
    assert service.counts(name) == (2, 1, 2)

    assert "every version but first" in vertex(service, "prune", code=2).error
    vertex(service, "prune", "--yes")
    assert service.counts(name) == (1, 1, 1)
    assert service.deployed(name) == [before]


def test_a_rollback_a_swap_and_a_prune_move_between_the_versions_and_are_done_once(
    versions, vertex, name, data, other_data
):
    second = served(versions, name).version
    before = len(versions.writes)
    for command, serves, checked in [
        (["rollback"], "first", data),
        (["swap", "--to", second], second, other_data),
        (["rollback"], "first", data),
    ]:
        told = vertex(versions, *command).err
        assert f"serves the version {serves} (deployed as" in told
        assert served(versions, name).version == serves
        writes = versions.writes
        assert "Nothing to do" in vertex(versions, *command).err
        assert versions.writes == writes
        vertex(versions, "verify", "--min-recall", 1, "--data", checked)
    assert versions.made_since(before) == ["UpdateIndexEndpoint"] * 3

    assert "Nothing to do" in vertex(versions, "prune", "--after-hours", 1).err
    vertex(versions, "prune", "--yes")
    assert versions.made_since(before)[3:] == ["UndeployIndex", "DeleteIndex"]
    assert versions.counts(name) == (1, 1, 1)
    error = vertex(versions, "swap", "--to", second, code=1).error
    assert "Deployed: first; served: first. Nothing was changed." in error
    assert "Nothing to do" in vertex(versions, "prune", "--yes").err


def test_going_on_with_the_first_data_serves_the_version_that_holds_them(versions, build, name):
    before = len(versions.writes)
    build(versions, "--as-version")
    assert served(versions, name).version == "first"
    assert versions.made_since(before) == ["UpdateIndexEndpoint"]


def test_a_build_that_prunes_asks_first_and_leaves_one_version_and_its_files(
    service, build, name, other_data
):
    build(service)
    writes = service.writes
    error = build(service, "--as-version", "--prune", data=other_data, code=2).error
    assert "first (deployed as" in error
    assert "300 vectors" in error
    assert service.writes == writes
    assert "--as-version" in build(service, "--prune", code=2).error

    build(service, "--as-version", "--prune", "--yes", data=other_data)
    assert service.counts(name) == (1, 1, 1)
    version = served(service, name).version
    assert version != "first"
    (folder,) = {object_.split("/")[-2] for object_ in service.generations(name)}
    assert service.indexes(name)[0].labels["content"] == folder


def test_streaming_updates_go_to_every_version_so_that_a_rollback_loses_none(
    versions, vertex, name, tmp_path
):
    point = {"id": "new", "embedding": [50.0] * 8}
    (tmp_path / "new.jsonl").write_text(json.dumps(point))
    before = len(versions.writes)
    vertex(versions, "upsert-datapoints", "--file", tmp_path / "new.jsonl")
    vertex(versions, "remove-datapoints", "--ids", "1")
    assert versions.made_since(before) == ["UpsertDatapoints"] * 2 + ["RemoveDatapoints"] * 2

    vertex(versions, "rollback")
    now = served(versions, name)
    assert now.version == "first"
    assert [each.id for each in read_datapoints.fn(versions.settings, now, ["new", "1"])] == ["new"]


def test_other_dimensions_fit_beside_take_no_streams_and_a_teardown_removes_all_versions(
    service, build, vertex, teardown, name, vectors
):
    build(service)
    machine = ["--machine-type", "e2-standard-16"]
    build(service, "--as-version", *machine, data=vectors("wide.hdf5", dimensions=12))
    assert served(service, name).dimensions == 12
    writes = service.writes
    error = vertex(service, "remove-datapoints", "--ids", "1", code=1).error
    assert "the version first does not take them: it has 8 dimensions, the served one has 12" in error
    assert service.writes == writes
    told = seen(vertex(service, "check", "--json"))
    assert f"{name} serves the version {served(service, name).version} (deployed as" in told
    assert "Other versions: first (deployed as" in told
    teardown(service)
    assert service.counts(name) == (0, 0, 0)
    assert service.generations(name) == {}


@pytest.mark.parametrize("stage", ["create index", "deploy index"])
def test_killed_while_a_version_is_made_the_next_run_follows_the_same_operation(
    stage, service_with, build, begin, kill, name, other_data
):
    service = service_with(**BY_LOOKS)
    assert service.drive(build(service, begin=begin)).code == 0
    before = len(service.writes)
    command = build(service, "--as-version", begin=begin, data=other_data)
    while f"{stage} {name}: running" not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
        if stage == "deploy index" and "DeployIndex" not in service.writes[before:]:
            service.look()
    kill(command)
    assert served(service, name).version == "first"

    again = build(service, "--as-version", begin=begin, data=other_data).wait_for("An earlier run is still")
    assert service.drive(again).code == 0, again.err
    assert service.made_since(before) == MADE
    assert served(service, name).version != "first"


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_when_the_mark_moves_the_next_run_moves_it_once(
    when, service, build, begin, kill, name, other_data
):
    build(service)
    before, struck = len(service.writes), len(service.struck)
    service.fault("UpdateIndexEndpoint", "unavailable" if when == "before" else "stall", when, seconds=60)
    command = build(service, "--as-version", begin=begin, data=other_data)
    while "UpdateIndexEndpoint" not in service.struck[struck:]:
        assert not command.has_ended, command.err
        time.sleep(0.02)
    kill(command)

    build(service, "--as-version", data=other_data)
    assert service.made_since(before) == MADE
    assert served(service, name).version != "first"


def test_a_prune_that_is_killed_after_each_of_its_changes_ends_well_and_the_served_version_stays(
    versions, vertex, release, name
):
    service, now = versions, served(versions, name)
    before = len(service.writes)
    for call in ("undeploy index *", "delete *"):
        vertex(service, "prune", "--yes", code=-9, **{CRASH_AT: f"{call}#1:after"})
        release(name)
        assert served(service, name) == now
    vertex(service, "prune", "--yes")
    assert service.made_since(before) == ["UndeployIndex", "DeleteIndex"]
    assert service.counts(name) == (1, 1, 1)
    assert {key.split("/")[-2] for key in service.generations(name)} == {
        service.indexes(name)[0].labels["content"]
    }
    assert "there is no version that is not served" in vertex(service, "prune", "--yes").err
