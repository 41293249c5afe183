"""An overwrite's own end is what deployed copies are compared with: a change of labels moves no copy."""

from __future__ import annotations

import base64

import google_crc32c
import numpy as np
import orjson
import pytest

from tasks.calls import ServiceUnwell
from tasks.errors import DeadlinePassed
from tasks.vertex.connection.clients import connect
from tasks.vertex.data.import_files import ImportFile
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.storage import apply_import_files
from tasks.vertex.operations.operations import list_operations
from tasks.vertex.resources import contents
from tasks.vertex.resources.contents import apply_index_contents
from tasks.vertex.resources.deployed_indexes import wait_for_index_sync
from tasks.vertex.resources.indexes import IndexState, read_again
from tasks.vertex.specs import IndexSpec
from tasks.waiting import Deadline


@pytest.fixture
def uri(settings, tmp_path):
    """A folder of import files in the bucket."""
    line = orjson.dumps({"id": "a", "embedding": np.ones(4, "f4")}, option=orjson.OPT_SERIALIZE_NUMPY)
    (tmp_path / "datapoints-00000.json").write_bytes(line)
    checksum = base64.b64encode(google_crc32c.Checksum(line).digest()).decode()
    ensure_bucket.fn(settings)
    file = ImportFile(name="datapoints-00000.json", first_row=0, last_row=0, size=len(line), crc32c=checksum)
    return apply_import_files.fn(settings, "overwrites", "c", (file,), tmp_path).uri


def test_a_copy_is_waited_for_by_the_end_of_the_overwrite_and_not_by_a_change_of_labels(
    settings, serve, uri, deadline
):
    served = serve("public")
    spec = IndexSpec(name=served.name, dimensions=served.dimensions, algorithm="brute-force")
    before = IndexState(
        resource=served.index,
        config={},
        update_method="STREAM_UPDATE",
        content="",
        coming="",
        overwritten=0,
        vectors_count=0,
        deployed=(),
        making="",
    )
    after = apply_index_contents.fn(settings, spec, before, contents_uri=uri, content="c", deadline=deadline)

    ends = [each.updated for each in list_operations(settings, served.index, kinds={"UpdateIndex"})]
    assert after.overwritten in ends
    assert after.overwritten < max(ends), "the marks came later"
    moved = connect(settings).indexes.get_index(name=served.index).update_time
    assert moved.timestamp() * 1e9 > after.overwritten

    copy = (served.name, served.endpoint, served.deployed_index_id)
    wait_for_index_sync.fn(settings, *copy, after.overwritten, deadline)
    with pytest.raises(DeadlinePassed, match="still serving the old contents"):
        wait_for_index_sync.fn(settings, *copy, max(ends), Deadline.after(seconds=0.3))


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_mark_that_fails_for_now_is_set_again_without_a_second_overwrite(
    settings, serve, uri, deadline, monkeypatch, is_taken
):
    served = serve("public")
    spec = IndexSpec(name=served.name, dimensions=served.dimensions, algorithm="brute-force")
    before = read_again(settings, served.index)
    begun, real = [], contents.begin_update

    def begin(settings, index, field, doing):
        begun.append(field)
        if begun == ["labels", "metadata", "labels"]:
            if is_taken:  # and its reply is lost
                real(settings, index, field, doing)
            raise ServiceUnwell(doing, service="Google Cloud", status="UNAVAILABLE", said="try again")
        return real(settings, index, field, doing)

    monkeypatch.setattr(contents, "begin_update", begin)
    after = apply_index_contents.fn(settings, spec, before, contents_uri=uri, content="c2", deadline=deadline)
    assert (after.content, after.coming) == ("c2", "")
    assert begun == ["labels", "metadata", "labels", *([] if is_taken else ["labels"])]


def test_a_label_that_somebody_sets_between_our_read_and_our_mark_stays(
    settings, serve, uri, deadline, monkeypatch
):
    served = serve("public")
    spec = IndexSpec(name=served.name, dimensions=served.dimensions, algorithm="brute-force")
    before = read_again(settings, served.index)
    client, begun, real = connect(settings).indexes, [], contents.begin_update

    def begin(settings, index, field, doing):
        begun.append(field)
        if begun == ["labels"]:
            theirs = {**before.labels, "cost-center": "search"}
            client.update_index(
                index={"name": index.name, "labels": theirs}, update_mask={"paths": ["labels"]}
            ).result()
        return real(settings, index, field, doing)

    monkeypatch.setattr(contents, "begin_update", begin)
    after = apply_index_contents.fn(settings, spec, before, contents_uri=uri, content="c3", deadline=deadline)
    assert (after.content, after.labels["cost-center"]) == ("c3", "search")
    assert begun == ["labels", "labels", "metadata", "labels"]
