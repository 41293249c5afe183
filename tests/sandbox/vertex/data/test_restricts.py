"""The rules of "Filter vector matches" (docs/sources.md), as a table and against a reference that takes one row at a time."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import IndexDatapoint
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.restricts import OPERATORS, Number, RestrictIndex, Tokens

CONFIG = Config(
    dimensions=2, distance="DOT_PRODUCT_DISTANCE", unit_norm=False, shard_size="SHARD_SIZE_SMALL", approximate_neighbors=10, tree=None
)  # fmt: skip

# The points of the documentation's page on filtering: tokens allowed and denied in the namespace "color".
POINTS = {
    "A": ((), ()),
    "B": (("red",), ()),
    "C": (("blue",), ()),
    "D": (("orange",), ()),
    "E": (("red", "blue"), ()),
    "F": (("red",), ("blue",)),
    "G": (("red", "blue"), ("blue",)),
    "H": ((), ("blue",)),
}


@pytest.mark.parametrize(
    ("allow", "deny", "found"),
    [
        pytest.param((), (), "ABCDEFGH", id="empty query"),
        pytest.param(("red",), (), "BEFG", id="red"),
        pytest.param(("blue",), (), "CE", id="blue"),
        pytest.param(("red", "blue"), (), "BCE", id="red or blue"),
        pytest.param((), ("blue",), "ABDFH", id="not blue"),
        pytest.param(("red",), ("blue",), "BF", id="red, not blue"),
    ],
)
def test_a_query_finds_the_points_of_the_documented_table(allow, deny, found):
    index = RestrictIndex()
    for row, (allowed, denied) in enumerate(POINTS.values()):
        index.add(row, [Tokens("color", allowed, denied)], [])
    mask = index.eligible(len(POINTS), [Tokens("color", allow, deny)], [])
    assert "".join(name for name, there in zip(POINTS, mask, strict=True) if there) == found


def test_namespaces_are_joined_by_and():
    index = RestrictIndex()
    index.add(0, [Tokens("color", ["red"]), Tokens("shape", ["round"])], [])
    index.add(1, [Tokens("color", ["red"]), Tokens("shape", ["square"])], [])
    index.add(2, [Tokens("color", ["red"])], [])
    query = [Tokens("color", ["red"]), Tokens("shape", ["round"])]
    assert index.eligible(3, query, []).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("op", "found"),
    [(1, [1]), (2, [1, 2]), (3, [2]), (4, [2, 3]), (5, [3]), (6, [1, 3])],
    ids=["less", "less or equal", "equal", "greater or equal", "greater", "not equal"],
)
def test_an_operator_compares_the_points_number_with_the_querys(op, found):
    index = RestrictIndex()
    for row, value in enumerate([1, 2, 3]):
        index.add(row, [], [Number("cost", "value_int", value)])
    index.add(3, [], [])
    mask = index.eligible(4, [], [Number("cost", "value_int", 2, op)])
    assert [row + 1 for row in np.flatnonzero(mask)] == found


def test_a_namespace_may_be_repeated_in_a_query_to_state_a_range():
    index = RestrictIndex()
    for row in range(10):
        index.add(row, [], [Number("cost", "value_int", row)])
    query = [
        Number("cost", "value_int", 2, 5),
        Number("cost", "value_int", 6, 2),
        Number("cost", "value_int", 4, 6),
    ]
    assert np.flatnonzero(index.eligible(10, [], query)).tolist() == [3, 5, 6]


def test_whole_numbers_beyond_a_doubles_precision_are_told_apart():
    index = RestrictIndex()
    index.add(0, [], [Number("n", "value_int", 2**62)])
    index.add(1, [], [Number("n", "value_int", 2**62 + 1)])
    assert index.eligible(2, [], [Number("n", "value_int", 2**62 + 1, 3)]).tolist() == [False, True]


words = st.lists(st.sampled_from(["red", "blue", "green"]), unique=True, max_size=3)
token_restricts = st.lists(
    st.builds(Tokens, st.sampled_from(["color", "shape"]), words, words),
    max_size=2,
    unique_by=lambda t: t.namespace,
)
kinds = st.sampled_from(["value_int", "value_float", "value_double"])
values = st.integers(-2, 2)
row_numbers = st.lists(
    st.builds(Number, st.sampled_from(["cost", "size"]), kinds, values),
    max_size=2,
    unique_by=lambda n: n.namespace,
)
query_numbers = st.lists(
    st.builds(Number, st.sampled_from(["cost", "size"]), kinds, values, st.integers(1, 6)), max_size=3
)


def matches(row_tokens, row_numbers, query_tokens, query_numbers):
    """The rules, word by word, for one row."""
    own = {each.namespace: each for each in row_tokens}
    for query in query_tokens:
        row = own.get(query.namespace, Tokens(query.namespace))
        if query.allow and not set(query.allow) & set(row.allow):
            return False
        if set(query.allow) & set(row.deny) or set(query.deny) & set(row.allow):
            return False
    numbers = {each.namespace: each for each in row_numbers}
    for query in query_numbers:
        row = numbers.get(query.namespace)
        if row is None or row.kind != query.kind or not OPERATORS[query.op](row.value, query.value):
            return False
    return True


@given(
    rows=st.lists(st.tuples(token_restricts, row_numbers), max_size=8),
    removed=st.sets(st.integers(0, 7)),
    tokens=token_restricts,
    numbers=query_numbers,
)
def test_the_index_finds_what_a_reference_finds_row_by_row(rows, removed, tokens, numbers):
    index = RestrictIndex()
    for row, (own_tokens, own_numbers) in enumerate(rows):
        index.add(row, own_tokens, own_numbers)
    kept = list(rows)
    for row in removed:
        if row < len(rows):
            index.remove(row, *rows[row])
            kept[row] = ([], [])
    expected = [matches(*row, tokens, numbers) for row in kept]
    assert index.eligible(len(rows), tokens, numbers).tolist() == expected


tokens_of_rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from("xyz")), st.booleans()), max_size=12
)


@given(tokens_of_rows, st.sampled_from("xyz"))
def test_a_filter_finds_the_same_current_rows_before_and_after_a_squeeze(points, wanted):
    corpus = Corpus(CONFIG)
    kept = {}
    for name, allow, has_number in points:
        message = IndexDatapoint(datapoint_id=name, feature_vector=[1, 2])
        message.restricts.add(namespace="letters", allow_list=sorted(allow))
        if has_number:
            message.numeric_restricts.add(namespace="cost", value_int=len(allow))
        corpus.upsert([message])
        kept[name] = (allow, has_number)

    def found(tokens, numbers):
        mask = corpus.restricts.eligible(corpus.count, tokens, numbers) & corpus.dense
        return {corpus.names[row] for row in np.flatnonzero(mask)}

    for _ in range(2):
        assert found([Tokens("letters", [wanted])], []) == {
            n for n, (allow, _) in kept.items() if wanted in allow
        }
        one = [Number("cost", "value_int", 1, op=3)]
        assert found([], one) == {n for n, (allow, has) in kept.items() if has and len(allow) == 1}
        corpus.squeeze()
    assert corpus.count == len(kept)


def test_a_datapoint_costs_few_calls_to_insert():
    """Its vector is none of them, however long: those of a request are read together."""
    corpus = Corpus(CONFIG)
    sent = [IndexDatapoint(datapoint_id=str(row), feature_vector=[1, row]) for row in range(100)]
    for row, each in enumerate(sent):
        each.restricts.add(namespace="class", allow_list=[str(row)])
    events = list[str]()
    sys.setprofile(lambda _frame, event, _argument: events.append(event))
    try:
        corpus.upsert(sent)
    finally:
        sys.setprofile(None)
    assert events.count("call") / 100 < 9
    assert np.array_equal(corpus.vectors, [[1, row] for row in range(100)])
