"""Versions of a name: an index each on one endpoint, of which a tag says which one is searched."""

from __future__ import annotations

from itertools import count

import pytest
from databricks.sdk.service.vectorsearch import CustomTag

from sandbox import faults, write_log
from tasks.calls import ServiceUnwell
from tasks.databricks import clients
from tasks.databricks.clients import connect
from tasks.databricks.endpoints import (
    EndpointState,
    apply_content_mark,
    ensure_endpoint,
    ensure_served,
    own_endpoint,
    remove_endpoint,
    remove_marks,
    wait_for_endpoint,
)
from tasks.databricks.errors import LoadUnderWay, NoSuchVersion
from tasks.databricks.index_lifecycle import ensure_index, remove_index, wait_for_index
from tasks.databricks.indexes import find_index, read_index, read_loaded_index
from tasks.databricks.inventory import IndexesOfOthers, read_inventory, refuse_foreign_indexes
from tasks.databricks.marks import VersionMarks, marked_versions, marks_of, tags_of, with_marks
from tasks.databricks.specs import FIRST, PASSAGES, IndexSpec
from tasks.databricks.versions import (
    UnlikeVersions,
    ensure_rollback,
    ensure_swap,
    read_changed_versions,
    read_free_name,
    read_versions,
    version_for,
)
from tasks.errors import InvalidInput
from tasks.versions import NothingToRollBackTo
from tasks.waiting import Deadline

SECOND, THIRD = "5f0c9a2e71bd", "0123456789ab"
_numbers = count()


def spec(name, version=FIRST, dimensions=2, **columns):
    return IndexSpec(name=name, version=version, dimensions=dimensions, data_columns=tuple(columns.items()))


def endpoint(**tags):
    marked = {"managed_by": "vector-search-ops", "name": "films", **tags}
    return EndpointState(name="films", state="ONLINE", said="", indexes=1, tags=marked, is_marked=True)


@pytest.fixture
def writes(sandbox):
    """The changing calls so far, without their services."""
    return lambda: [each.method.rpartition(".")[2] for each in write_log.read(sandbox.state)]


@pytest.fixture
def make(settings):
    """Makes a version as a build does: `make(name, SECOND)`; one that is still being loaded with `loaded=False`."""

    def of(name, version=FIRST, loaded=True, **how):
        wanted, deadline = spec(name, version, **how), Deadline.after(minutes=1)
        ensure_endpoint.fn(
            settings, name, version=version, spec=wanted.spec, content=f"of {version}", has_index=False, deadline=deadline
        )  # fmt: skip
        wait_for_endpoint.fn(settings, name, deadline)
        ensure_index.fn(settings, wanted, deadline)
        index = wait_for_index.fn(settings, name, deadline, version)
        if loaded:
            apply_content_mark.fn(settings, name, version, content=f"of {version}")
        return index

    return of


@pytest.fixture
def name():
    return f"versions-{next(_numbers)}"


@pytest.fixture
def versions(make, name):
    """A name with two versions, the first one served."""
    make(name)
    make(name, SECOND)
    return name


def test_marks_of_a_version_are_tags_that_leave_those_of_others_alone():
    first = VersionMarks(spec="a", content="b", found="0.95")
    tags = with_marks({"team": "search"}, FIRST, first)
    tags = with_marks(tags, SECOND, VersionMarks(spec="c", coming="d", replaces=True))
    assert tags == {
        "team": "search", "spec": "a", "content": "b", "found": "0.95",
        f"spec_{SECOND}": "c", f"coming_{SECOND}": "d", f"replaces_{SECOND}": "yes",
    }  # fmt: skip
    assert (marks_of(tags, FIRST), marks_of(tags, SECOND).coming) == (first, "d")
    assert marked_versions({**tags, "content_of_others": "x"}) == (FIRST, SECOND)
    assert with_marks(tags, SECOND, VersionMarks()) == {
        "team": "search",
        "spec": "a",
        "content": "b",
        "found": "0.95",
    }


def test_the_version_that_holds_the_data_is_found_again_and_other_data_become_a_new_one():
    wanted = spec("films")
    assert version_for(None, wanted, "x") == FIRST
    assert version_for(endpoint(), wanted, "x") == FIRST, "nothing was built yet"
    there = {"spec": wanted.spec, "content": "x"}
    assert version_for(endpoint(**there), wanted, "x") == FIRST
    made = version_for(endpoint(**there), wanted, "y")
    assert made == version_for(endpoint(**there), wanted, "y") != FIRST, "the same in every run"
    begun = endpoint(**there, **{f"spec_{made}": wanted.spec, f"coming_{made}": "y"})
    assert version_for(begun, wanted, "y") == made, "a killed build is continued"
    assert version_for(begun, spec("films", year="long"), "x") not in (FIRST, made), "other columns"
    replaced = endpoint(**there, **{f"spec_{made}": wanted.spec, f"content_{made}": "z"})
    assert version_for(replaced, wanted, "y") not in (FIRST, made), "a plain build replaced what it held"


