"""The pace of documents: how fast, since when, and when it was throttled, from samples that stay few."""

from __future__ import annotations

import pytest

from tasks.measures.pace import MOST_SAMPLES, Pace, rates, throttle_marks


def seen(*samples, part="a:1", running=0.0):
    """A pace that has seen these, each (moment, documents, rejected, limit)."""
    pace = Pace(into="films-1")
    for at, documents, rejected, limit in samples:
        pace.see(part, documents, running=running, rejected=rejected, limit=limit, now=at)
    return pace


def test_documents_and_seconds_are_counted_from_where_a_part_began_also_before_this_run():
    pace = seen((110, 60, 0, None), (120, 120, 0, None), running=10)
    assert (pace.documents, pace.seconds, pace.per_second) == (120, 20, 6)
    assert [(one.since, one.until, one.per_second) for one in rates(pace.samples, most=10)] == [(100, 110, 6), (110, 120, 6)]  # fmt: skip


def test_the_time_between_two_parts_belongs_to_none():
    pace = seen((0, 0, 0, None), (10, 100, 0, None))
    pace.see("a:2", 50, running=5, now=105)
    assert (pace.documents, pace.seconds) == (150, 15)
    assert [one.per_second for one in rates(pace.samples, most=100)] == [10, 10]


def test_another_attempt_of_a_part_begins_at_its_first_document():
    pace = seen((0, 0, 0, None), (10, 100, 4, None), (12, 10, 1, None), (21, 100, 1, None))
    assert (pace.documents, pace.rejected, pace.seconds) == (200, 5, 19)
    assert all(one.per_second > 0 for one in rates(pace.samples, most=100))


def test_a_throttle_that_is_set_lowered_raised_and_lifted_is_marked_and_rejections_that_change_nothing_too():
    pace = seen((0, 0, 0, None), (10, 9, 5, 4.0), (20, 18, 5, 2.0), (30, 20, 5, 3.0), (40, 30, 5, None), (50, 40, 7, None))  # fmt: skip
    marks = throttle_marks(pace.samples, most=100)
    assert [one.sign for one in marks] == ["▼", "▼", "▲", "▲", "●"]
    assert marks[1].said == "throttled to 2 per second"
    assert (pace.throttled, pace.rejected) == (2, 7)


def test_marks_that_would_cover_each_other_are_one_and_the_throttle_goes_before_a_rejection():
    pace = seen((0, 0, 0, None), (50, 9, 1, None), (51, 9, 2, 4.0), (100, 9, 2, 4.0))
    assert [one.sign for one in throttle_marks(pace.samples, most=10)] == ["▼"]


def test_what_stands_still_is_slow_until_it_goes_on():
    pace = seen((0, 0, 0, None), (10, 100, 0, None), (50, 100, 0, None), (60, 200, 0, None))
    assert [(one.until, one.per_second) for one in rates(pace.samples, most=100)] == [(10, 10), (60, 2)]


@pytest.mark.parametrize("limits", [(None,), (None, 5.0)], ids=["no throttle", "a throttle once"])
def test_samples_of_days_stay_few_and_keep_the_end_and_the_throttle(limits):
    pace = Pace(into="films-1")
    for number in range(20_000):
        pace.see("a:1", 10 * number, limit=limits[number == 9_000 and -1], now=20 * number)
    assert len(pace.samples) <= MOST_SAMPLES
    assert pace.samples[-1].documents == pace.documents == 199_990
    assert pace.per_second == pytest.approx(0.5)
    assert {one.per_second for one in rates(pace.samples, most=60)} == {0.5}
    assert len(rates(pace.samples, most=60)) <= 61


def test_nothing_seen_has_no_rate_and_no_mark():
    assert (rates([], most=10), throttle_marks([], most=10), Pace(into="films-1").per_second) == ([], [], 0)
