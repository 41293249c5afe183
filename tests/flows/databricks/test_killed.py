"""`kill -9` at any moment, then the same command again: one endpoint, one index, every row, nothing twice."""

from __future__ import annotations

import time

import pytest

from tests.polling import until

pytestmark = pytest.mark.slow
ENDPOINTS, INDEXES = "vector_search_endpoints", "vector_search_indexes"
WAITS = {
    "endpoint": f"{ENDPOINTS}.create_endpoint",
    "index": f"{INDEXES}.create_index",
}


def assert_whole(service, name, rows=300):
    service.shows(name, rows)
    assert service.rows(name).keys() == {str(row) for row in range(rows)}
    tags = service.tags(name)
    assert tags["content"]
    assert not {"coming", "replaces"} & set(tags)
    assert service.endpoint(name).num_indexes == 1


@pytest.mark.core
@pytest.mark.parametrize("kind", WAITS)
def test_killed_while_it_waits_the_next_run_waits_for_the_same(kind, service, build, kill, name):
    before = len(service.writes)
    service.fault(WAITS[kind], "stall", "end", seconds=4)
    command = build(service, begun=True)
    while f"{kind} {name}: PROVISIONING" not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
    kill(command)
    build(service)
    assert_whole(service, name)
    made = service.made_since(before)
    assert (made.count("create_endpoint"), made.count("create_index")) == (1, 1), made
    assert not {"delete_endpoint", "delete_index"} & set(made)


@pytest.mark.parametrize(
    "method",
    [
        f"{ENDPOINTS}.create_endpoint",
        f"{ENDPOINTS}.update_endpoint_custom_tags",
        f"{INDEXES}.create_index",
        f"{INDEXES}.upsert_data_vector_index",
    ],
)
def test_killed_before_the_reply_to_an_accepted_call_the_next_run_ends_alike(
    method, service, build, kill, name
):
    before, struck = len(service.writes), len(service.struck)
    service.fault(method, "stall", "after")
    command = build(service, begun=True)
    until(lambda: method in service.struck[struck:] or command.has_ended, "the fault")
    kill(command)

    build(service)
    assert_whole(service, name)
    made = service.made_since(before)
    assert (made.count("create_endpoint"), made.count("create_index")) == (1, 1), made
    writes = service.writes
    assert "Nothing to do" in build(service).err
    assert service.writes == writes


def test_a_replacement_that_was_killed_half_way_is_done_again_and_needs_no_second_agreement(
    service, build, kill, name, other_data
):
    build(service)
    first = service.rows(name)["7"]["embedding"]
    struck, method = len(service.struck), f"{INDEXES}.delete_data_vector_index"
    service.fault(method, "stall", "before")
    command = build(service, "--yes", data=other_data, begun=True)
    until(lambda: method in service.struck[struck:] or command.has_ended, "the fault")
    kill(command)
    assert service.tags(name)["replaces"] == "yes"
    assert "content" not in service.tags(name)

    build(service, data=other_data)
    assert_whole(service, name, rows=250)
    assert service.rows(name)["7"]["embedding"] != first


@pytest.mark.parametrize("method", [f"{INDEXES}.delete_index", f"{ENDPOINTS}.delete_endpoint"])
def test_a_teardown_that_was_killed_is_finished_by_the_next_one(method, service, build, command, kill, name):
    build(service)
    service.fault(method, "stall", "end", seconds=4)
    begun = command(service, "teardown", "--yes", begun=True)
    what = f"the deletion of {'index' if 'index' in method.rpartition('.')[2] else 'endpoint'} {name}"
    while what not in begun.err:
        assert not begun.has_ended, begun.err
        time.sleep(0.05)
    kill(begun)
    command(service, "teardown", "--yes")
    assert service.index(name) is None
    until(lambda: service.endpoint(name) is None, "the endpoint to be gone")


@pytest.mark.parametrize("method", [*WAITS.values(), f"{INDEXES}.upsert_data_vector_index"])
@pytest.mark.parametrize("kind", ["unavailable", "reset", "internal"])
def test_a_lost_reply_makes_nothing_twice(kind, method, service, build, name):
    before = len(service.writes)
    service.fault(method, kind, "after")
    build(service)
    assert_whole(service, name)
    made = service.made_since(before)
    assert (made.count("create_endpoint"), made.count("create_index")) == (1, 1), made
