"""The scoring formulas against worked examples of the documentation, Lucene and the specification."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elastic.search import scoring


@pytest.mark.parametrize(
    ("given_", "kept"),
    [(1.1652642, 1.1640625), (2.4797723, 2.4765625), (1.0, 1.0), (2.0, 2.0), (0.5, 0.5)],
)
def test_a_stored_weight_is_truncated_to_nine_significant_bits(given_, kept):
    assert scoring.stored_weights(np.array([given_], np.float32)).tolist() == [kept]


@given(st.lists(st.floats(2.0**-126, 2.0**127, width=32), min_size=1))
def test_a_stored_weight_is_never_larger_and_at_most_a_256th_smaller(weights):
    given_ = np.array(weights, np.float32)
    kept = scoring.stored_weights(given_)
    assert (kept <= given_).all()
    assert (kept.astype(np.float64) >= given_.astype(np.float64) * (1 - 2**-8)).all()


@pytest.mark.parametrize(
    ("length", "kept"),
    [(0, 0), (1, 1), (39, 39), (40, 40), (41, 40), (42, 42), (100, 96), (1000, 984), (123456, 122904)],
)
def test_a_length_is_stored_in_one_byte_exactly_up_to_40(length, kept):
    assert scoring.byte_length(scoring.length_byte(length)) == kept
    assert scoring.length_bytes(np.array([length])).tolist() == [scoring.length_byte(length)]


def test_bm25_gives_the_score_explained_in_the_documentation():
    # 2.2 * 1.3862944 * 0.5555556: idf of 1 in 5, tf of 1 with dl/avgdl where the fraction comes to 5/9.
    assert scoring.idf(5, 1) == np.float32(1.3862944)
    # tf = 1 / (1 + 1.2 * (0.25 + 0.75 * ratio)) = 5/9 needs ratio = 5/9: a length of 5 where 9 is the average.
    score = scoring.bm25(np.ones(1, np.float32), 5, 1.0, scoring.idf(5, 1), 9.0)
    assert score[0] == pytest.approx(1.6943598, rel=1e-6)


@pytest.mark.parametrize(
    ("score", "printed"), [(6.4037366, "6.4037366"), (0.2876821, "0.2876821"), (100.0, "100.0")]
)
def test_a_score_is_printed_with_the_shortest_digits_of_its_float(score, printed):
    assert str(scoring.shown(np.float32(score))) == printed
