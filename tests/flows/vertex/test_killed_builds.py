"""`kill -9` at any moment, then the same command again: one of each, none orphaned, nothing done twice."""

from __future__ import annotations

import time

import pytest

from tests.polling import until

pytestmark = pytest.mark.slow

# The stand-in moves operations on by looks here, so that a kill meets an unfinished one however slow the machine is: the
# next run looks several times before it follows, and the killed one may have looked often.
BY_LOOKS = {"advance": "reads", "reads": 100}
METHODS = {
    "create index": "CreateIndex",
    "create endpoint": "CreateIndexEndpoint",
    "deploy index": "DeployIndex",
}
LISTED = {"list_while_creating": True}
UNLISTED = {"list_while_creating": False}
LATE = {"list_while_creating": False, "listing_delay": 2.0}


@pytest.fixture
def driven(begin, build):
    """Builds to the end, helping operations on."""

    def of(service, *words, **options):
        command = service.drive(build(service, *words, begin=begin, **options))
        assert command.code == 0, command.err
        return command

    return of


def assert_one_of_each(service, name, before):
    assert service.counts(name) == (1, 1, 1)
    made = service.writes[before:]
    for method in METHODS.values():
        assert made.count(method) == 1, made
    assert not {"DeleteIndex", "DeleteIndexEndpoint", "UndeployIndex", "CancelOperation"} & set(made)


@pytest.mark.core
@pytest.mark.parametrize("listing", [LISTED, UNLISTED], ids=["listed while creating", "not listed"])
@pytest.mark.parametrize("stage", METHODS)
def test_killed_while_it_waits_the_next_run_follows_the_same_operation(
    stage, listing, service_with, build, begin, kill, name
):
    service = service_with(**BY_LOOKS, **listing)
    before = len(service.writes)
    command = build(service, begin=begin)
    while f"{stage} {name}: running" not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
        if METHODS[stage] not in service.writes[before:]:
            service.look()  # a few times: the operation that is to be met unfinished may begin meanwhile
    kill(command)

    followed = build(service, begin=begin).wait_for("An earlier run is still")
    assert service.drive(followed).code == 0, followed.err
    assert_one_of_each(service, name, before)


def test_what_a_killed_run_deployed_is_compared_with_what_is_wanted_now(
    service_with, build, begin, kill, name
):
    service = service_with(**BY_LOOKS)
    before = len(service.writes)
    command = build(service, begin=begin)
    while f"deploy index {name}: running" not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
        if "DeployIndex" not in service.writes[before:]:
            service.look()
    kill(command)

    again = build(service, "--max-replicas", 2, begin=begin).wait_for("An earlier run is still")
    assert service.drive(again).code == 0, again.err
    assert "Done: deployed the index and changed the replicas." in again.err
    (deployed,) = service.endpoints(name)[0].deployed_indexes
    assert deployed.automatic_resources.max_replica_count == 2
    assert service.writes[before:].count("MutateDeployedIndex") == 1


@pytest.mark.parametrize(
    "options",
    [LISTED, LATE, UNLISTED | BY_LOOKS],
    ids=["listed, ended meanwhile", "ended meanwhile, listed late", "not listed, still running"],
)
@pytest.mark.parametrize("method", METHODS.values())
def test_killed_before_the_reply_to_an_accepted_call_the_next_run_makes_no_second_one(
    method, options, service_with, build, begin, driven, kill, name
):
    service = service_with(**options)
    before, struck = len(service.writes), len(service.struck)
    service.fault(method, "stall", "after", seconds=60)
    command = build(service, begin=begin)
    while method not in service.struck[struck:]:
        assert not command.has_ended, command.err
        time.sleep(0.05)
        if method not in service.writes[before:]:
            service.look()
    kill(command)

    driven(service)
    assert_one_of_each(service, name, before)


# An overwrite is three calls of one method: mark what is coming, overwrite, mark what is there.
@pytest.mark.parametrize(
    ("call", "when", "calls"),
    [(1, "after", 3), (2, "after", 4), (3, "before", 4), (3, "after", 3)],
    ids=["coming is marked", "the overwrite is accepted", "between overwrite and mark", "the mark is set"],
)
def test_an_overwrite_killed_at_any_call_is_repeated_at_most_once(
    call, when, calls, service, build, begin, release, run, vectors
):
    name, data = "overwritten", vectors("other.hdf5", seed=10 * call + calls)
    if not service.indexes(name):
        build(service, name=name)
    before, struck = len(service.writes), len(service.struck)
    for _ in range(call - 1):
        service.fault("UpdateIndex", "stall", when, seconds=0)
    # A call that is held up before its effect has it even when the caller is gone; a refused one never has.
    service.fault("UpdateIndex", "stall" if when == "after" else "unavailable", when, seconds=60)
    command = build(service, "--yes", begin=begin, data=data, name=name)
    until(lambda: len(service.struck) >= struck + call, "the fault")
    command.signal()
    release(name)

    build(service, "--yes", data=data, name=name)
    assert service.writes[before:].count("UpdateIndex") == calls
    assert service.counts(name) == (1, 1, 1)
    run(
        service, "vertex", "verify", "--name", name, "--target", "sandbox", "--min-recall", 1, "--data", data
    )  # fmt: skip


def test_an_overwrite_killed_while_it_runs_keeps_streams_away_and_is_followed_and_not_repeated(
    service_with, build, begin, driven, kill, name, other_data, run
):
    service = service_with(**BY_LOOKS)
    driven(service)
    before = len(service.writes)
    running = f"overwrite the contents of index {name}: running"
    kill(build(service, "--yes", begin=begin, data=other_data).wait_for(running))
    streamed = ["vertex", "remove-datapoints", "--name", name, "--ids", "1", "--target", "sandbox"]
    assert "what is streamed meanwhile would be lost" in run(service, *streamed, code=1).error

    followed = build(service, begin=begin, data=other_data).wait_for("that an earlier run started")
    assert service.drive(followed).code == 0, followed.err
    assert service.made_since(before) == ["UpdateIndex"] * 3


def test_going_back_to_the_first_data_after_a_killed_overwrite_brings_them_back(
    service_with, build, begin, driven, kill, name, data, other_data, run
):
    service = service_with(**BY_LOOKS)
    driven(service)
    running = f"overwrite the contents of index {name}: running"
    kill(build(service, "--yes", begin=begin, data=other_data).wait_for(running))

    driven(service, "--yes", data=data)
    run(
        service, "vertex", "verify", "--name", name, "--target", "sandbox", "--min-recall", 1, "--data", data
    )  # fmt: skip


def test_the_next_run_waits_for_the_slot_of_a_killed_one_and_says_so(service_with, build, begin, name):
    service = service_with(**BY_LOOKS)
    before = len(service.writes)
    command = build(service, begin=begin).wait_for(f"create index {name}: running")
    command.signal()

    command = build(service, begin=begin).wait_for("Another run is working on")
    assert "The slot of a killed run becomes free within 60 s;" in command.err
    assert service.drive(command).code == 0, command.err
    assert_one_of_each(service, name, before)
