"""Bad data, parameters and settings: exit code 2, one clear paragraph, and nothing created."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytestmark = pytest.mark.slow
GOOD = np.ones((5, 4), np.float32)


def having(value, at=(3, 2)):
    rows = GOOD.copy()
    rows[at] = value
    return rows


BAD_FILES = {
    "one dimension": ({"train": GOOD[0]}, ["train", "shape"]),
    "integers": ({"train": GOOD.astype(np.int32)}, ["train", "int32", "float32"]),
    "no rows": ({"train": GOOD[:0]}, ["train", "shape"]),
    "no train": ({"train": None, "trian": GOOD}, ["train", "trian"]),
    "NaN": ({"train": having(np.nan)}, ["train", "row", "3", "NaN"]),
    "Inf": ({"train": having(np.inf)}, ["train", "row", "3"]),
    "duplicate ids": ({"train": GOOD, "ids": ["a", "b", "c", "b", "e"]}, ["'b'", "3", "1"]),
    "empty id": ({"train": GOOD, "ids": ["a", "b", "", "d", "e"]}, ["ids", "row", "2"]),
    "ids missing": ({"train": GOOD, "ids": ["a", "b"]}, ["ids", "2", "5"]),
}


BAD_DATAPOINTS = {
    "dimensions": ({"id": "x", "embedding": [1.0, 2.0]}, ["2", "8", "x"]),
    "empty id": ({"id": "", "embedding": [1.0] * 8}, ["id"]),
    "no id": ({"embedding": [1.0] * 8}, ["the field id is missing"]),
    "unknown field": (
        {"id": "x", "embedding": [1.0] * 8, "colour": "red"},
        ["no field colour", "'red'", "id, embedding, sparse_embedding, restricts"],
    ),
    "unknown field of a restrict": (
        {"id": "x", "embedding": [1.0] * 8, "restricts": [{"namespace": "class", "allow_list": ["1"]}]},
        ["no field restricts.0.allow_list", "namespace, allow, deny"],
    ),
    "not JSON": ("id: x", ["Not a line of JSON", "id: x"]),
    "NaN": ('{"id": "x", "embedding": [NaN, 1, 1, 1, 1, 1, 1, 1]}', []),
    "twice": (
        '{"id": "x", "embedding": [1,1,1,1,1,1,1,1]}\n{"id": "x", "embedding": [1,1,1,1,1,1,1,1]}',
        ["x"],
    ),
}


AT_ONCE = 4
"""Commands that run beside each other: what is refused touches nothing, and half of a command's second is waiting."""


@pytest.fixture
def refused(begin, service, data):
    """Runs commands that must be refused: code 2, these parts in one paragraph, nothing changed.

    Each is (flow, options, parts); what an option does not say is a name of its own, the usual data, the sandbox.
    """

    def check(*commands, environment=()):
        writes, objects = service.writes, service.generations("refused-0")
        for first in range(0, len(commands), AT_ONCE):
            running = []
            for number, (flow, options, parts) in enumerate(commands[first : first + AT_ONCE], first):
                words = {"--name": f"refused-{number}", "--target": "sandbox"}
                words |= {"--data": data} if flow in ("build", "tour") else {}
                words |= options
                line = [
                    word
                    for key, value in words.items()
                    for word in (key, *(value if isinstance(value, list) else [value]))
                ]
                running.append((begin(service, "vertex", flow, *line, **dict(environment)), parts))
            for command, parts in running:
                assert command.code == 2, (command.words, command.err)
                for part in parts:
                    assert str(part) in command.error, (part, command.error)
                assert "Error:" not in command.error, "an exception's name is for no person"
        assert (service.writes, service.generations("refused-0")) == (writes, objects)

    return check


def test_data_that_cannot_be_used_are_refused_with_row_and_field(refused, vectors):
    files = {
        kind: vectors(f"{number}.hdf5", dimensions=4, **datasets)
        for number, (kind, (datasets, _)) in enumerate(BAD_FILES.items())
    }
    refused(
        *[("build", {"--data": files[kind]}, [files[kind], *parts]) for kind, (_, parts) in BAD_FILES.items()]
    )


def test_a_file_that_is_not_there_not_hdf5_truncated_or_of_two_lengths_is_refused(refused, tmp_path, vectors):
    text = tmp_path / "text.hdf5"
    text.write_text("no HDF5 at all")
    cut = vectors("cut.hdf5", rows=3000)
    cut.write_bytes(cut.read_bytes()[:20_000])
    mixed = vectors("mixed.hdf5", test=np.ones((3, 9), np.float32))
    refused(
        ("build", {"--data": tmp_path / "none.hdf5"}, ["none.hdf5"]),
        ("build", {"--data": text}, [text, "HDF5"]),
        ("build", {"--data": cut}, [cut]),
        ("build", {"--data": "gs://no-such-bucket/x.hdf5"}, ["gs://no-such-bucket/x.hdf5"]),
        ("build", {"--data": mixed}, [mixed, "test", "9", "8"]),
    )


