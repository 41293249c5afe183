"""Mapping and settings of a user's own: read from files, refused before anything is created, completed by templates."""

import json

import pytest

from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.adoption import ensure_adopted
from tasks.elastic.indices.definitions import (
    Definition,
    completed,
    read_defaults,
    read_definition,
    verify_default_pipeline,
)
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings, read_index, remove_index
from tasks.elastic.specs import IndexSpec, text_field
from tasks.errors import InvalidInput

OWN = {
    "dynamic": "strict",
    "_meta": {"team": "search"},
    "properties": {"released": {"type": "date", "format": "yyyy"}, "crew": {"properties": {"director": {"type": "keyword"}}}},
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    """Writes a value into a file of JSON, or a text as it is."""

    def write(value, name="given.json"):
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


@pytest.mark.parametrize("mapping", [OWN, {"mappings": OWN}])
def test_a_mapping_is_read_with_or_without_its_wrapper(file, mapping):
    found = read_definition(file(mapping), None)
    assert found.properties == OWN["properties"]
    assert found.mapping == {"dynamic": "strict", "_meta": {"team": "search"}}


@pytest.mark.parametrize(
    "settings",
    [
        {"index.number_of_shards": 2, "index": {"refresh_interval": "9s", "mapping": {"total_fields.limit": 2000}}},
        {"settings": {"number_of_shards": "2", "refresh_interval": "9s", "mapping.total_fields.limit": 2000}},
    ],
)  # fmt: skip
def test_settings_are_read_however_they_are_spelled(file, settings):
    found = read_definition(None, file(settings))
    assert found == Definition(
        shards=2, refresh_interval="9s", settings={"mapping": {"total_fields": {"limit": "2000"}}}
    )


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ("{", ["cannot be read as JSON", "given.json"]),
        ([1], ["holds no JSON object"]),
        ({"movies": {"mappings": OWN}}, ["one level too deep", "'movies'", "GET"]),
        ({"movie": OWN}, ["one level too deep", "'movie'"]),
        ({"mappings": OWN, "aliases": {}}, ["aliases", "--settings"]),
        ({"properties": {"a": {"properties": {"b": {"index": True}}}}}, ["'a.b'", "neither a type nor properties"]),
        ({"properties": []}, ["must be an object"]),
        ({"_meta": {"spec": "x"}}, ["'spec'", "our own mark"]),
        ({"_source": {"enabled": False}}, ["Without _source"]),
        ({"_source": {"enabled": "false"}}, ["Without _source"]),
        ({"_source": True}, ["_source is no JSON object: True"]),
        ({"_meta": "x"}, ["_meta is no JSON object: 'x'"]),
        ({"_routing": {"required": True}}, ["routing"]),
    ],
)  # fmt: skip
def test_a_mapping_that_the_load_or_our_mark_cannot_live_with_is_refused_in_words(file, mapping, parts):
    with pytest.raises(InvalidInput) as refused:
        read_definition(file(mapping), None)
    assert all(part in str(refused.value) for part in ["--mapping", *parts]), refused.value


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"index": {"uuid": "x", "version": {"created": 1}}}, ["uuid, version.created", "Leave them out"]),
        ({"blocks.write": True}, ["blocks.write"]),
        ({"number_of_shards": 0}, ["at least 1", "'0'"]),
        ({"number_of_replicas": "many"}, ["at least 0", "'many'"]),
        ({"number_of_shards": "\u00b2"}, ["at least 1"]),
        ({"refresh_interval": ["1s"]}, ["refresh_interval is a list: ['1s']"]),
        ({"refresh_interval": "1s", "index": {"refresh_interval": "9s"}}, ["given twice: '1s and 9s'", "refresh_interval"]),
        ({"movies": {"settings": {}}}, ["one level too deep", "'movies'"]),
        ({"settings": {}, "mappings": {}}, ["mappings", "--mapping"]),
        ({"mapping": "x", "mapping.total_fields.limit": 1}, ["both as a value and as a group"]),
        ({"mapping.total_fields.limit": 1, "mapping": "x"}, ["both as a value and as a group"]),
    ],
)  # fmt: skip
def test_settings_that_the_load_cannot_live_with_are_refused_in_words(file, settings, parts):
    with pytest.raises(InvalidInput) as refused:
        read_definition(None, file(settings))
    assert all(part in str(refused.value) for part in parts), refused.value


