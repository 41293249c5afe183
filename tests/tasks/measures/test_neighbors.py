import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.measures import neighbors
from tasks.measures.neighbors import exact_neighbors
from tasks.measures.scores import Factors, error_bound
from tasks.vertex.data.blocks import Block
from tasks.vertex.data.vectors import VectorFile

MEASURES = ["DOT_PRODUCT_DISTANCE", "COSINE_DISTANCE", "SQUARED_L2_DISTANCE", "L1_DISTANCE"]


def in_blocks(rows, size):
    for start in range(0, len(rows), size):
        vectors = rows[start : start + size]
        yield Block(first_row=start, ids=[f"id-{start + i}" for i in range(len(vectors))], vectors=vectors)


def distance(one, other, measure):
    """The definition, one pair at a time."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    if measure == "L1_DISTANCE":
        return np.abs(one - other).sum()
    if measure == "SQUARED_L2_DISTANCE":
        return ((one - other) ** 2).sum()
    if measure == "DOT_PRODUCT_DISTANCE":
        return -(one * other).sum()
    lengths = np.sqrt((one**2).sum()) * np.sqrt((other**2).sum())
    return 1 - ((one * other).sum() / lengths if lengths else 0)


def reference(rows, queries, k, measure):
    """All pairs, sorted by distance, then row."""
    found = []
    for query in queries:
        order = sorted((distance(query, row, measure), number) for number, row in enumerate(rows))
        found.append([number for _, number in order[:k]])
    return found


# Small whole numbers make every distance exact and ties frequent.
whole = st.integers(-3, 3).map(float)


@pytest.mark.parametrize("measure", ["DOT_PRODUCT_DISTANCE", "SQUARED_L2_DISTANCE", "L1_DISTANCE"])
@settings(max_examples=60)
@given(data=st.data())
def test_it_finds_what_comparing_all_pairs_finds_and_breaks_ties_by_row(measure, data):
    count, dimensions = data.draw(st.integers(1, 25)), data.draw(st.integers(1, 4))
    rows = data.draw(arrays(np.float32, (count, dimensions), elements=whole))
    queries = data.draw(arrays(np.float32, (data.draw(st.integers(1, 3)), dimensions), elements=whole))
    k, size = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 25))
    found = exact_neighbors(in_blocks(rows, size), queries, k, measure=measure)
    assert found.rows.tolist() == reference(rows, queries, k, measure)
    assert found.ids == [[f"id-{row}" for row in line] for line in found.rows.tolist()]


def in_float64(rows, queries, k, measure, *, scale):
    """Every distance by the function that decides, and nothing else."""
    scale = scale or measure == "COSINE_DISTANCE"
    rows, queries = (neighbors._prepare(vectors, scale=scale) for vectors in (rows, queries))
    found = []
    for query in queries:
        distances = neighbors._distance(np.broadcast_to(query, rows.shape), rows, measure)
        found.append(np.lexsort((np.arange(len(rows)), distances))[:k].tolist())
    return found


ANY_MAGNITUDE = (-44, -20, -13, -12, 0, 12, 13, 20, 37)
TAME = (-9, -3, 0, 3, 9)


@st.composite
def near_ties(draw, magnitudes):
    """Rows that differ from a few others in the last bits of float32, if at all, times powers of ten, and queries."""
    count, dimensions = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    few = random.normal(size=(draw(st.integers(1, 3)), dimensions))
    rows = few[random.integers(len(few), size=count)].astype(np.float32)
    moved = random.random(rows.shape) < draw(st.sampled_from([0.0, 0.05, 1.0]))
    rows = np.where(moved, np.nextafter(rows, np.float32(draw(st.sampled_from([-9, 9])))), rows)
    queries = np.concatenate([few, -few, random.normal(size=(2, dimensions))]).astype(np.float32)
    exponents = st.sampled_from(magnitudes)
    scales = np.float32(10.0) ** np.float32(draw(st.lists(exponents, min_size=1, max_size=3)))
    rows *= scales[random.integers(len(scales), size=(count, 1))]
    return rows, queries * np.float32(10.0) ** np.float32(draw(exponents))


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=60)
@given(data=near_ties(ANY_MAGNITUDE), k=st.integers(1, 12), size=st.integers(1, 40))
def test_it_decides_near_ties_as_float64_alone_does(measure, scale, data, k, size):
    rows, queries = data
    norm = "UNIT_L2_NORM" if scale else "NONE"
    found = exact_neighbors(in_blocks(rows, size), queries, k, measure=measure, feature_norm=norm)
    assert found.rows.tolist() == in_float64(rows, queries, k, measure, scale=scale)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("measure", MEASURES[:3])
@settings(max_examples=60)
@given(data=near_ties(TAME))
def test_no_score_is_off_by_more_than_its_bound(measure, scale, data):
    scale = scale or measure == "COSINE_DISTANCE"
    rows, queries = (
        Factors(vectors, measure, scale=scale, of_queries=i == 1) for i, vectors in enumerate(data)
    )
    assume(rows.fit_float32 and queries.fit_float32)
    in_32, in_64 = (queries.matrix(dtype) @ rows.matrix(dtype).T for dtype in (np.float32, np.float64))
    off = np.abs(in_32 - in_64).max(axis=1)
    assert (off <= error_bound(queries, rows, queries.matrix(np.float32).shape[1], np.float32)).all()


@pytest.mark.parametrize("measure", MEASURES[:3])
def test_few_pairs_are_decided_in_float64(vectors_of, monkeypatch, measure):
    """A guard of the speed in counts: float64 for every pair takes six times as long."""
    pairs, usual = [], neighbors._distance
    monkeypatch.setattr(neighbors, "_distance", lambda *args: pairs.append(len(args[0])) or usual(*args))
    rows, queries = vectors_of(20_000, 16), vectors_of(20, 16, seed=1)
    exact_neighbors(in_blocks(rows, 1000), queries, 10, measure=measure)
    assert 200 <= sum(pairs) <= 2500  # of 400,000: about 10 (1 + ln 20) for each query


@pytest.mark.parametrize("measure", MEASURES)
def test_on_real_vectors_it_finds_what_comparing_all_pairs_finds(sample, measure):
    with VectorFile(sample, limit=500) as file:
        rows = np.concatenate([block.vectors for block in file.blocks()])
        queries = file.queries(limit=5)
    found = exact_neighbors(in_blocks(rows, 128), queries, 10, measure=measure)
    assert found.rows.tolist() == reference(rows, queries, 10, measure)
    for query, line, distances in zip(queries, found.rows, found.distances, strict=True):
        np.testing.assert_allclose(
            distances, [distance(query, rows[row], measure) for row in line], rtol=1e-12
        )


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_equal_rows_tie_wherever_they_stand_in_whatever_block(vectors_of, measure, size):
    rows = np.tile(vectors_of(10, 37), (20, 1))
    found = exact_neighbors(in_blocks(rows, size), vectors_of(4, 37, seed=1), 50, measure=measure)
    assert (
        found.rows.tolist()
        == exact_neighbors(in_blocks(rows, 200), vectors_of(4, 37, seed=1), 50, measure=measure).rows.tolist()
    )
    for line in found.rows:
        assert line[:20].tolist() == list(range(line[0], 200, 10))


def test_the_samples_own_angular_neighbors_are_found_under_cosine(sample):
    with VectorFile(sample) as file:
        found = exact_neighbors(file.blocks(), file.queries(), 10, measure="COSINE_DISTANCE")
        given_neighbors = file._file.dataset("neighbors").rows(0, 200)[:, :10]
    assert np.mean(found.rows == given_neighbors) > 0.999


def test_unit_norm_makes_dot_product_and_cosine_agree(vectors_of):
    rows, queries = vectors_of(300, 8), vectors_of(9, 8, seed=1)
    cosine = exact_neighbors(in_blocks(rows, 100), queries, 10, measure="COSINE_DISTANCE")
    dot = exact_neighbors(
        in_blocks(rows, 100), queries, 10, measure="DOT_PRODUCT_DISTANCE", feature_norm="UNIT_L2_NORM"
    )
    assert dot.rows.tolist() == cosine.rows.tolist()
    np.testing.assert_allclose(dot.distances + 1, cosine.distances)


def test_a_vector_of_length_zero_is_no_angle_away_from_anything():
    rows = np.array([[0, 0], [1, 0], [-1, 0]], dtype=np.float32)
    found = exact_neighbors(in_blocks(rows, 3), rows[:2], 3, measure="COSINE_DISTANCE")
    assert found.rows.tolist() == [[0, 1, 2], [1, 0, 2]]
    assert found.distances.tolist() == [[1, 1, 1], [0, 1, 2]]


def test_many_queries_are_taken_in_parts(vectors_of, monkeypatch):
    rows, queries = vectors_of(50), vectors_of(11, seed=1)
    whole_answer = exact_neighbors(in_blocks(rows, 20), queries, 5, measure="L1_DISTANCE")
    monkeypatch.setattr(neighbors, "_QUERIES_AT_ONCE", 4)
    monkeypatch.setattr(neighbors, "_PAIR_FLOATS", 16)
    in_parts = exact_neighbors(in_blocks(rows, 20), queries, 5, measure="L1_DISTANCE")
    assert in_parts.ids == whole_answer.ids
    np.testing.assert_array_equal(in_parts.distances, whole_answer.distances)


@pytest.mark.parametrize(("k", "shape"), [(0, (1, 4)), (1, (4,)), (1, (0, 4))])
def test_questions_without_an_answer_are_refused(vectors_of, k, shape):
    with pytest.raises(ValueError, match="shape"):
        exact_neighbors(in_blocks(vectors_of(3), 3), np.ones(shape, np.float32), k, measure="L1_DISTANCE")
