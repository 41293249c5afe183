"""Imports of files beside what an index holds: whole runs, killed ones, and what they do to builds and versions."""

from __future__ import annotations

import json

import pytest

from sandbox.vertex.options import Durations
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.served import read_served_index
from tests.polling import until

pytestmark = pytest.mark.slow

BATCH = ["--update-method", "BATCH_UPDATE"]
AT_ONCE = {"compaction": 0.0, "durations": Durations(sync=20_000)}
"""Deletions show without waiting until a fifth of the index has changed; deployed copies follow a second after an update's end."""
BY_LOOKS = {"advance": "reads", "reads": 100, **AT_ONCE}
CHANGES = ["UpdateIndex"] * 3
"""Mark what is coming, import, mark what came."""


@pytest.fixture
def delta(vectors, tmp_path):
    """Writes data and ids to delete: `delta(1)` changes row 3 of the usual vectors, adds `new-1` and deletes row 5."""

    def words(number, gone=("5",)):
        data = vectors(f"delta-{number}.hdf5", rows=2, seed=100 + number, ids=["3", f"new-{number}"])
        ids = tmp_path / f"gone-{number}.txt"
        ids.write_text("".join(f"{id_}\n" for id_ in gone))
        return ["--data", data, "--delete-ids-from", ids]

    return words


@pytest.fixture
def service(service_with):
    return service_with(**AT_ONCE)


@pytest.fixture
def vertex(run, name):
    """Runs a command on the test's name: `vertex(service, "import", "--data", ...)`."""
    return lambda service, command, *words, name=name, **how: run(
        service, "vertex", command, "--name", name, "--target", "sandbox", *words, **how
    )


def held(service, name, *ids, version=None):
    served = read_served_index.fn(service.settings, name, version)
    return {point.id: point.vector.tolist() for point in read_datapoints.fn(service.settings, served, ids)}


@pytest.mark.parametrize("reach", ["public", "vpc"])
def test_an_import_is_seen_served_a_second_one_changes_nothing_and_a_build_leaves_it(
    service, build, vertex, name, delta, reach, other_data
):
    build(service, *BATCH, "--endpoint", reach)
    files, before = set(service.generations(name)), len(service.writes)
    (old,) = held(service, name, "3").values()
    told = vertex(service, "import", *delta(1), "--import-format", "avro").err
    assert "Done: imported 2 datapoints to write and 1 to delete." in told
    assert service.made_since(before) == CHANGES
    now = held(service, name, "3", "5", "6", "new-1")
    assert now.keys() == {"3", "6", "new-1"}
    assert now["3"] != old
    assert set(service.generations(name)) == files, "its own files are gone"

    writes = service.writes
    assert "Nothing to do: this was the last import" in vertex(service, "import", *delta(1)).err
    assert "Nothing to do" in build(service, *BATCH, "--endpoint", reach).err
    assert service.writes == writes
    told = vertex(service, "verify", "--data", other_data, "--min-recall", 0).err
    assert "has changed" in told
    error = build(service, *BATCH, "--endpoint", reach, data=other_data, code=2).error
    assert "datapoints that were imported into it are lost" in error
    build(service, *BATCH, "--endpoint", reach, "--yes", data=other_data)
    assert held(service, name, "5", "new-1").keys() == {"5"}
    assert "imported" not in service.indexes(name)[0].labels


def test_sparse_embeddings_come_with_an_import_and_go_with_one(service, build, vertex, name, tmp_path):
    build(service, *BATCH)
    sparse = {"sparse_embedding": {"values": [0.5, 2.0], "dimensions": [7, 900]}}
    file = tmp_path / "delta.jsonl"
    for added, held_sparse in ((sparse, 2), ({}, 1)):
        lines = [{"id": "3", "embedding": [0.5] * 8} | added, {"id": "new", "embedding": [1.0] * 8} | sparse]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert "Done: imported 2 datapoints to write" in vertex(service, "import", "--data", file).err
        stats = service.indexes(name)[0].index_stats
        assert (stats.vectors_count, stats.sparse_vectors_count) == (301, held_sparse)


