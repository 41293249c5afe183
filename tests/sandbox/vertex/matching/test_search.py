"""The searcher against plain arithmetic: the tree, what is streamed in beside it, and rows that went."""

import threading
import time

import numpy as np
import pytest

from sandbox.vertex.data.corpus import Corpus
from sandbox.vertex.data.datapoints import IndexDatapoint
from sandbox.vertex.data.metadata import Config, Tree
from sandbox.vertex.data.query import Query
from sandbox.vertex.data.searcher import Searcher

ROWS = np.random.default_rng(1).normal(size=(3000, 16)).astype("f4")


def config(**fields):
    defaults = {
        "dimensions": 16,
        "distance": "DOT_PRODUCT_DISTANCE",
        "unit_norm": False,
        "shard_size": "SHARD_SIZE_SMALL",
        "approximate_neighbors": 150,
        "tree": Tree(leaf_size=300, fraction=0.2),
    }
    return Config(**{**defaults, **fields})


def sent(rows, vectors=ROWS):
    return [IndexDatapoint(datapoint_id=str(row), feature_vector=vectors[row].tolist()) for row in rows]


def filled(**fields):
    searcher = Searcher(Corpus(config(**fields)))
    searcher.corpus.upsert(sent(range(2000)))
    searcher.build()
    return searcher


def names(searcher, query, **fields):
    (hits,) = searcher.search([Query(query, **fields)])
    return [searcher.corpus.names[hit.row] for hit in hits]


def recall(searcher, rows, vectors=ROWS, **fields):
    queries = np.random.default_rng(2).normal(size=(50, 16)).astype("f4")
    hits = 0
    for query in queries:
        truth = np.argsort(-(vectors[rows] @ query))[:10]
        hits += len({str(rows[each]) for each in truth} & set(names(searcher, query, **fields)))
    return hits / 500


def test_more_leaves_find_more():
    searcher = filled()
    few, all_leaves = (
        recall(searcher, range(2000), leaf_fraction=0.15),
        recall(searcher, range(2000), leaf_fraction=1.0),
    )
    assert 0.1 < few < all_leaves
    assert all_leaves > 0.97


def test_an_index_of_few_points_or_without_a_tree_is_searched_exactly():
    small = Searcher(Corpus(config()))
    small.corpus.upsert(sent(range(900)))
    small.build()
    assert recall(small, range(900)) == 1
    assert recall(filled(tree=None), range(2000)) == 1


def test_points_streamed_in_later_are_found_beside_the_tree_and_removed_ones_are_not():
    searcher = filled()
    longer = ROWS * 5
    searcher.corpus.upsert(sent(range(2000, 2010), longer))
    searcher.corpus.remove(str(row) for row in range(50))
    for row in range(2000, 2010):
        assert str(row) in names(searcher, ROWS[row], leaf_fraction=1.0)
    assert not set(names(searcher, ROWS[5], neighbors=2000, leaf_fraction=1.0)) & {
        str(row) for row in range(50)
    }
    vectors = np.concatenate([ROWS[:2000], longer[2000:]])
    assert recall(searcher, range(50, 2010), vectors, leaf_fraction=1.0) > 0.97


def test_a_tree_is_made_of_the_rows_that_have_a_dense_vector():
    searcher = Searcher(Corpus(config()))
    points = sent(range(2000))
    for point in points[::2]:
        point.sparse_embedding.dimensions.append(1)
        point.sparse_embedding.values.append(1.0)
        if int(point.datapoint_id) % 4:
            del point.feature_vector[:]
    searcher.corpus.upsert(points)
    searcher.build()
    dense = [row for row in range(2000) if row % 4 != 2]
    assert searcher.corpus.counts() == (1500, 1000)
    assert recall(searcher, np.array(dense), ROWS, leaf_fraction=1.0) > 0.97


def test_a_replaced_point_is_found_at_its_new_place_only():
    searcher = filled()
    searcher.corpus.upsert(sent([0], -5 * ROWS))
    assert names(searcher, -ROWS[0])[0] == "0"
    assert "0" not in names(searcher, ROWS[0])


@pytest.mark.parametrize("removed", [0, 1500], ids=["rows stay", "rows move"])
def test_a_tree_is_rebuilt_when_a_fifth_has_changed(removed):
    searcher, lock = filled(), threading.RLock()
    searcher.corpus.upsert(sent(range(2000, 3000)))
    searcher.corpus.remove(str(row) for row in range(removed))
    searcher.maintain(lock)
    end = time.monotonic() + 30
    while searcher.dense.building:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not searcher.dense.stale()
    assert recall(searcher, range(removed, 3000), leaf_fraction=1.0) > 0.97


def test_crowding_takes_the_nearest_of_each_tag_and_leaves_untagged_rows_alone():
    searcher = Searcher(Corpus(config(tree=None)))
    points = sent(range(30))
    for row, point in enumerate(points[:20]):
        point.crowding_tag.crowding_attribute = "ab"[row % 2]
    searcher.corpus.upsert(points)
    order = np.argsort(-(ROWS[:30] @ ROWS[0]))
    taken, expected = {"a": 0, "b": 0}, []
    for row in order.tolist():
        tag = "ab"[row % 2] if row < 20 else None
        if tag is None or taken[tag] < 2:
            expected.append(str(row))
        if tag:
            taken[tag] += 1
    assert names(searcher, ROWS[0], neighbors=12, per_tag=2) == expected[:12]
