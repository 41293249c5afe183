"""Syncs as the service shows them: a little later than it takes them."""

from __future__ import annotations

from itertools import chain, repeat
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import BadRequest, PermissionDenied

from tasks.calls import ServiceRefused
from tasks.databricks import syncs
from tasks.databricks.indexes import IndexState
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.syncs import DONE, SyncFailed, apply_sync, wait_for_sync
from tasks.waiting import Deadline

SETTINGS = DatabricksSettings(host="https://w.example.com", catalog_schema="main.default", token="dapi0")
RUNNING, FAILED = "ONLINE_TRIGGERED_UPDATE", "ONLINE_PIPELINE_FAILED"


@pytest.fixture
def shows(monkeypatch):
    """Let the index show these states, one look after the other, and the last one from then on. Returns what was shown."""

    def sequence(*states):
        seen = []
        coming = chain(states, repeat(states[-1]))

        def look(*_):
            seen.append(next(coming))
            return IndexState(
                name="films", full_name="main.default.films", endpoint="films", state=seen[-1], said="", rows=300,
                index_type="DELTA_SYNC", columns={}, vector_column="embedding", dimensions=8,
            )  # fmt: skip

        monkeypatch.setattr(syncs, "find_index", look)
        return seen

    return sequence


def waited(**more):
    return wait_for_sync.fn(SETTINGS, "films", 300, Deadline.after(seconds=20), **more)


def test_how_the_sync_before_ended_is_not_taken_for_the_end_of_this_one(shows):
    seen = shows(DONE, DONE, RUNNING, RUNNING, DONE)
    assert waited().state == DONE
    assert seen == [DONE, DONE, RUNNING, RUNNING, DONE]
    seen = shows(FAILED, RUNNING, DONE)
    waited()
    assert seen == [FAILED, RUNNING, DONE]
    shows(DONE, RUNNING, FAILED)
    with pytest.raises(SyncFailed):
        waited()


def test_a_sync_that_had_nothing_to_do_counts_once_the_index_has_stayed_the_same(shows, monkeypatch):
    monkeypatch.setattr(syncs, "SETTLED_SECONDS", 0.2)
    assert len(shows(DONE)) == 0
    waited()
    seen = shows(DONE)
    waited(is_triggered=False)
    assert seen == [DONE], "a new index syncs by itself, and nothing was before"


@pytest.mark.parametrize("code", ["INVALID_STATE", "BAD_REQUEST", "INVALID_PARAMETER_VALUE"])
def test_a_sync_that_is_refused_because_one_runs_is_triggered_again_whatever_the_code(
    shows, monkeypatch, code
):
    answers = [BadRequest("Index is not ready to sync yet.", error_code=code), None]
    calls = []

    def sync(name):
        calls.append(name)
        if error := answers.pop(0):
            raise error

    monkeypatch.setattr(syncs, "connect", lambda _: SimpleNamespace(indexes=SimpleNamespace(sync_index=sync)))
    shows(DONE)
    apply_sync.fn(SETTINGS, "films", Deadline.after(seconds=20))
    assert calls == ["main.default.films"] * 2
    answers[:] = [PermissionDenied("no")]
    with pytest.raises(ServiceRefused):
        apply_sync.fn(SETTINGS, "films", Deadline.after(seconds=20))
    monkeypatch.setattr(syncs, "REFUSED_SECONDS", 0.1)
    answers[:] = [BadRequest("This index takes no sync.")] * 50
    with pytest.raises(ServiceRefused, match="takes no sync"):
        apply_sync.fn(SETTINGS, "films", Deadline.after(seconds=20))
