"""Calls that are under way before it is their turn."""

import threading

import pytest

from tasks.ahead import ahead, in_background


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
