import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.measures.latency import BARS, Latency, histogram, latency_percentiles, round_up
from tasks.measures.nearest import ExactNeighbors
from tasks.measures.recall import recall_at_k, recall_by_query


def truth(*distances):
    """Rows 0, 1, 2 ... at these distances, for each query."""
    depth = len(distances[0])
    rows = np.tile(np.arange(depth), (len(distances), 1))
    return ExactNeighbors(
        rows, np.array(distances, dtype=float), [[str(i) for i in range(depth)]] * len(distances)
    )


CASES = {
    "all found": (["0", "1"], [1, 2, 3], 2, 1.0),
    "in another order": (["1", "0"], [1, 2, 3], 2, 1.0),
    "half found": (["0", "9"], [1, 2, 3], 2, 0.5),
    "none found": (["8", "9"], [1, 2, 3], 2, 0.0),
    "no answer": ([], [1, 2, 3], 2, 0.0),
    "found too late": (["9", "8", "0"], [1, 2, 3], 2, 0.0),
    "found twice counts once": (["0", "0"], [1, 2, 3], 2, 0.5),
    "another of two at equal distance": (["0", "2"], [1, 2, 2], 2, 1.0),
    "another within the rounding": (["0", "2"], [1, 2, 2 + 1e-6], 2, 1.0),
    "another beyond the rounding": (["0", "2"], [1, 2, 2 + 1e-5], 2, 0.5),
    "negative distances": (["0", "2"], [-30, -20, -20 + 1e-5], 2, 1.0),
    "fewer rows than k": (["1", "0"], [1, 2], 10, 1.0),
}


@pytest.mark.parametrize(("found", "distances", "k", "recall"), CASES.values(), ids=CASES.keys())
def test_recall_counts_the_true_neighbors_among_the_first_k(found, distances, k, recall):
    assert recall_by_query([found], truth(distances), k) == [recall]


def test_recall_of_many_queries_is_their_mean():
    assert recall_at_k([["0"], ["9"]], truth([1, 2], [1, 2]), 1) == 0.5


@pytest.mark.parametrize(("answers", "k"), [(2, 1), (0, 1), (1, 0)])
def test_recall_of_something_else_than_the_queries_is_refused(answers, k):
    with pytest.raises(ValueError, match="answers to 1 queries"):
        recall_at_k([["0"]] * answers, truth([1, 2]), k)


def test_percentiles_are_times_that_were_seen():
    assert latency_percentiles([float(n) for n in range(1, 101)]) == Latency(
        p50=50, p90=90, p99=99, max=100, mean=50.5
    )
    assert latency_percentiles([0.25]) == Latency(p50=0.25, p90=0.25, p99=0.25, max=0.25, mean=0.25)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_in_order_and_among_the_times(seconds):
    found = latency_percentiles(seconds)
    assert found.p50 <= found.p90 <= found.p99 <= found.max == max(seconds)
    assert {found.p50, found.p90, found.p99} <= set(seconds)


def test_percentiles_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no times"):
        latency_percentiles([])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_a_histogram_counts_every_value_once_in_bars_of_equal_round_width(values):
    bars = histogram(values)
    ends = [low for low, _ in bars]
    assert sum(count for _, count in bars) == len(values)
    assert len(bars) <= BARS + 1
    assert ends[0] <= min(values) + 1e-6
    if len(ends) > 1:
        width = ends[1] - ends[0]
        assert width == pytest.approx(round_up(width), rel=1e-6)
        assert ends == pytest.approx(
            [ends[0] + number * width for number in range(len(ends))], rel=1e-6, abs=1e-6
        )


def test_one_slow_query_does_not_flatten_the_others():
    bars = histogram([1.0 + number / 100 for number in range(99)] + [500.0])
    assert len(bars) > 10
    assert (bars[-1][0] < 4, bars[-1][1]) == (True, 1)


def test_of_nothing_there_is_no_histogram():
    assert histogram([]) == ()
