"""`elastic load` with a mapping and settings of the user's own, and into an index that somebody made by hand."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path):
    """The paths of a file of documents, of a mapping and of settings."""
    documents = [{"id": 1, "released": "1999", "code": "7"}, {"id": 2, "released": "2010", "code": "x"}]
    mapping = {"properties": {"released": {"type": "date"}, "code": {"type": "integer"}}}
    given = {"rows.jsonl": "\n".join(map(json.dumps, documents)), "mapping.json": json.dumps(mapping)}
    given["settings.json"] = json.dumps({"index": {"number_of_replicas": 0, "refresh_interval": "9s"}})
    for name, text in given.items():
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in given]


def test_an_index_is_made_as_the_files_say_and_a_value_that_does_not_fit_names_the_option(
    cluster, elastic, name, files
):
    rows, mapping, settings = files
    words = ["load", "--name", name, "--data", rows, "--id-field", "id", "--settings", settings]
    assert "--mapping FILE (another type" in elastic(cluster, *words, "--mapping", mapping, code=1).error
    mapping.write_text(mapping.read_text().replace("integer", "keyword"))
    refused = elastic(cluster, *words, "--mapping", mapping, code=1).error
    assert "properties" in refused
    assert "'integer'" in refused
    cluster.client.indices.delete(index=name)

    elastic(cluster, *words, "--mapping", mapping)
    there = cluster.client.indices.get(index=name)[name]
    assert there["mappings"]["properties"]["code"] == {"type": "keyword"}
    own = there["settings"]["index"]
    assert (own["refresh_interval"], own["number_of_replicas"]) == ("9s", "0")
    writes = cluster.writes
    assert "Nothing to do" in elastic(cluster, *words, "--mapping", mapping).err
    assert cluster.writes == writes


def test_an_index_made_by_hand_is_loaded_into_only_when_it_is_adopted(cluster, elastic, name, files):
    rows, mapping, _ = files
    cluster.client.indices.create(index=name, mappings={"properties": {"code": {"type": "keyword"}}})
    words = ["load", "--name", name, "--data", rows, "--id-field", "id"]
    assert "--adopt" in elastic(cluster, *words, code=1).error
    assert "--mapping" in elastic(cluster, *words, "--adopt", "--mapping", mapping, code=2).error
    said = elastic(cluster, *words, "--adopt").err
    assert f"Adopted the index {name}, which somebody else created, with 0 documents" in said
    assert cluster.client.count(index=name)["count"] == 2
    writes = cluster.writes
    for again in (words, [*words, "--adopt"]):
        assert "Nothing to do" in elastic(cluster, *again).err
    assert cluster.writes == writes