@pytest.mark.core
def test_wrong_options_are_refused_with_what_is_accepted(refused):
    refused(
        ("build", {"--name": "Bad_Name"}, ["name", "Bad_Name"]),
        ("build", {"--name": ""}, ["name"]),
        ("build", {"--name": "a" * 64}, ["name", "a" * 64]),
        ("build", {"--limit": 0}, ["--limit", "0"]),
        ("build", {"--limit": "many"}, ["--limit", "many", "int"]),
        ("build", {"--fraction-leaf-nodes-to-search": 1.5}, ["--fraction-leaf-nodes-to-search", "1.5"]),
        ("build", {"--distance-measure": "EUCLID"}, ["EUCLID", "SQUARED_L2_DISTANCE"]),
        ("build", {"--min-replicas": 3, "--max-replicas": 2}, ["--min-replicas", "--max-replicas", "3", "2"]),
        (
            "build",
            {"--machine-type": "e2-standard-2"},
            ["--machine-type", "e2-standard-2", "MEDIUM", "e2-standard-16"],
        ),
        ("build", {"--timeout-minutes": -1}, ["--timeout-minutes", "-1"]),
        ("build", {"--target": "moon"}, ["--target", "moon", "google-cloud"]),
        ("query", {"--vector": "1", "--neighbor-count": 0}, ["--neighbor-count", "0"]),
        ("verify", {"--data": "a.hdf5", "--min-recall": 2}, ["--min-recall", "2"]),
        ("upsert-datapoints", {}, ["file", "datapoints"]),
        ("remove-datapoints", {}, ["file", "ids"]),
        ("query", {}, ["vector", "--datapoint-id", "data"]),
    )


def test_what_cannot_be_toured_is_refused_before_anything_is_built(refused, vectors):
    same = np.ones((20, 8), np.float32)
    refused(
        ("tour", {"--k": 1}, ["--k", "1"]),
        ("tour", {"--data": vectors("one.hdf5", rows=1)}, ["two rows", "one.hdf5"]),
        ("tour", {"--data": vectors("same.hdf5", train=same, test=same)}, ["nearer to itself", "same.hdf5"]),
    )
    refused(
        (
            "tour",
            {"--target": "google-cloud", "--endpoint": "private-service-connect"},
            ["private-service-connect", "public or vpc"],
        ),
        environment={"VERTEX_PROJECT": "nobodys-project", "VERTEX_LOCATION": "us-central1"},
    )


def test_missing_settings_and_a_missing_sandbox_are_refused(refused):
    refused(("build", {"--target": "google-cloud"}, ["VERTEX_PROJECT", "VERTEX_LOCATION", "export"]))
    refused(
        ("build", {}, ["/nowhere/sandbox.json", "vector-search up"]),
        environment={"VECTOR_SEARCH_SANDBOX": "/nowhere/sandbox.json"},
    )


@pytest.fixture
def served(service, build):
    """An index that is built once for all tests here; and its name."""
    if not service.indexes("refusing"):
        build(service, name="refusing")
    return "refusing"


# Commands that change an index hold its slot: they run one after the other.
def test_datapoints_that_cannot_be_used_are_refused_with_their_line(served, refused, tmp_path):
    good = json.dumps({"id": "good", "embedding": [1.0] * 8})
    for number, (kind, (bad, parts)) in enumerate(BAD_DATAPOINTS.items()):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(f"{good}\n{bad if isinstance(bad, str) else json.dumps(bad)}\n")
        line = 3 if kind == "twice" else 2
        refused(("upsert-datapoints", {"--name": served, "--file": file}, [file, f"line {line}", *parts]))
    refused(("upsert-datapoints", {"--name": served, "--file": "none.jsonl"}, ["none.jsonl"]))
    refused(("remove-datapoints", {"--name": served, "--file": "none.txt"}, ["none.txt"]))


def test_wrong_queries_are_refused_with_what_is_accepted(served, refused, vectors):
    other = vectors("twelve.hdf5", dimensions=12)
    vector = {"--name": served, "--vector": [*"12345678"]}
    refused(
        ("query", {"--name": served, "--vector": ["1", "2"]}, ["2", "8"]),
        ("query", vector | {"--restricts": "class"}, ["'class'", "namespace=token"]),
        ("query", vector | {"--numeric-restricts": "price>=x"}, ["price>=x"]),
        ("query", {"--name": served, "--data": other, "--row": 1}, ["12", "8"]),
        ("query", {"--name": served, "--data": other, "--row": 99}, ["99", "0 to 19"]),
        ("verify", {"--name": served, "--data": other}, ["12", "8"]),
        ("verify", {"--name": served, "--data": "none.hdf5"}, ["none.hdf5"]),
    )


def test_records_that_the_service_finds_invalid_are_shown_with_file_and_id(service, build, name, begin):
    # The validator lets nothing bad through, so the object is spoiled between upload and create.
    service.fault("CreateIndex", "unavailable", "before", times=2)
    command = build(service, begin=begin).wait_for("Trying again")
    (key,) = service.generations(name)
    blob = service.storage.bucket(service.settings.bucket_name).blob(key)
    lines = blob.download_as_text().splitlines()
    lines[7] = json.dumps({"id": "7", "embedding": [1.0, 2.0]})
    blob.upload_from_string("\n".join(lines))
    assert command.code == 1
    assert f"{key}, id 7: " in command.error
    assert "create index" in command.error
    assert service.counts(name) == (0, 0, 0)
