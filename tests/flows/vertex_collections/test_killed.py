"""`kill -9` at any moment, then the same command again: one collection, one index, every data object, nothing twice."""

from __future__ import annotations

import time

import pytest

from tests.polling import until

pytestmark = pytest.mark.slow

# Operations move on by looks here, so that a kill meets an unfinished one however slow the machine is.
BY_LOOKS = {"advance": "reads", "reads": 100}
RUNNING = {
    "CreateCollection": "create collection {name}: running",
    # What follows depends on how far it is at the first look: that it is running, or how many are in.
    "ImportDataObjects": "import data objects into collection {name}: ",
    "CreateIndex": "create the index of collection {name}: running",
}


def assert_whole(service, name, rows=300):
    service.advance()
    assert service.data_objects(name).keys() == {f"id-{row}" for row in range(rows)}
    labels = service.collection(name).labels
    assert labels["content"]
    assert not {"coming", "replaces"} & set(labels)
    assert len(service.indexes_of(name)) == 1
    assert service.files_of(name) == {}


@pytest.mark.core
@pytest.mark.parametrize("method", RUNNING)
def test_killed_while_it_waits_the_next_run_follows_the_same_operation(
    method, service_with, build, kill, name
):
    service = service_with(**BY_LOOKS)
    before = len(service.writes)
    command = build(service, "--load", "import", begun=True)
    while RUNNING[method].format(name=name) not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
        if method not in service.writes[before:]:
            service.look()
    kill(command)

    again = service.drive(build(service, "--load", "import", begun=True))
    assert again.code == 0, again.err
    assert_whole(service, name)
    made = service.made_since(before)
    for each in RUNNING:
        assert made.count(each) == 1, made
    assert not {"DeleteCollection", "CancelOperation", "BatchDeleteDataObjects"} & set(made)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("CreateCollection", ()),
        ("BatchCreateDataObjects", ()),
        ("ImportDataObjects", ("--load", "import")),
        ("UpdateCollection", ()),
        ("CreateIndex", ()),
    ],
)
def test_killed_before_the_reply_to_an_accepted_call_the_next_run_ends_alike(
    method, options, service, build, kill, name
):
    before, struck = len(service.writes), len(service.struck)
    service.fault(method, "stall", "after", seconds=60)
    command = build(service, *options, begun=True)
    until(lambda: method in service.struck[struck:] or command.has_ended, "the fault")
    kill(command)

    build(service, *options)
    assert_whole(service, name)
    made = service.made_since(before)
    assert (made.count("CreateCollection"), made.count("CreateIndex")) == (1, 1), made
    writes = service.writes
    assert "Nothing to do" in build(service, *options).err
    assert service.writes == writes


@pytest.mark.parametrize("load", ["batches", "import"])
def test_a_replacement_that_was_killed_half_way_is_done_again_and_needs_no_second_agreement(
    load, service, build, kill, name, other_data
):
    build(service)
    first = service.data_objects(name)["id-7"].vectors["embedding"]
    struck, method = len(service.struck), "BatchDeleteDataObjects"
    service.fault(method, "stall", "before", seconds=60)
    command = build(service, "--load", load, "--yes", data=other_data, begun=True)
    until(lambda: method in service.struck[struck:] or command.has_ended, "the fault")
    kill(command)
    assert service.collection(name).labels["replaces"] == "yes"
    assert "content" not in service.collection(name).labels

    build(service, "--load", load, data=other_data)
    assert_whole(service, name, rows=250)
    assert service.data_objects(name)["id-7"].vectors["embedding"] != first


def test_a_lost_reply_to_an_import_does_not_leave_a_second_one_running(service, build, name):
    service.fault("ImportDataObjects", "unavailable", "after")
    told = build(service, "--load", "import").err
    assert "that an earlier run started" in told
    assert_whole(service, name)
