"""What a sweep thinks of a name follows from its age, from what it serves, and from the limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flows.databricks.engine import DATABRICKS
from flows.sweeping.candidates import Limits, candidates, duration, refuse_unknown
from flows.vertex.engine import VERTEX
from tasks.built import Built
from tasks.errors import InvalidInput

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def built(*, days=1.0, name="films", **about):
    since = None if days is None else NOW - days * DAY
    return Built(name=name, kind="index", holds="300 vectors", serves="films_us", since=since, **about)


@pytest.mark.parametrize(
    ("found", "limits", "why"),
    [
        ([built(days=400)], {}, ""),
        ([built(days=15)], {"expires": 14 * DAY}, "older than 14 days"),
        ([built(days=13)], {"expires": 14 * DAY}, ""),
        ([built(days=15), built(days=13)], {"expires": 14 * DAY}, ""),
        ([built(days=15)], {"expires": 14 * DAY, "keep": ("films",)}, ""),
        ([built(days=15, is_torn_down=False)], {"expires": 14 * DAY}, ""),
        ([built(days=None)], {"expires": DAY}, ""),
        ([built(days=15), built(days=None)], {"expires": DAY}, ""),
        ([built(days=2, is_idle=True)], {}, "idle"),
        ([built(days=0.5, is_idle=True)], {}, ""),
        ([built(days=2, is_idle=True), built(days=3)], {}, ""),
        ([built(days=2, is_idle=True)], {"keep": ("films",)}, ""),
    ],
    ids=[
        "in use", "expired", "young", "an old version beside a young one", "kept", "a source", "of unknown age", "partly of unknown age",
        "idle", "perhaps half of a build", "a version beside one that is served", "idle and kept",
    ],
)  # fmt: skip
def test_a_name_goes_when_it_is_idle_or_expired_and_nothing_speaks_for_it(found, limits, why):
    (one,) = candidates((VERTEX, each) for each in found)
    assert one.verdict(Limits(idle=DAY, **limits), NOW) == why


def test_a_name_is_one_of_an_engine_and_costs_what_all_of_it_does():
    found = [(VERTEX, built(hourly=0.5)), (VERTEX, built(hourly=0.25)), (DATABRICKS, built(hourly=None))]
    assert [(one.engine.name, one.daily) for one in candidates(found)] == [
        ("vertex", 18.0),
        ("databricks", None),
    ]


@pytest.mark.parametrize(("text", "length"), [("36h", 1.5 * DAY), ("14d", 14 * DAY), ("2w", 14 * DAY)])
def test_a_time_is_a_number_with_its_unit(text, length):
    assert duration(text, source="--expires") == length


@pytest.mark.parametrize("text", ["", "14", "d", "1.5d", "-1d", "14 d", "99999d", "14D"])
def test_another_text_is_no_time(text):
    with pytest.raises(
        InvalidInput, match=r"^This is no time.* \(from --expires\)\. Accepted: a number with h, d or w"
    ):
        duration(text, source="--expires")


def test_a_name_to_keep_must_be_there():
    with pytest.raises(InvalidInput, match=r"nothing of ours under this name to keep: 'film'.*films"):
        refuse_unknown(("film",), candidates([(VERTEX, built())]))
