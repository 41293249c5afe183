"""nDCG and recall against arithmetic by hand."""

import math
import sys

import pytest

from tasks.measures.judged import NoMeasures, quality

JUDGED = {"1": {"a": 2, "b": 1, "c": 1}, "2": {"d": 1}}


def test_the_order_of_the_first_hits_decides_ndcg_and_their_set_the_recall():
    found = quality(JUDGED, {"1": ["b", "x", "a"], "2": ["d"]}, cut=3)
    gained = 1 + 2 / math.log2(4)
    best = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found.ndcg == pytest.approx((gained / best + 1) / 2)
    assert found.recall == pytest.approx((2 / 3 + 1) / 2)


def test_a_query_that_finds_nothing_counts_as_zero():
    assert quality(JUDGED, {"1": ["a", "b", "c"], "2": []}).ndcg == pytest.approx(0.5)


def test_equal_ranks_are_kept_in_their_order():
    assert quality({"1": {"z": 1}}, {"1": ["z", "a"]}, cut=1).ndcg == 1
    assert quality({"1": {"z": 1}}, {"1": ["a", "z"]}, cut=1).ndcg == 0


def test_without_the_library_it_says_where_there_is_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(NoMeasures, match="no wheel for this platform"):
        quality(JUDGED, {})
