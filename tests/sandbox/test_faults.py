"""The queue of faults, without a server: what may be queued, and what strikes."""

import math

import pytest

from sandbox import faults
from sandbox.faults import FaultQueue


@pytest.fixture
def queue(tmp_path):
    made = FaultQueue(tmp_path)
    made.serves([("Create", when, "internal") for when in ("before", "end")])
    made.serves([("Create", "end", "stall"), ("Get", "before", "throttled"), ("Get", "before", "internal")])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("Create", "nonsense"), "unavailable, aborted, .*, outside-knowledge, not 'nonsense'"),
        (("Create", "internal", "later"), "before, after, end, not 'later'"),
        (("Create", "aborted"), "Create cannot be aborted before its effect; possible there: internal"),
        (
            ("Get", "internal", "end"),
            "Get cannot be internal at the end of what it starts; it starts no operation",
        ),
        (("Creat", "internal"), "has a method 'Creat'; nearest: Create"),
        (("*", "aborted"), r"\* cannot be aborted"),
        (("Create", "internal", "before", 0), "times=0"),
        (("Create", "stall", "end", 1, math.nan), "seconds=nan"),
        (("Get", "throttled", "before", 1, None, -1.0), "retry_after=-1.0"),
        (("Get", "throttled", "before", 1, None, math.inf), "retry_after=inf"),
        (("Get", "internal", "before", 1, None, 1.0), "Only a throttled call says when to try again"),
    ],
)
@pytest.mark.usefixtures("queue")
def test_a_fault_that_cannot_strike_is_refused(tmp_path, words, problem):
    with pytest.raises(ValueError, match=problem):
        faults.add(tmp_path, *words)
    assert faults.pending(tmp_path) == []


def test_a_fault_of_any_method_passes_those_over_that_cannot_have_it(queue, tmp_path):
    faults.add(tmp_path, "*", "throttled", retry_after=2.5)
    assert queue.take("Create", "before") is None
    assert queue.take("Get", "before").retry_after == 2.5
    assert [(each.method, each.kind) for each in faults.struck(tmp_path)] == [("Get", "throttled")]


def test_a_stall_without_a_duration_never_ends(queue, tmp_path):
    faults.add(tmp_path, "Create", "stall", "end")
    assert queue.take("Create", "before") is None
    assert queue.take("Create", "end").seconds == math.inf
