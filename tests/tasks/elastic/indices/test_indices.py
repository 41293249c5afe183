import logging
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from sandbox import faults, write_log
from tasks.calls import ServiceUnwell
from tasks.elastic.connection import clients
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest
from tasks.elastic.indices import built, indices
from tasks.elastic.indices.aliases import (
    AliasState,
    NothingToRollBackTo,
    ensure_alias,
    ensure_rollback,
    read_alias,
    remove_alias,
)
from tasks.elastic.indices.built import list_built
from tasks.elastic.indices.indices import (
    count,
    ensure_index,
    ensure_index_settings,
    read_index,
    remove_index,
    set_marks,
)
from tasks.elastic.indices.sources import read_source
from tasks.elastic.specs import IndexSpec
from tasks.errors import CannotChangeInPlace, InvalidInput, NotOurs
from tasks.outcomes import Ensured


@pytest.fixture
def make(settings):
    """Makes indices of ours, and takes them away again: `make("a")`."""
    made = []

    def index(name, **more):
        spec = IndexSpec(name=name, properties={"plot": {"type": "text"}}, replicas=0, **more)
        assert ensure_index.fn(settings, spec).changed
        made.append(name)
        return spec

    yield index
    for name in made:
        remove_index.fn(settings, name)


def test_an_index_is_made_once_for_the_load_and_then_set_to_stay(settings, name, make, changes):
    spec = make(name)
    there = read_index.fn(settings, name)
    assert (there.refresh_interval, there.replicas, there.ours, there.content) == ("-1", 0, True, "")
    assert ensure_index_settings.fn(settings, spec).changed
    assert read_index.fn(settings, name).refresh_interval is None
    made = changes()
    assert not ensure_index.fn(settings, spec).changed
    assert not ensure_index_settings.fn(settings, spec).changed
    assert changes() == made


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("shards", {"shards": 2}),
        ("properties", {"properties": {"plot": {"type": "keyword"}}}),
        ("made_from", {"made_from": {"source": "other"}}),
    ],
)
def test_what_cannot_change_in_place_is_named(settings, name, make, field, changed):
    spec = make(name)
    with pytest.raises(CannotChangeInPlace) as refused:
        ensure_index.fn(settings, spec.model_copy(update=changed))
    assert refused.value.field == field


def test_a_strangers_index_is_never_touched(settings, name, changes):
    connect(settings).indices.create(index=name, mappings={"_meta": {"managed_by": "somebody"}})
    made = changes()
    for step in (
        lambda: ensure_index.fn(settings, IndexSpec(name=name)),
        lambda: remove_index.fn(settings, name),
        lambda: set_marks(settings, name, content="c"),
        lambda: ensure_alias.fn(settings, f"{name}-alias", name, "all of it"),
    ):
        with pytest.raises(NotOurs):
            step()
    assert changes() == made
    connect(settings).indices.delete(index=name)


def test_an_alias_is_not_taken_for_the_index_behind_it(settings, name, make):
    make(f"{name}-1")
    ensure_alias.fn(settings, name, f"{name}-1", "all of it")
    with pytest.raises(NotOurs):
        remove_index.fn(settings, name)


def test_a_mark_that_is_set_after_its_call_was_given_up_does_not_undo_the_next_one(
    start_sandbox, monkeypatch
):
    monkeypatch.setattr(clients, "CALL_SECONDS", 0.5)
    running, settings = start_sandbox()
    ensure_index.fn(settings, IndexSpec(name="films", replicas=0))
    faults.add(running.state, "indices.put_mapping", "stall", "before", seconds=1.5)
    assert set_marks(settings, "films", content="one")
    assert set_marks(settings, "films", content="two")
    assert read_index.fn(settings, "films").content == "two"
    marked = [write for write in write_log.read(running.state) if write.method == "indices.put_mapping"]
    assert len(marked) == 2


def test_a_mark_keeps_the_other_marks_and_comes_once(settings, name, make, changes):
    spec = make(name, made_from={"source": "movies"})
    assert set_marks(settings, name, content="abc")
    made = changes()
    assert not set_marks(settings, name, content="abc")
    assert changes() == made
    there = read_index.fn(settings, name)
    assert there.content == "abc"
    assert there.meta["made_from"] == spec.made_from
    assert not ensure_index.fn(settings, spec).changed


