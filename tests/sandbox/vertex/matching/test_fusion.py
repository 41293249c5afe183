"""Merging of rankings, and the postings that sparse vectors are found in, against plain arithmetic."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import IndexDatapoint
from sandbox.vertex.data.fusion import fused
from sandbox.vertex.data.metadata import Config
from sandbox.vertex.data.query import Hit, Query
from sandbox.vertex.data.searcher import Searcher
from sandbox.vertex.data.sparse import SparseVector

CONFIG = Config(
    dimensions=2,
    distance="DOT_PRODUCT_DISTANCE",
    unit_norm=False,
    shard_size="SHARD_SIZE_SMALL",
    approximate_neighbors=10,
    tree=None,
)


def test_the_example_of_about_hybrid_search_comes_out_in_its_order():
    # Its ten items by number, with the distances that the page prints; "Kids" is a keyword of the first four.
    dense = [0.677, 0.665, 0.655, 0.645, 0.644, 0.639, 0.637, 0.632, 0.6319, 0.629]
    items = [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]
    hits = [Hit(item, distance=far) for item, far in zip(items, dense, strict=True)]
    keyword = [Hit(item, sparse_distance=far) for item, far in enumerate([0.606, 0.572, 0.478, 0.468])]
    merged = fused(hits, keyword, 0.5)
    assert [hit.row for hit in merged] == list(range(10))
    assert (merged[3].distance, merged[3].sparse_distance) == (0.644, 0.468)
    assert (merged[4].distance, merged[4].sparse_distance) == (0.645, 0)


def test_a_tie_puts_the_older_row_first():
    assert [hit.row for hit in fused([Hit(2), Hit(1)], [Hit(1), Hit(2)], 0.5)] == [1, 2]


vectors = st.dictionaries(st.sampled_from([0, 1, 2, 2**62]), st.sampled_from([-1.0, 0.5, 2.0]), max_size=3)
points = st.lists(
    st.tuples(st.sampled_from("abcde"), vectors, st.booleans()).filter(lambda point: point[1] or point[2]),
    max_size=12,
)


@given(points, st.sets(st.sampled_from("abcde")), vectors.filter(bool), st.booleans())
def test_postings_find_what_a_loop_over_all_datapoints_finds(sent, removed, query, squeeze):
    searcher = Searcher(Corpus(CONFIG))
    kept = {}
    for name, sparse, dense in sent:
        message = IndexDatapoint(datapoint_id=name, feature_vector=[1, 2] if dense else [])
        message.sparse_embedding.dimensions.extend(sparse)
        message.sparse_embedding.values.extend(sparse.values())
        searcher.corpus.upsert([message])
        kept[name] = (sparse, dense)
    searcher.corpus.remove(removed)
    kept = {name: point for name, point in kept.items() if name not in removed}
    if squeeze:
        searcher.corpus.squeeze()
    assert searcher.corpus.counts() == (
        sum(dense for _, dense in kept.values()),
        sum(bool(sparse) for sparse, _ in kept.values()),
    )
    (hits,) = searcher.search([Query(sparse=SparseVector(tuple(query), tuple(query.values())), neighbors=99)])
    found = {searcher.corpus.names[hit.row]: hit.sparse_distance for hit in hits}
    expected = {
        name: sum(query[each] * sparse[each] for each in query if each in sparse)
        for name, (sparse, _) in kept.items()
        if query.keys() & sparse.keys()
    }
    assert found == expected
    assert [hit.sparse_distance for hit in hits] == sorted(expected.values(), reverse=True)
    (hits,) = searcher.search([Query(vector=np.array([1, 1], "f4"), neighbors=99)])
    assert {searcher.corpus.names[hit.row] for hit in hits} == {name for name in kept if kept[name][1]}


def test_a_dimension_named_twice_counts_with_the_sum_of_its_values():
    searcher = Searcher(Corpus(CONFIG))
    message = IndexDatapoint(datapoint_id="4")  # as in "Input data format and structure"
    message.sparse_embedding.values.extend([-0.5, 0.25, -1.25])
    message.sparse_embedding.dimensions.extend([10, 20, 20])
    searcher.corpus.upsert([message])
    ((hit,),) = searcher.search([Query(sparse=SparseVector((20,), (1.0,)))])
    assert hit.sparse_distance == -1