def test_a_mark_that_is_set_after_its_call_was_given_up_does_not_undo_the_next_one(
    sandbox, settings, make, name, writes, monkeypatch
):
    make(name, loaded=False)
    monkeypatch.setattr(clients, "CALL_SECONDS", 2.0)
    connect.cache_clear()
    try:
        before = len(writes())
        faults.add(
            sandbox.state,
            "vector_search_endpoints.update_endpoint_custom_tags",
            "stall",
            "before",
            seconds=3.0,
        )
        apply_content_mark.fn(settings, name, content="one")
        apply_content_mark.fn(settings, name, content="two")
        assert own_endpoint(settings, name).marks_of(FIRST).content == "two"
        assert writes()[before:] == ["update_endpoint_custom_tags"] * 2
    finally:
        connect.cache_clear()


def test_a_swap_and_a_rollback_move_one_tag_and_done_again_change_nothing(settings, versions, writes):
    before = len(writes())
    assert read_index.fn(settings, versions).version == FIRST
    for move, serves in (
        (lambda: ensure_swap.fn(settings, versions, SECOND), SECOND),
        (lambda: ensure_rollback.fn(settings, versions), FIRST),
        (lambda: ensure_swap.fn(settings, versions, SECOND), SECOND),
    ):
        assert move().changed
        assert read_index.fn(settings, versions).version == serves
        assert not move().changed
    assert writes()[before:] == ["update_endpoint_custom_tags"] * 3
    there = read_versions.fn(settings, versions)
    assert (there.endpoint.replaced, there.endpoint.rolled_back_from) == (FIRST, "")
    assert there.hours_served < 1
    assert there.described(SECOND) == f"{SECOND} (main.default.{versions.replace('-', '_')}_{SECOND}, 0 rows)"


def test_after_a_lost_reply_the_retry_finds_what_was_moved_and_keeps_the_way_back(
    sandbox, settings, versions
):
    tags = "vector_search_endpoints.update_endpoint_custom_tags"
    for move in (lambda: ensure_swap.fn(settings, versions, SECOND), lambda: ensure_rollback.fn(settings, versions)):  # fmt: skip
        faults.add(sandbox.state, tags, "unavailable", "after")
        with pytest.raises(ServiceUnwell):
            move()
        assert not move().changed
    there = read_versions.fn(settings, versions).endpoint
    assert (there.serves, there.replaced, there.rolled_back_from) == (FIRST, "", SECOND)


def test_what_is_not_there_or_not_loaded_completely_is_refused_by_name(settings, make, name, writes):
    make(name)
    make(name, SECOND, loaded=False)
    before = writes()
    for version in (SECOND, THIRD):
        with pytest.raises(
            NoSuchVersion, match=f"no version '{version}' of {name} .* Loaded: first; served: first"
        ):
            ensure_swap.fn(settings, name, version)
    with pytest.raises(NoSuchVersion, match=THIRD):
        read_index.fn(settings, name, THIRD)
    with pytest.raises(NothingToRollBackTo, match="no swap came before"):
        ensure_rollback.fn(settings, name)
    with pytest.raises(InvalidInput, match="Nothing of this project is served"):
        read_versions.fn(settings, "nobody")
    assert writes() == before
    assert "not loaded completely" in read_versions.fn(settings, name).described(SECOND)


def test_a_rollback_to_a_version_that_was_pruned_is_refused(settings, versions):
    ensure_swap.fn(settings, versions, SECOND)
    remove_index.fn(settings, versions, Deadline.after(minutes=1))
    remove_marks.fn(settings, versions, FIRST)
    with pytest.raises(NoSuchVersion, match=f"Loaded: {SECOND}; served: {SECOND}"):
        ensure_rollback.fn(settings, versions)
    assert own_endpoint(settings, versions).versions == (SECOND,)
    assert find_index(settings, versions, SECOND) is not None


