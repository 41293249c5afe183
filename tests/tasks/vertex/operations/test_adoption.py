"""What counts as ours and there, whatever of it the listing and the operations show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.aiplatform_v1 import Index

from tasks.calls import NotFound
from tasks.errors import NotOurs, PermanentError
from tasks.marks import is_ours
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.marks import labels_of
from tasks.vertex.operations import adoption
from tasks.vertex.operations.adoption import Kind, find_or_create, find_ours, the_one
from tasks.vertex.operations.operations import Operation
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, IndexSpec
from tasks.waiting import Deadline

NAME = "products"
SPEC = IndexSpec(name=NAME, dimensions=8)
NOW = datetime.now(UTC)
DEADLINE = Deadline.after(seconds=30)


def index(number, *, spec=SPEC, minutes=0, labels=None, display_name=NAME):
    labels = labels_of(spec) if labels is None else labels
    created = NOW - timedelta(minutes=minutes)
    return Index(name=f"p/indexes/{number}", display_name=display_name, labels=labels, create_time=created)


def operation(number, kind="CreateIndex", *, done=False, code=0, hours=0):
    name = f"p/indexes/{number}/operations/1"
    return Operation(
        name=name,
        kind=kind,
        done=done,
        code=code,
        said="",
        deployed_index_id="",
        created=NOW - timedelta(hours=hours),
    )


class Service:
    """What a service shows: `listed` resources, those that only a read finds, and operations."""

    def __init__(self, monkeypatch):
        self.listed, self.readable, self.operations, self.followed, self.read = [], [], [], [], []
        self.after_following = lambda: None
        self.kind = Kind(
            noun="index",
            create="CreateIndex",
            list=lambda *_: self.listed,
            get=self._get,
            delete=lambda *_: "",
        )
        monkeypatch.setattr(
            adoption, "list_operations", lambda *_, kinds: [o for o in self.operations if o.kind in kinds]
        )
        monkeypatch.setattr(adoption, "follow", self._follow)
        monkeypatch.setattr(adoption, "follow_earlier", self._follow_earlier)

    def _get(self, _, name):
        self.read.append(name)
        for each in (*self.listed, *self.readable):
            if each.name == name:
                return each
        raise NotFound(f"read {name}", service="Google Cloud", status="NOT_FOUND", said="gone")

    def _follow(self, _, name, *__):
        self.followed.append(name)
        self.after_following()

    def _follow_earlier(self, settings, operation, *_):
        self._follow(settings, operation.name)
        return operation

    def ours(self):
        return [made.resource.name[-1] for made in find_ours(SETTINGS, self.kind, NAME, DEADLINE)]


SETTINGS = VertexSettings(project="p", location="us-central1")


@pytest.fixture
def service(monkeypatch):
    return Service(monkeypatch)


def test_ours_are_the_marked_ones_of_the_name_oldest_first(service):
    service.listed = [
        index(1, minutes=1),
        index(2, minutes=5),
        index(3, labels={}),
        index(4, labels={"managed_by": "somebody", "name": NAME}),
        index(5, spec=IndexSpec(name="other", dimensions=8)),
    ]
    assert service.ours() == ["2", "1"]


@pytest.mark.parametrize(
    ("creation", "found"),
    [
        (operation(7), ["7"]),
        (operation(7, done=True), ["7"]),
        (operation(7, done=True, hours=23), ["7"]),
        (operation(7, done=True, hours=25), []),
        (operation(7, done=True, code=13), []),
        (operation(7, "CreateIndexEndpoint"), []),
    ],
    ids=["under way", "just ended", "ended a day ago", "ended long ago", "failed", "of another kind"],
)
def test_what_the_listing_does_not_show_is_found_by_its_creation(creation, found, service):
    service.readable, service.operations = [index(7)], [creation]
    assert service.ours() == found
    assert service.followed == []


def test_what_was_deleted_since_is_not_read_again(service):
    """Every teardown of a day would otherwise cost every later command a call."""
    service.listed = [index(1)]
    service.operations = [
        *(operation(number, done=True) for number in range(2, 9)),
        *(operation(number, "Delete", done=True) for number in range(2, 8)),
        operation(8, "Delete", done=True, code=9),
    ]
    assert service.ours() == ["1"]
    assert service.read == ["p/indexes/8"]


def test_a_creation_that_cannot_be_read_yet_is_waited_for(service):
    service.operations = [operation(7)]
    service.after_following = lambda: service.readable.append(index(7))
    assert service.ours() == ["7"]
    assert service.followed == ["p/indexes/7/operations/1"]


def test_an_unreadable_creation_that_fails_made_nothing(service):
    def fail():
        raise OperationFailed("create", operation="o", code=13, said="INTERNAL")

    service.operations, service.after_following = [operation(7)], fail
    assert service.ours() == []


def test_what_is_being_deleted_is_waited_for_and_is_not_there(service):
    service.listed = [index(1), index(2, minutes=1)]
    service.operations = [operation(2, "Delete"), operation(1, "Delete", done=True, code=9)]
    assert service.ours() == ["1"]
    assert service.followed == ["p/indexes/2/operations/1"]


def test_two_of_one_name_with_different_specifications_are_reported(service):
    service.listed = [index(1), index(2, spec=IndexSpec(name=NAME, dimensions=9))]
    with pytest.raises(PermanentError, match=r"p/indexes/[12], p/indexes/[12]"):
        the_one(service.kind, find_ours(SETTINGS, service.kind, NAME, DEADLINE))


def test_versions_are_no_twins_and_twins_are_of_one_version(service):
    second = labels_of(IndexSpec(name=NAME, dimensions=9), version="b")
    service.listed = [index(1), index(2, labels=second, minutes=1), index(3, labels=second)]
    for version, there in {FIRST: ["1"], "b": ["2", "3"], None: ["2", "1", "3"]}.items():
        kind = replace(service.kind, version=version)
        found = find_ours(SETTINGS, kind, NAME, DEADLINE)
        assert sorted(made.resource.name[-1] for made in found) == sorted(there)
        if version:
            assert the_one(kind, found).resource.name[-1] == there[0]


def test_a_stranger_of_the_name_is_refused_only_where_something_would_be_made(service):
    service.listed = [index(1, labels={})]
    with pytest.raises(NotOurs, match="p/indexes/1"):
        find_or_create(SETTINGS, service.kind, NAME, lambda: pytest.fail("created"), DEADLINE)
    service.listed.append(index(2))
    made = find_or_create(SETTINGS, service.kind, NAME, lambda: pytest.fail("created"), DEADLINE)
    assert (made.did, made.there.resource.name) == ("nothing", "p/indexes/2")


def test_what_is_made_is_looked_for_again_and_an_older_twin_wins(service):
    def create():
        service.readable.append(index(9))
        service.operations.append(operation(9))
        service.listed.append(index(3, minutes=3))
        return operation(9).name

    made = find_or_create(SETTINGS, service.kind, NAME, create, DEADLINE)
    assert (made.did, made.there.resource.name) == ("created", "p/indexes/3")
    assert made.there.making is None


def test_a_creation_that_no_list_shows_is_followed_by_the_name_in_its_reply(service):
    service.after_following = lambda: service.readable.append(index(9))
    made = find_or_create(SETTINGS, service.kind, NAME, lambda: operation(9).name, DEADLINE)
    assert service.followed == [operation(9).name]
    assert (made.there.resource.name, made.there.making) == ("p/indexes/9", None)


def test_a_creation_that_failed_before_the_second_look_says_why(service):
    def fail():
        raise OperationFailed("create", operation="o", code=9, said="There are invalid records")

    service.operations, service.after_following = [operation(9, done=True, code=9)], fail
    with pytest.raises(OperationFailed, match="invalid records"):
        find_or_create(SETTINGS, service.kind, NAME, lambda: operation(9).name, DEADLINE)


@pytest.mark.parametrize("lost", ["managed_by", "name"])
def test_a_mark_is_whole_or_none(lost):
    labels = labels_of(SPEC, content="abc")
    assert is_ours(labels, NAME)
    assert not is_ours(labels, "other")
    assert not is_ours({key: value for key, value in labels.items() if key != lost}, NAME)
