"""An embedding killed or interrupted at any moment, then the same command again: every document embedded, none twice."""

from __future__ import annotations

import signal

import pytest

from tests.polling import until

pytestmark = pytest.mark.slow
ROWS = 120
IN_PARTS = ("--batch-size", 12)


@pytest.fixture
def source(slow_cluster, name, glosses):
    return slow_cluster.store(f"source-{name}", glosses(ROWS))


@pytest.fixture
def complete(slow_cluster, name, source, glosses):
    """One index, one alias, one reindex, and every document embedded exactly once."""

    def check(writes, inferences):
        cluster = slow_cluster
        assert cluster.alias(name) == cluster.indices(name)
        assert len(cluster.indices(name)) == 1
        assert cluster.client.count(index=name)["count"] == ROWS
        assert cluster.unembedded(name, "gloss") == 0
        assert cluster.writes[writes:].count("reindex") == 1
        assert "update_by_query" not in cluster.writes[writes:]
        new = cluster.inferences() - inferences
        tried = cluster.sampled(source, "gloss")
        assert {new[row["gloss"]] for row in glosses(ROWS) if row["gloss"] not in tried} == {1}

    return check


def half_done(cluster, name):
    """Wait for the first part of the documents, and have the others wait for what the test does meanwhile."""
    until(lambda: 0 < cluster.arrived(name) < ROWS, "the first part of the documents")
    cluster.rethrottle(1)


def followed(cluster, command):
    """The command, ended after it has followed the reindex that an earlier run began."""
    command.wait_for("An earlier run is still embedding")
    # More than once, since a run that follows raises the rate that it has found by itself, from batch to batch.
    until(lambda: cluster.rethrottle(-1) or command.has_ended, "the end of the reindex")
    assert command.code == 0, command.err
    return command


@pytest.mark.core
def test_killed_at_half_of_the_reindex_the_next_run_follows_the_task(
    slow_cluster, embed, begin, kill, name, source, complete
):
    before = len(slow_cluster.writes), slow_cluster.inferences()
    command = embed(slow_cluster, source, "gloss", *IN_PARTS, begin=begin)
    half_done(slow_cluster, name)
    kill(command)
    assert slow_cluster.arrived(name) < ROWS

    followed(slow_cluster, embed(slow_cluster, source, "gloss", *IN_PARTS, begin=begin))
    complete(*before)


@pytest.mark.parametrize(
    ("method", "when"),
    [("reindex", "after"), ("indices.put_settings", "before"), ("indices.put_mapping", "after")],
    ids=["the reindex was accepted", "it was verified", "its content was marked"],
)
def test_killed_at_a_step_the_next_run_goes_on_from_there(
    method, when, slow_cluster, embed, begin, kill, source, complete
):
    cluster = slow_cluster
    before, struck = (len(cluster.writes), cluster.inferences()), len(cluster.struck)
    cluster.fault(method, "stall", when, seconds=60)
    command = embed(cluster, source, "gloss", *IN_PARTS, begin=begin)
    until(lambda: cluster.struck[struck:], "the fault")
    kill(command)

    embed(cluster, source, "gloss", *IN_PARTS)
    complete(*before)


def test_lost_replies_within_one_run_start_no_second_task(slow_cluster, embed, source, complete):
    cluster = slow_cluster
    before = len(cluster.writes), cluster.inferences()
    cluster.fault("reindex", "unavailable", "before")
    cluster.fault("reindex", "reset", "after")
    cluster.fault("tasks.get", "throttled")
    cluster.fault("indices.create", "reset", "after")
    cluster.fault("indices.update_aliases", "reset", "after")
    assert "Trying again" in embed(cluster, source, "gloss", *IN_PARTS).err
    complete(*before)


def test_ctrl_c_says_what_goes_on_and_the_same_command_follows_it(
    slow_cluster, embed, begin, name, source, complete
):
    before = len(slow_cluster.writes), slow_cluster.inferences()
    command = embed(slow_cluster, source, "gloss", *IN_PARTS, begin=begin)
    half_done(slow_cluster, name)
    command.wait_for(" of 120 documents")
    assert command.signal(signal.SIGINT) == 130
    assert "is still running in the cluster" in command.err
    assert "Run the same command again to follow it" in command.err
    assert f"vector-search elastic embed --name {name} --source {source}" in command.error

    again = followed(slow_cluster, embed(slow_cluster, source, "gloss", *IN_PARTS, begin=begin))
    assert "Another run is working on" not in again.err
    complete(*before)


def test_when_interrupted_cancel_ends_the_task_and_the_next_run_embeds_only_the_rest(
    slow_cluster, embed, begin, name, source, glosses
):
    cluster, inferences = slow_cluster, slow_cluster.inferences()
    options = (*IN_PARTS, "--when-interrupted", "cancel")
    command = embed(cluster, source, "gloss", *options, begin=begin)
    half_done(cluster, name)
    command.wait_for(" of 120 documents")
    assert command.signal(signal.SIGINT) == 130
    assert "requested the cancellation of" in command.err
    until(lambda: not cluster.reindexes, "the end of the task")
    assert cluster.arrived(name) < ROWS

    embed(cluster, source, "gloss", *IN_PARTS)
    assert cluster.unembedded(name, "gloss") == 0
    new, tried = cluster.inferences() - inferences, cluster.sampled(source, "gloss")
    assert {new[row["gloss"]] for row in glosses(ROWS) if row["gloss"] not in tried} == {1}
