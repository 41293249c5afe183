"""Overwriting an index's contents, where an update of labels takes its time too."""

import json
from itertools import count

import pytest

from sandbox import process, write_log
from sandbox.announced import announcement
from sandbox.vertex.options import Durations, VertexOptions
from tasks.vertex.connection.clients import connect
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.resources.contents import apply_index_contents
from tasks.vertex.resources.indexes import ensure_index, wait_for_index
from tasks.vertex.settings import vertex_settings
from tasks.vertex.specs import IndexSpec
from tests.polling import SOON

pytestmark = pytest.mark.slow
_names = count()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    durations = Durations(update_fields=10_000)
    running = process.start(
        tmp_path_factory.mktemp("town"), VertexOptions(clock_factor=20_000, durations=durations)
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def settings(town):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(town.state)))
        known = vertex_settings("sandbox")
    ensure_bucket.fn(known)
    for content, rows in (("old", 1), ("new", 2)):
        lines = [json.dumps({"id": str(row), "embedding": [1, 0]}) for row in range(rows)]
        connect(known).storage.bucket(known.bucket_name).blob(f"{content}/a.json").upload_from_string(
            "\n".join(lines)
        )
    return known


@pytest.fixture
def spec():
    return IndexSpec(name=f"indexes-{next(_names)}", dimensions=2)


@pytest.fixture
def index(settings, spec, deadline):
    """An index that holds the old contents."""
    uri = f"gs://{settings.bucket_name}/old"
    made = ensure_index.fn(settings, spec, contents_uri=uri, content="old", deadline=deadline).there
    return wait_for_index.fn(settings, spec, made, deadline)


@pytest.fixture
def overwrite(settings, spec, index, deadline):
    """Brings the new contents as a build does."""

    def apply():
        uri = f"gs://{settings.bucket_name}/new"
        return apply_index_contents.fn(
            settings, spec, index, contents_uri=uri, content="new", deadline=deadline
        )

    return apply


@pytest.fixture
def label(settings, index):
    """Begins to set labels beside those that are there, minus some."""

    def begin(*without, **labels):
        there = connect(settings).indexes.get_index(name=index.resource).labels
        kept = {key: value for key, value in there.items() if key not in without}
        return connect(settings).indexes.update_index(
            index={"name": index.resource, "labels": kept | labels}, update_mask={"paths": ["labels"]}
        )

    return begin


def test_labels_of_other_people_survive_an_overwrite(settings, overwrite, label, index):
    label(owner="ada", cost="42").result(timeout=60, polling=SOON)
    assert overwrite().content == "new"
    labels = connect(settings).indexes.get_index(name=index.resource).labels
    assert (labels["owner"], labels["cost"]) == ("ada", "42")
    assert "coming" not in labels


def test_an_unfinished_update_of_labels_is_not_taken_for_the_overwrite(overwrite, label, town):
    label("content", coming="new").result(timeout=60, polling=SOON)
    label(owner="ada")
    before = len(list(write_log.read(town.state)))
    there = overwrite()
    assert (there.content, there.vectors_count) == ("new", 2)
    assert len(list(write_log.read(town.state))) - before == 2, "the overwrite, and the mark of what it holds"
