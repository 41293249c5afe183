import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.elastic.search.scores import is_same_score, score, stored_weight, strongest_of_each

WEIGHTS = st.floats(2.0**-20, 100, width=32)


@pytest.mark.parametrize(
    ("weight", "stored"),
    [(1.1652642, 1.1640625), (2.4797723, 2.4765625), (1.0, 1.0), (2.0, 2.0), (0.5, 0.5)],
)
def test_stored_weights_are_those_of_lucene(weight, stored):
    assert stored_weight(weight) == stored


def test_the_worked_examples_come_out():
    weights = {"a": 2.0, "b": 1.0, "c": 0.5}
    assert score(weights, weights) == 5.25
    assert math.isclose(score({"t": 0.84076905}, {"t": 1.1652642}), 0.97871, abs_tol=1e-5)
    assert score({"a": 2.0, "b": 1.0}, {"a": 2.0, "b": 1.0}, boost=100) == 500.0


@given(WEIGHTS)
def test_a_stored_weight_is_cut_off_by_less_than_one_part_in_256(weight):
    kept = stored_weight(weight)
    assert kept <= weight
    assert (weight - kept) / weight < 2**-8
    assert stored_weight(kept) == kept
    (bits,) = struct.unpack(">i", struct.pack(">f", kept))
    assert bits & 0x7FFF == 0


@given(st.dictionaries(st.text(max_size=3), WEIGHTS), st.dictionaries(st.text(max_size=3), WEIGHTS))
def test_only_shared_tokens_count(query, document):
    shared = {token: query[token] for token in query.keys() & document.keys()}
    assert is_same_score(score(query, document), score(shared, document))
    assert (score(query, document) > 0) == bool(shared)


def test_of_several_vectors_each_tokens_largest_weight_counts():
    assert strongest_of_each([{"a": 1.0, "b": 3.0}, {"a": 2.0}]) == {"a": 2.0, "b": 3.0}
    assert strongest_of_each({"a": 1.0}) == {"a": 1.0}
