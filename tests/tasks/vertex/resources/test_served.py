"""What is served under a name, while it changes."""

from __future__ import annotations

import pytest

from tasks.vertex.resources import served
from tasks.vertex.resources.endpoints import EndpointState
from tasks.vertex.resources.served import NotServed, read_served_index
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST

SETTINGS = VertexSettings(project="p", location="us-central1")


def endpoint(serves):
    return EndpointState(
        resource="e", kind="public", network="", public_domain="", deployed_index_ids=(), making="", serves=serves
    )  # fmt: skip


@pytest.fixture
def reads(monkeypatch):
    """What the reads of an endpoint show one after the other, and the versions that are deployed: `reads(["a", "b"], {"b"})`."""

    def show(marks, deployed):
        shown = iter([None if mark is None else endpoint(mark) for mark in marks])

        def look(_settings, name, _endpoint, version):
            if version not in deployed:
                raise NotServed(name, missing=f"its index of the version {version} is not deployed (yet)")
            return version

        monkeypatch.setattr(served, "_endpoint", lambda *_: next(shown))
        monkeypatch.setattr(served, "_of_version", look)

    return show


# Between the read of the mark and that of the deployed index, a swap and a prune: too short for the real thing.
def test_a_version_that_was_pruned_between_two_reads_is_followed_to_the_one_that_is_served_now(reads):
    reads([FIRST, "b", "c"], {"c"})
    assert read_served_index.fn(SETTINGS, "a") == "c"


@pytest.mark.parametrize("marks", [[FIRST, FIRST], [None, None], [FIRST, None]])
def test_what_is_not_served_is_said_once_the_mark_stands_still(reads, marks):
    reads(marks, {"b"})
    with pytest.raises(NotServed, match="version first is not deployed"):
        read_served_index.fn(SETTINGS, "a")


def test_a_version_that_is_asked_for_is_not_exchanged_for_another(reads):
    reads([FIRST, "b"], {"b"})
    with pytest.raises(NotServed, match="version first"):
        read_served_index.fn(SETTINGS, "a", FIRST)