def test_every_write_and_every_delete_changes_the_content_of_a_source(settings, name, make):
    make(name)
    client, seen = connect(settings), []
    for change in (
        lambda: None,
        lambda: client.index(index=name, id="a", document={"plot": "one"}),
        lambda: client.index(index=name, id="a", document={"plot": "two"}),
        lambda: client.delete(index=name, id="a"),
    ):
        change()
        seen.append(read_source.fn(settings, name).content)
    assert len(set(seen)) == 4
    assert read_source.fn(settings, name).content == seen[-1]


def test_a_count_without_some_shards_is_no_count(settings, name, make, monkeypatch):
    make(name)
    client = connect(settings)
    # The stand-in has one shard per index, which answers or does not.
    partial = {"count": 1, "_shards": {"total": 2, "successful": 1, "skipped": 0, "failed": 1}}
    monkeypatch.setattr(type(client), "count", lambda *_, **__: partial)
    with pytest.raises(ServiceUnwell, match="1 of 2 shards did not answer"):
        count(settings, name)


def test_hidden_documents_of_nested_fields_are_not_counted_as_documents_of_a_source(
    settings, name, make, monkeypatch
):
    make(name)
    client = connect(settings)
    client.index(index=name, id="a", document={"plot": "one"}, refresh=True)
    real = client.indices.stats

    def stats(**asked):  # the stand-in has no nested fields: their documents are added to its answer
        answer = real(**asked)
        for (copy,) in answer.body["indices"][name]["shards"].values():
            copy["docs"]["count"] += 5
        return answer

    monkeypatch.setattr(type(client.indices), "stats", lambda _, **asked: stats(**asked))
    assert read_source.fn(settings, name).documents == 1


@pytest.fixture
def one_and_two(name, make):
    """The names of two indices that an alias may point at."""
    for number in (1, 2):
        make(f"{name}-{number}")
    return f"{name}-1", f"{name}-2"


def test_an_alias_moves_and_a_second_time_changes_nothing(settings, name, one_and_two, changes):
    one, two = one_and_two
    made = ensure_alias.fn(settings, name, one, "all of it")
    assert (made.did, made.there.previous) == ("created", "")
    moved = ensure_alias.fn(settings, name, two, "all of it")
    assert (moved.did, moved.there) == ("changed", AliasState(name, two, one, ""))
    before = changes()
    assert ensure_alias.fn(settings, name, two, "all of it") == Ensured(moved.there)
    assert changes() == before
    assert read_alias.fn(settings, name) == moved.there


def test_the_marks_of_an_index_that_an_alias_goes_to_are_one_write(settings, name, one_and_two, changes):
    # A write whose client gave up can be carried out late, over another one that came after it.
    one, two = one_and_two
    ensure_alias.fn(settings, name, one, "all of it")
    before = changes()
    ensure_alias.fn(settings, name, two, "all of it")
    there = read_index.fn(settings, two)
    assert (there.content, there.previous) == ("all of it", one)
    assert changes()[len(before) :] == ["indices.put_mapping", "indices.update_aliases"]


def test_an_index_that_the_alias_points_at_gets_the_mark_of_its_data(settings, name, one_and_two):
    one, _ = one_and_two
    ensure_alias.fn(settings, name, one, "all of it")
    set_marks(settings, one, content=None)
    assert not ensure_alias.fn(settings, name, one, "all of it").changed
    assert read_index.fn(settings, one).content == "all of it"


def test_an_alias_goes_back_and_a_second_time_changes_nothing(settings, name, one_and_two, changes):
    one, two = one_and_two
    ensure_alias.fn(settings, name, one, "all of it")
    ensure_alias.fn(settings, name, two, "all of it")
    back = ensure_rollback.fn(settings, name)
    assert (back.did, back.there) == ("changed", AliasState(name, one, "", two))
    before = changes()
    assert ensure_rollback.fn(settings, name) == Ensured(back.there)
    assert changes() == before
    assert read_alias.fn(settings, name) == back.there


def test_an_alias_keeps_its_filter_and_its_routing_wherever_it_goes(settings, name, one_and_two):
    one, two = one_and_two
    client = connect(settings)
    shown = {"filter": {"term": {"plot": "public"}}, "is_write_index": True, "index_routing": "a", "search_routing": "a"}  # fmt: skip
    client.indices.put_alias(index=one, name=name, **shown)
    ensure_alias.fn(settings, name, two, "all of it")
    assert client.indices.get_alias(name=name).body == {two: {"aliases": {name: shown}}}
    ensure_rollback.fn(settings, name)
    assert client.indices.get_alias(name=name).body == {one: {"aliases": {name: shown}}}


