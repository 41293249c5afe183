import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.batches import ahead, attempt_each, batches, in_background
from tasks.errors import DeadlinePassed, TransientError
from tasks.waiting import Deadline, Look

SIZES = st.lists(st.integers(1, 50), max_size=200)


@given(SIZES, st.integers(1, 20), st.integers(50, 300))
def test_no_batch_exceeds_a_bound_and_nothing_is_lost_or_reordered(sizes, most, most_bytes):
    items = list(enumerate(sizes))
    parts = list(batches(items, most=most, most_bytes=most_bytes, size_of=lambda item: item[1]))
    assert [item for part in parts for item in part] == items
    assert all(0 < len(part) <= most and sum(size for _, size in part) <= most_bytes for part in parts)


@given(SIZES, st.integers(1, 20), st.integers(50, 300))
def test_a_batch_only_ends_where_the_next_item_does_not_fit(sizes, most, most_bytes):
    parts = list(batches(sizes, most=most, most_bytes=most_bytes, size_of=int))
    for part, following in itertools.pairwise(parts):
        assert len(part) == most or sum(part) + following[0] > most_bytes


def test_items_are_read_only_as_needed():
    read = []
    source = (read.append(n) or n for n in range(1000))
    next(batches(source, most=3, most_bytes=100, size_of=lambda _: 1))
    assert read == [0, 1, 2, 3]


@given(st.lists(st.integers(1, 90), max_size=60), st.integers(1, 10))
def test_an_item_larger_than_a_batch_goes_alone(sizes, most):
    parts = list(batches(sizes, most=most, most_bytes=40, size_of=int))
    assert [size for part in parts for size in part] == sizes
    assert all(len(part) == 1 or sum(part) <= 40 for part in parts)


def test_a_transient_error_repeats_its_own_batch_only():
    seen, troubles = [], [TransientError("throttled")]

    def attempt(part):
        seen.append(part)
        if part == [2] and troubles:
            raise troubles.pop()
        return Look("accepted", value=True, done=True)

    assert (
        attempt_each(
            "send",
            [[1], [2], [3]],
            attempt,
            Deadline.after(seconds=10),
            total=3,
            outcome="accepted",
            unit="datapoints",
        )
        == 3
    )
    assert seen == [[1], [2], [2], [3]]


def test_the_deadline_holds_between_batches_too():
    def accept(_):
        return Look("", value=True, done=True)

    told = r"The first 0 of 2 datapoints were accepted\. Run again with more time \(timeout_minutes\)"
    with pytest.raises(DeadlinePassed, match=told):
        attempt_each(
            "send",
            [[1], [2]],
            accept,
            Deadline.after(seconds=0),
            total=2,
            outcome="accepted",
            unit="datapoints",
        )


@pytest.mark.parametrize("most", [1, 2, 4])
def test_items_come_in_their_order_with_no_more_begun_than_may_be_under_way(most):
    begun, done, widest = [], [], 0
    for item in ahead(iter(range(10)), begun.append, most):
        widest = max(widest, len(begun) - len(done))
        done.append(item)
    assert begun == done == list(range(10))
    assert widest == most


def test_a_call_in_the_background_runs_beside_its_caller_and_gives_its_result_or_its_error():
    going_on = threading.Event()
    waits = in_background(lambda: going_on.wait(5))
    fails = in_background(lambda: 1 // 0)
    going_on.set()
    assert waits.result(5)
    with pytest.raises(ZeroDivisionError):
        fails.result(5)