def test_a_streaming_index_takes_none_and_its_own_commands_are_named(service, build, vertex, delta):
    build(service)
    writes = service.writes
    error = vertex(service, "import", *delta(1), code=2).error
    assert "vector-search vertex upsert-datapoints --name" in error
    assert "vector-search vertex remove-datapoints --name" in error
    assert "an import needs" in vertex(service, "import", code=2).error.lower()
    assert service.writes == writes


def test_deletions_that_wait_for_a_compaction_are_told_and_no_failure(
    service_with, build, vertex, name, delta
):
    service = service_with()
    build(service, *BATCH)
    for _ in range(2):
        told = vertex(service, "import", *delta(1)).err
        assert "1 of the 1 id looked up, first '5'" in told
    gone = [str(row) for row in range(10, 80)]
    told = vertex(service, "import", *delta(2, gone=gone)).err
    assert "still served" not in told
    assert not held(service, name, "5", "10")


# Three calls of one method: mark what is coming, import, mark what came.
@pytest.mark.parametrize(
    ("call", "when", "calls"),
    [(1, "after", 3), (2, "after", 4), (3, "before", 4), (3, "after", 3)],
    ids=["coming is marked", "the import is accepted", "between import and mark", "the mark is set"],
)
def test_an_import_killed_at_any_call_is_repeated_at_most_once(
    call, when, calls, service, build, begin, vertex, release, delta
):
    name, words = "imported", delta(10 * call + calls)
    if not service.indexes(name):
        build(service, *BATCH, name=name)
    before, struck = len(service.writes), len(service.struck)
    for _ in range(call - 1):
        service.fault("UpdateIndex", "stall", when, seconds=0)
    service.fault("UpdateIndex", "stall" if when == "after" else "unavailable", when, seconds=60)
    command = begin(service, "vertex", "import", "--name", name, "--target", "sandbox", *words)
    until(lambda: len(service.struck) >= struck + call, "the fault")
    command.signal()
    release(name)

    vertex(service, "import", *words, name=name)
    assert service.made_since(before) == ["UpdateIndex"] * calls
    assert held(service, name, "3", "5", f"new-{10 * call + calls}").keys() == {
        "3",
        f"new-{10 * call + calls}",
    }
    labels = service.indexes(name)[0].labels
    assert "importing" not in labels
    assert not any("/delete/" in object_ for object_ in service.generations(name))


def test_an_import_killed_while_it_runs_is_followed_by_the_same_and_finished_before_another_one(
    service_with, build, begin, kill, name, delta
):
    service = service_with(**BY_LOOKS)
    assert service.drive(build(service, *BATCH, begin=begin)).code == 0
    before = len(service.writes)
    command = ["vertex", "import", "--name", name, "--target", "sandbox"]
    running = f"import into index {name}: running"
    kill(begin(service, *command, *delta(1)).wait_for(running))
    again = begin(service, *command, *delta(1)).wait_for("that an earlier run started")
    assert service.drive(again).code == 0, again.err
    assert service.made_since(before) == CHANGES

    kill(begin(service, *command, *delta(2)).wait_for(running))
    other = begin(service, *command, *delta(3, gone=["new-2"])).wait_for("that an earlier run started")
    assert service.drive(other).code == 0, other.err
    assert "Finishing the import" in other.err
    assert service.made_since(before) == [*CHANGES] * 3
    assert held(service, name, "new-1", "new-2", "new-3").keys() == {"new-1", "new-3"}


def test_an_import_goes_to_every_version_so_that_a_rollback_loses_none(
    service, build, vertex, name, delta, other_data, tmp_path
):
    build(service, *BATCH)
    build(service, *BATCH, "--as-version", data=other_data)
    before = len(service.writes)
    vertex(service, "import", *delta(1))
    assert service.made_since(before) == [*CHANGES] * 2
    vertex(service, "rollback")
    assert held(service, name, "new-1", "5").keys() == {"new-1"}

    (tmp_path / "new.jsonl").write_text(json.dumps({"id": "a", "embedding": [1.0] * 8}))
    error = vertex(service, "upsert-datapoints", "--file", tmp_path / "new.jsonl", code=2).error
    assert "vector-search vertex import --name" in error