def test_an_alias_goes_to_a_named_index_and_is_removed_once(settings, name, one_and_two):
    one, two = one_and_two
    ensure_alias.fn(settings, name, one, "all of it")
    assert ensure_rollback.fn(settings, name, two).changed
    assert not ensure_rollback.fn(settings, name, two).changed
    assert ensure_alias.fn(settings, name, one, "all of it").changed
    assert ensure_rollback.fn(settings, name).there.index == two
    assert remove_alias.fn(settings, name) == (name,)
    assert remove_alias.fn(settings, name) == ()


def test_without_an_index_before_there_is_nothing_to_roll_back_to(settings, name, make):
    with pytest.raises(NothingToRollBackTo, match="points at nothing"):
        ensure_rollback.fn(settings, name)
    make(f"{name}-1")
    ensure_alias.fn(settings, name, f"{name}-1", "all of it")
    with pytest.raises(NothingToRollBackTo, match="no previous index is recorded"):
        ensure_rollback.fn(settings, name)


def test_an_index_before_that_is_gone_is_no_goal(settings, name, make):
    make(f"{name}-1")
    make(f"{name}-2")
    ensure_alias.fn(settings, name, f"{name}-1", "all of it")
    ensure_alias.fn(settings, name, f"{name}-2", "all of it")
    remove_index.fn(settings, f"{name}-1")
    with pytest.raises(NothingToRollBackTo, match="is gone"):
        ensure_rollback.fn(settings, name)


def test_an_index_cannot_be_an_alias(settings, name, make):
    make(name)
    make(f"{name}-2")
    with pytest.raises(InvalidInput, match="name of an index"):
        ensure_alias.fn(settings, name, f"{name}-2", "all of it")


def test_what_was_built_is_listed_by_the_name_that_its_commands_take(settings, name, make):
    make(name)
    copy = make(f"{name}-0123456789ab", made_from={"source": "films"})
    passages = make(f"{name}-ba9876543210", made_from={"kind": "passages"})
    found = [one for one in list_built(settings) if one.name == name]
    assert [one.kind for one in found] == [
        "index",
        f"index {copy.name}, embedded from films",
        f"index {passages.name}, passages of documents",
    ]
    assert {(one.holds, one.serves, one.hourly) for one in found} == {("0 documents", "no alias", 0.0)}
    assert all(abs((datetime.now(UTC) - one.since).total_seconds()) < 600 for one in found)


def test_what_is_closed_is_listed_all_the_same(settings, name, make, monkeypatch):
    make(name)
    asked, real = [], connect(settings).indices

    def get(_, **parameters):  # the stand-in closes no index
        asked.append(parameters.pop("expand_wildcards", None))
        return type(real)(connect(settings)).perform_request(
            "GET", "/*", headers={"accept": "application/json"}
        )

    def closed(*_):
        raise BadRequest(
            "count", service="Elasticsearch", status=400, said="closed", type="index_closed_exception"
        )

    monkeypatch.setattr(type(real), "get", get)
    monkeypatch.setattr(built, "count", closed)
    (shown,) = [one for one in list_built(settings) if one.name == name]
    assert shown.holds.startswith("closed")
    assert asked == [["open", "closed"]]


def test_a_source_that_may_not_be_refreshed_is_waited_for(settings, name, monkeypatch, caplog):
    client, slept = connect(settings), []
    client.indices.create(index=name, settings={"refresh_interval": "200ms"})
    rights = [{"names": [name], "privileges": ["read", "view_index_metadata", "monitor"]}]
    made = client.security.create_api_key(name="k", role_descriptors={"k": {"indices": rights}})
    limited = settings.model_copy(update={"api_key": SecretStr(made["encoded"])})
    monkeypatch.setattr(indices.time, "sleep", slept.append)
    caplog.set_level(logging.INFO, "vector_search_ops")
    indices.refresh_source(settings, name)
    assert (slept, caplog.text) == ([], "")
    indices.refresh_source(limited, name)
    assert slept == [0.2]
    assert "index privilege maintenance" in caplog.text
    client.indices.put_settings(index=name, settings={"refresh_interval": "-1"})
    indices.refresh_source(limited, name)
    assert slept == [0.2]
    assert "are left out" in caplog.text
    client.indices.delete(index=name)
