"""Imports beside what an index holds: in the order in which they were begun, each once, whatever an earlier run left."""

from __future__ import annotations

import itertools
import json

import pytest

from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.storage import import_uri
from tasks.vertex.operations.operations import list_operations
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.contents import ImportFilesGone, apply_delta
from tasks.vertex.resources.deployed_indexes import wait_for_index_sync
from tasks.vertex.resources.indexes import read_again
from tasks.vertex.resources.served import OverwriteUnfinished
from tests.polling import SOON

_folders = (f"{number:024x}" for number in itertools.count())


@pytest.fixture(scope="module")
def batch(serve):
    """An index of batch updates, empty at first; each test writes datapoints of its own."""
    return serve("public", method="BATCH_UPDATE")


@pytest.fixture
def folder(settings, batch):
    """Puts import files into the bucket: `folder({"a": [1, 0, 0, 0]}, delete=["b"])` gives the folder's name."""
    ensure_bucket.fn(settings)

    def made(vectors, delete=(), text=""):
        name = next(_folders)
        blob = connect(settings).storage.bucket(settings.bucket_name).blob
        prefix = import_uri(settings, batch.name, name).removeprefix(f"gs://{settings.bucket_name}/")
        lines = [json.dumps({"id": id_, "embedding": vector}) for id_, vector in vectors.items()]
        blob(f"{prefix}datapoints-00000.json").upload_from_string(text + "\n".join(lines))
        if delete:
            blob(f"{prefix}delete/ids-00000.txt").upload_from_string("\n".join(delete))
        return name

    return made


@pytest.fixture
def labelled(settings, batch):
    """Sets labels of the index beside the others, as a killed run leaves them: `labelled(importing=folder)`."""

    def set_labels(**labels):
        there = connect(settings).indexes.get_index(name=batch.index).labels
        wanted = {key: value for key, value in {**there, **labels}.items() if value}
        connect(settings).indexes.update_index(
            index={"name": batch.index, "labels": wanted}, update_mask={"paths": ["labels"]}
        ).result(timeout=60, polling=SOON)

    yield set_labels
    set_labels(importing="", imported="", coming="")


@pytest.fixture
def applied(settings, batch, deadline):
    """Imports a folder: `applied(folder)` gives what was done, and waits for the deployed copy."""

    def apply(folder):
        done = apply_delta.fn(settings, batch.name, batch.index, folder, deadline)
        wait_for_index_sync.fn(
            settings, batch.name, batch.endpoint, batch.deployed_index_id, done.there.overwritten, deadline
        )
        return done

    return apply


@pytest.fixture
def held(settings, batch):
    """What is served of these ids: `held("a", "b")`."""
    return lambda *ids: {
        point.id: point.vector.tolist() for point in read_datapoints.fn(settings, batch, ids)
    }


def begun(settings, batch, folder):
    """An import that somebody began."""
    content = {"contentsDeltaUri": import_uri(settings, batch.name, folder)}
    return connect(settings).indexes.update_index(
        index={"name": batch.index, "metadata": content}, update_mask={"paths": ["metadata"]}
    )


def updates(settings, batch):
    return len(list_operations(settings, batch.index, kinds={"UpdateIndex"}))


def test_an_import_writes_and_deletes_leaves_all_else_and_is_done_once(
    settings, batch, folder, applied, held, labelled
):
    labelled(team="search")
    applied(folder({"a": [1, 0, 0, 0], "b": [2, 0, 0, 0], "c": [3, 0, 0, 0]}))
    second = folder({"b": [9, 0, 0, 0], "d": [4, 0, 0, 0]}, delete=["a", "never-there"])
    done = applied(second)
    assert (done.did, done.there.imported, done.there.importing) == ("created", second, "")
    assert held("a", "b", "c", "d") == {"b": [9, 0, 0, 0], "c": [3, 0, 0, 0], "d": [4, 0, 0, 0]}
    before = updates(settings, batch)
    assert applied(second).did == "nothing"
    assert updates(settings, batch) == before
    assert connect(settings).indexes.get_index(name=batch.index).labels["team"] == "search"


def test_an_earlier_import_that_came_again_after_another_is_imported_again(folder, applied, held):
    first, second = folder({"again": [1, 0, 0, 0]}), folder({"again": [2, 0, 0, 0]})
    for each in (first, second, first):
        assert applied(each).did == "created"
    assert held("again") == {"again": [1, 0, 0, 0]}


def test_an_import_that_was_marked_and_not_begun_comes_before_the_next_one(folder, applied, held, labelled):
    killed, later = folder({"x": [1, 0, 0, 0], "y": [1, 0, 0, 0]}), folder({"x": [2, 0, 0, 0]})
    labelled(importing=killed)
    assert applied(later).there.imported == later
    assert held("x", "y") == {"x": [2, 0, 0, 0], "y": [1, 0, 0, 0]}


def test_what_somebody_else_imports_meanwhile_is_not_taken_for_ours(settings, batch, folder, applied, held):
    begun(settings, batch, folder({"by-hand": [1, 0, 0, 0]}))
    assert applied(folder({"ours": [1, 0, 0, 0]})).did == "created"
    assert held("by-hand", "ours").keys() == {"by-hand", "ours"}


def test_an_import_with_invalid_records_changes_nothing_and_stands_in_nobodys_way(
    settings, batch, folder, applied, held, deadline, labelled
):
    bad = folder({"bad": [1, 0, 0, 0]}, text="nonsense\n")
    with pytest.raises(OperationFailed, match="INVALID_JSON_SYNTAX"):
        apply_delta.fn(settings, batch.name, batch.index, bad, deadline)
    assert not read_again(settings, batch.index).importing
    labelled(importing=bad)
    with pytest.raises(
        Exception, match="invalid records"
    ):  # as if the run had been killed before it saw this
        begun(settings, batch, bad).result(timeout=60, polling=SOON)
    assert applied(folder({"good": [1, 0, 0, 0]})).did == "created"
    assert held("bad", "good").keys() == {"good"}


def test_without_its_files_an_import_that_was_left_half_done_is_named(
    settings, batch, folder, deadline, labelled
):
    labelled(importing="f" * 24)
    next_one = folder({"z": [1, 0, 0, 0]})
    with pytest.raises(ImportFilesGone, match="Run that import again first"):
        apply_delta.fn(settings, batch.name, batch.index, next_one, deadline)


def test_an_index_whose_overwrite_has_not_ended_takes_no_import(settings, batch, folder, deadline, labelled):
    labelled(coming="c")
    before = updates(settings, batch)
    with pytest.raises(OverwriteUnfinished, match="what is imported meanwhile would be lost"):
        apply_delta.fn(settings, batch.name, batch.index, folder({"z": [1, 0, 0, 0]}), deadline)
    assert updates(settings, batch) == before