def test_options_come_before_files_and_files_before_templates():
    spec = IndexSpec(name="a", properties={"plot": text_field()})
    own = Definition(properties={"year": {"type": "long"}}, replicas=2, refresh_interval="9s")
    templates = Definition(shards=3, replicas=0, refresh_interval="7s", default_pipeline="clean")
    whole = completed(spec, own, templates, shards=None, replicas=None)
    assert (whole.shards, whole.replicas, whole.refresh_interval) == (3, 2, "9s")
    assert (list(whole.properties), whole.default_pipeline) == (["plot", "year"], "clean")
    assert completed(spec, Definition(), Definition(), shards=None, replicas=None) == spec
    assert completed(spec, Definition(), Definition(expands=True), shards=4, replicas=None).replicas is None
    assert completed(spec, Definition(), Definition(expands=True), shards=4, replicas=1).replicas == 1
    with pytest.raises(InvalidInput, match="say different numbers of replicas"):
        completed(spec, own, templates, shards=None, replicas=1)
    with pytest.raises(InvalidInput, match="mapped by the file"):
        completed(spec, Definition(properties=spec.properties), templates, shards=None, replicas=None)
    with pytest.raises(InvalidInput, match="has a default pipeline already"):
        completed(
            spec.model_copy(update={"default_pipeline": "a-lowercase"}), own, templates, shards=1, replicas=None
        )  # fmt: skip


def test_an_index_is_made_with_what_its_file_and_its_template_say_and_again_nothing_changes(
    settings, name, file, changes
):
    client = connect(settings)
    client.cluster.put_component_template(
        name=name, template={"settings": {"number_of_replicas": 0, "refresh_interval": "7s"}}
    )
    client.indices.put_index_template(
        name=name,
        index_patterns=[f"{name}*"],
        composed_of=[name],
        template={
            "settings": {"number_of_shards": 2},
            "mappings": {"properties": {"year": {"type": "long"}}},
        },
    )
    own = read_definition(file(OWN), file({"max_result_window": 500}, "settings.json"))
    verify_default_pipeline.fn(settings, own)
    spec = completed(IndexSpec(name=name), own, read_defaults.fn(settings, name), shards=None, replicas=None)
    assert ensure_index.fn(settings, spec).changed
    ensure_index_settings.fn(settings, spec)
    there = read_index.fn(settings, name)
    assert (there.shards, there.replicas, there.refresh_interval, there.ours) == (2, 0, "7s", True)
    assert there.meta["team"] == "search"
    assert {"released", "crew", "year"} == set(there.properties)
    shown = client.indices.get_settings(index=name)[name]["settings"]["index"]
    assert shown["max_result_window"] == "500"
    made = changes()
    assert not ensure_index.fn(settings, spec).changed
    assert not ensure_index_settings.fn(settings, spec).changed
    assert changes() == made
    client.indices.delete_index_template(name=name)
    client.cluster.delete_component_template(name=name)
    remove_index.fn(settings, name)


def test_a_default_pipeline_that_is_not_there_is_refused(settings, file):
    own = read_definition(None, file({"index.default_pipeline": "nowhere"}))
    with pytest.raises(InvalidInput, match=r"no such ingest pipeline.*'nowhere'"):
        verify_default_pipeline.fn(settings, own)


def test_an_index_made_by_hand_is_marked_once_and_keeps_what_it_is(settings, name, changes):
    client = connect(settings)
    client.indices.create(
        index=name,
        mappings={"_meta": {"team": "a"}, "properties": {"n": {"type": "short"}}},
        settings={"number_of_replicas": 0},
    )
    before = read_index.fn(settings, name)
    assert ensure_adopted.fn(settings, name).changed
    there = read_index.fn(settings, name)
    assert (there.ours, there.adopted, there.meta["team"]) == (True, True, "a")
    assert (there.properties, there.refresh_interval) == (before.properties, before.refresh_interval)
    made = changes()
    assert not ensure_adopted.fn(settings, name).changed
    assert changes() == made
    client.indices.put_alias(index=name, name=f"{name}-alias")
    with pytest.raises(InvalidInput, match=f"stands for the index {name}"):
        ensure_adopted.fn(settings, f"{name}-alias")
    with pytest.raises(InvalidInput, match="no single index of this name"):
        ensure_adopted.fn(settings, f"{name}-none")
    remove_index.fn(settings, name)


def test_an_index_whose_meta_our_mark_would_overwrite_is_not_adopted(settings, name):
    client = connect(settings)
    client.indices.create(index=name, mappings={"_meta": {"name": "theirs"}})
    with pytest.raises(InvalidInput, match="'name'"):
        ensure_adopted.fn(settings, name)
    assert read_index.fn(settings, name).meta == {"name": "theirs"}
    client.indices.delete(index=name)
