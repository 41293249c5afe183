"""What a field of dense vectors takes of a model, and what is refused before anything is made. Without a server."""

from __future__ import annotations

import pytest

from tasks.elastic.indices.dense_vectors import INDEX_TYPES, VectorIndex, index_options, verify_vectors_fit
from tasks.errors import InvalidInput

UNIT = [1.0] + [0.0] * 63
HALF = [0.5] * 63
BYTES = [1.0, -128.0] * 32


@pytest.mark.parametrize("kind", INDEX_TYPES)
def test_a_type_is_typed_as_a_word_or_with_more_as_json(kind):
    assert index_options(kind) == {"type": kind}
    assert index_options(f'{{"type": "{kind}", "m": 32}}') == {"type": kind, "m": 32}


@pytest.mark.parametrize("text", ["ivf", "{}", '{"m": 16}', "{not json", '{"type": 7}'])
def test_what_is_no_type_is_refused_with_those_that_are(text):
    with pytest.raises(InvalidInput, match=r"no index options of vectors.*--index-options.*int8_hnsw"):
        index_options(text)


def test_the_mapping_has_the_dimensions_of_the_model_and_options_only_if_they_are_given():
    plain = VectorIndex().mapping(384)
    assert (plain["dims"], plain["similarity"], "index_options" in plain) == (384, "cosine", False)
    assert VectorIndex(options={"type": "bbq_hnsw"}).mapping(64)["index_options"] == {"type": "bbq_hnsw"}


@pytest.mark.parametrize(
    ("index", "vector", "release", "problem"),
    [
        ({"options": {"type": "bbq_hnsw"}}, UNIT, (8, 15), r"exists since 8.16, and the cluster has 8.15.*Accepted: hnsw, int8_hnsw, int4_hnsw, flat"),
        ({"options": {"type": "bbq_disk"}}, UNIT, (9, 1), "exists since 9.2"),
        ({"options": {"type": "bbq_flat"}}, HALF, (9, 1), "at least 64 dimensions, and the model answers 63"),
        ({"options": {"type": "int4_hnsw"}}, HALF, (9, 1), "even number of dimensions, and the model answers 63"),
        ({"element_type": "byte", "options": {"type": "int8_hnsw"}}, BYTES, (9, 1), r"quantized further.*Accepted: hnsw, flat"),
        ({"element_type": "byte"}, HALF, (9, 1), r"whole numbers from -128 to 127.*--element-type.*int8_hnsw"),
        ({"similarity": "dot_product"}, HALF, (9, 1), r"length 1, and those of the model m have 3.969.*--similarity.*max_inner_product"),
        ({}, [0.1] * 4097, (9, 1), "more dimensions.*4097"),
    ],
    ids=["bbq before 8.16", "disk before 9.2", "bbq of few", "int4 of odd", "bytes quantized", "fractions as bytes", "length", "too many"],
)  # fmt: skip
def test_what_a_field_cannot_hold_of_a_model_is_refused(index, vector, release, problem):
    with pytest.raises(InvalidInput, match=problem):
        verify_vectors_fit(VectorIndex(**index), vector, release, model="m")


@pytest.mark.parametrize(
    ("index", "vector"),
    [
        ({"similarity": "dot_product", "options": {"type": "bbq_hnsw"}}, UNIT),
        ({"similarity": "max_inner_product"}, HALF),
        ({"element_type": "byte", "similarity": "dot_product", "options": {"type": "hnsw"}}, BYTES),
        ({"options": {"type": "int4_flat"}}, UNIT),
    ],
    ids=["unit vectors", "the length counts", "bytes need no length", "even"],
)
def test_what_it_can_hold_is_taken(index, vector):
    verify_vectors_fit(VectorIndex(**index), vector, (9, 1), model="m")
