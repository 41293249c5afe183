import logging
import time
from types import SimpleNamespace

import pytest

from tasks.errors import DeadlinePassed, PermanentError, TransientError
from tasks.waiting import Deadline, Look, attempt_until, pace_of_looks, wait_until


def looks(*answers):
    """A look that gives each answer in turn, raising those that are exceptions, and repeats the last."""
    remaining = list(answers)

    def look():
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look


FIRST_PAUSE = 0.2
"""Seconds: the poll loop's first wait, without its jitter."""
NOT_YET, THERE = Look(seen="running"), Look(seen="done", value=42, done=True)


def test_what_is_there_at_the_first_look_is_returned_at_once():
    assert wait_until("it", looks(THERE), Deadline.after(seconds=60)) == 42


def test_it_looks_again_until_it_is_there():
    assert wait_until("it", looks(NOT_YET, NOT_YET, THERE), Deadline.after(seconds=60)) == 42


def test_a_transient_error_of_a_look_means_not_yet():
    assert wait_until("it", looks(TransientError("no answer"), THERE), Deadline.after(seconds=60)) == 42


def test_a_permanent_error_of_a_look_ends_the_wait():
    with pytest.raises(PermanentError, match="failed for good"):
        wait_until("it", looks(NOT_YET, PermanentError("failed for good")), Deadline.after(seconds=60))


def test_a_bug_in_a_look_is_not_waited_out():
    with pytest.raises(ZeroDivisionError):
        wait_until("it", looks(ZeroDivisionError()), Deadline.after(seconds=60))


def test_a_deadline_that_passed_names_what_was_last_seen():
    with pytest.raises(DeadlinePassed) as raised:
        wait_until("the index", looks(NOT_YET), Deadline.after(seconds=0.3))
    assert raised.value.last_seen == "running"
    assert "the index" in str(raised.value)


def test_a_deadline_that_passed_while_nobody_answered_says_so():
    with pytest.raises(DeadlinePassed, match="no answer"):
        wait_until("the index", looks(TransientError("refused")), Deadline.after(seconds=0.3))


def test_a_deadline_in_the_past_still_allows_one_look():
    past = Deadline(at=time.time() - 1, seconds=0)
    assert past.left == 0
    assert wait_until("it", looks(THERE), past) == 42


def test_what_succeeds_at_once_writes_no_line(caplog):
    caplog.set_level(logging.INFO, "vector_search_ops")
    assert attempt_until("do it", looks(THERE), Deadline.after(seconds=60)) == 42
    assert not caplog.records


@pytest.mark.parametrize(("seconds", "most"), [(1, 30), (60, 90), (3600, 300)])
def test_an_end_is_noticed_within_a_tenth_of_the_operations_length_in_few_looks(seconds, most):
    now, looks = 0.0, 1
    while now < seconds:
        now += pace_of_looks(SimpleNamespace(outcome=None, seconds_since_start=now))
        looks += 1
    assert looks <= most
    assert now - seconds < 0.1 * seconds


def test_a_service_that_did_not_answer_is_given_time():
    failed = SimpleNamespace(failed=True)
    assert 0.4 < pace_of_looks(SimpleNamespace(outcome=failed, seconds_since_start=0.0)) < 0.6
    assert 18 <= pace_of_looks(SimpleNamespace(outcome=failed, seconds_since_start=3600.0)) <= 22


@pytest.mark.parametrize("later", [NOT_YET, TransientError("429")], ids=["not done", "an error"])
def test_between_the_first_try_and_the_second_there_is_a_pause(later):
    tries = []

    def attempt():
        tries.append(time.monotonic())
        if len(tries) > 1:
            return THERE
        if isinstance(later, Exception):
            raise later
        return later

    assert attempt_until("do it", attempt, Deadline.after(seconds=60)) == 42
    assert len(tries) == 2
    assert tries[1] - tries[0] >= FIRST_PAUSE
