"""Which version a build makes or goes on with, and which deployed index ids are ours."""

from __future__ import annotations

import re

import pytest

from tasks.vertex.resources.endpoints import EndpointState
from tasks.vertex.resources.indexes import IndexState
from tasks.vertex.resources.versions import VertexVersions, version_for
from tasks.vertex.specs import FIRST, IndexSpec, deployed_index_id, is_our_deployed_index_id

HERE = "us-central1"
SPEC = IndexSpec(name="a", dimensions=8)
WIDE = IndexSpec(name="a", dimensions=9)


def index(content, spec=SPEC, **more):
    about = {
        "config": {},
        "update_method": "STREAM_UPDATE",
        "coming": "",
        "overwritten": 0,
        "vectors_count": 1,
    }
    return IndexState(
        resource="i", content=content, spec=spec.spec, deployed=(), making="", **{**about, **more}
    )  # fmt: skip


def chosen(indexes, content, *, spec=SPEC, machine=None, serves=FIRST, machines=None):
    deployed = {deployed_index_id("a", HERE, version): type_ for version, type_ in (machines or {}).items()}
    endpoint = EndpointState(
        resource="e", kind="public", network="", public_domain="", deployed_index_ids=tuple(deployed), making="",
        serves=serves, machine_types=deployed,
    )  # fmt: skip
    there = VertexVersions(name="a", location=HERE, endpoint=endpoint, indexes=indexes)
    return version_for(there, indexes, spec, content, machine)


def test_what_nothing_was_built_under_begins_with_the_first_version():
    assert chosen({}, "one") == version_for(None, {}, SPEC, "one", None) == FIRST


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        ({"content": "one"}, FIRST),
        ({"content": "two"}, "b"),
        ({"content": "two", "serves": "b"}, "b"),
        ({"content": "one", "machine": "m"}, None),
        ({"content": "two", "machine": "m"}, "b"),
        ({"content": "two", "spec": WIDE}, None),
        ({"content": "coming"}, None),
    ],
    ids=["the first", "another", "the served", "on another machine", "deployed nowhere yet", "another configuration", "half overwritten"],
)  # fmt: skip
def test_the_version_that_holds_the_same_is_gone_on_with_and_any_other_is_new(wanted, version):
    indexes = {FIRST: index("one"), "b": index("two"), "c": index("", coming="coming")}
    found = chosen(indexes, **wanted, machines={FIRST: ""})
    if version is None:
        assert re.fullmatch("[0-9a-f]{12}", found)
        assert found == chosen(indexes, **wanted, machines={FIRST: ""}), "the same in every run"
    else:
        assert found == version


def test_of_versions_that_hold_the_same_the_served_one_is_gone_on_with_else_the_newest():
    indexes = {FIRST: index("one"), "b": index("one")}
    assert chosen(indexes, "one") == FIRST
    assert chosen(indexes, "one", serves="gone") == "b"


def test_a_version_whose_content_a_plain_build_replaced_keeps_its_mark_to_itself():
    there = {FIRST: index("one")}
    second = chosen(there, "two")
    there[second] = index("three")
    assert chosen(there, "two") not in there


def test_deployed_index_ids_are_as_short_as_the_service_wants_and_known_again():
    version = "0123456789ab"
    long = deployed_index_id("a" * 63, "northamerica-northeast1", version)
    assert len(long) <= 128
    assert is_our_deployed_index_id(long, "a" * 63, "northamerica-northeast1")
    of_a = deployed_index_id("a", HERE), deployed_index_id("a", HERE, version)
    assert of_a == ("a_us_central1", "a_us_central1_0123456789ab")
    for id_ in of_a:
        assert is_our_deployed_index_id(id_, "a", HERE)
        assert not is_our_deployed_index_id(id_, "a-us", HERE)
        assert is_our_deployed_index_id(id_, "a", HERE, version) == (id_ == of_a[1])
    assert not is_our_deployed_index_id("a_us_central1_by_hand", "a", HERE)