def test_a_knowledge_base_goes_back_to_what_was_served_and_its_rows_are_no_ones_to_change(settings, name):
    deadline = Deadline.after(minutes=1)
    ensure_endpoint.fn(settings, name, spec=PASSAGES, content="", has_index=False, deadline=deadline)
    wait_for_endpoint.fn(settings, name, deadline)
    assert own_endpoint(settings, name).serves == ""
    for version in (SECOND, THIRD, "abcdefabcdef"):
        ensure_index.fn(settings, spec(name, version), deadline)
        wait_for_index.fn(settings, name, deadline, version)
    with pytest.raises(NothingToRollBackTo, match="serves the version none"):
        ensure_rollback.fn(settings, name)
    for version in (SECOND, THIRD):
        ensure_served.fn(settings, name, version)
    assert ensure_rollback.fn(settings, name).there.serves == SECOND
    assert ensure_swap.fn(settings, name, THIRD).there.replaced == SECOND
    with pytest.raises(NoSuchVersion, match="Loaded: "):
        ensure_swap.fn(settings, name, "abcdefabcdef")
    for refused in (read_loaded_index, read_changed_versions):
        with pytest.raises(InvalidInput, match="that of a knowledge base"):
            refused.fn(settings, name)


def test_tags_of_other_people_stay(settings, versions):
    endpoints = connect(settings).endpoints
    there = endpoints.get_endpoint(versions)
    endpoints.update_endpoint_custom_tags(versions, [*there.custom_tags, CustomTag("team", "search")])
    ensure_swap.fn(settings, versions, SECOND)
    ensure_rollback.fn(settings, versions)
    remove_marks.fn(settings, versions, SECOND)
    tags = tags_of(endpoints.get_endpoint(versions))
    assert (tags["team"], tags["serves"], tags["rolled_back_from"]) == ("search", FIRST, SECOND)
    assert not [key for key in tags if key.endswith(f"_{SECOND}")]


def test_changes_of_rows_go_to_every_version_that_is_loaded_the_served_one_first(settings, make, versions):
    make(versions, THIRD, loaded=False)
    changed = read_changed_versions.fn(settings, versions)
    assert [index.version for index in changed] == [FIRST, SECOND]
    ensure_swap.fn(settings, versions, SECOND)
    assert [index.version for index in read_changed_versions.fn(settings, versions)] == [SECOND, FIRST]
    apply_content_mark.fn(settings, versions, SECOND, coming="x", replaces=True)
    with pytest.raises(LoadUnderWay):
        read_changed_versions.fn(settings, versions)


def test_a_tour_takes_a_name_that_is_free_or_its_own_alone(settings, versions):
    assert read_free_name.fn(settings, "nobody", ()) is None
    assert read_free_name.fn(settings, versions, ("of first", f"of {SECOND}")).name == versions
    with pytest.raises(InvalidInput, match=f"This name holds something else.*'{versions}'"):
        read_free_name.fn(settings, versions, ("of first",))


def test_a_version_that_does_not_take_the_rows_of_the_served_one_is_named(settings, make, name):
    make(name)
    make(name, SECOND, dimensions=3)
    with pytest.raises(
        UnlikeVersions, match=f"version {SECOND} .* it has 3 dimensions, the served one has 2"
    ):
        read_changed_versions.fn(settings, name)


def test_an_index_of_others_whose_name_looks_like_a_versions_is_theirs(settings, make, name):
    make(name)
    deadline = Deadline.after(minutes=1)
    ensure_index.fn(settings, spec(name, THIRD), deadline)
    wait_for_index.fn(settings, name, deadline, THIRD)
    there = read_inventory.fn(settings, name)
    assert there.foreign == (f"main.default.{name.replace('-', '_')}_{THIRD}",)
    with pytest.raises(IndexesOfOthers, match=THIRD):
        refuse_foreign_indexes(name, there)
    assert read_versions.fn(settings, name).others == ()


def test_the_inventory_has_every_version_and_the_tables_of_those_that_were_only_begun(settings, make, name):
    make(name)
    make(name, SECOND, loaded=False)
    statement = f"CREATE TABLE main.default.{name.replace('-', '_')}_{THIRD}_source (id STRING) USING DELTA TBLPROPERTIES "
    marks = {"managed_by": "vector-search-ops", "name": name}
    listed = ", ".join(f"'vector_search_ops.{key}' = '{value}'" for key, value in marks.items())
    connect(settings).statements.execute_statement(f"{statement}({listed})", settings.warehouse_id)
    apply_content_mark.fn(settings, name, THIRD, coming="z")
    there = read_inventory.fn(settings, name)
    own = f"main.default.{name.replace('-', '_')}"
    assert str(there) == (
        f"index {own} with 0 rows; index {own}_{SECOND} with 0 rows; source table {own}_{THIRD}_source; its endpoint"
    )
    deadline = Deadline.after(minutes=1)
    for version in there.indexes:
        remove_index.fn(settings, name, deadline, version)
    connect(settings).tables.delete(f"{own}_{THIRD}_source")
    remove_endpoint.fn(settings, name, deadline)
    assert read_inventory.fn(settings, name).is_empty
