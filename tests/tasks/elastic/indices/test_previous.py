import pytest

from tasks.elastic.indices.previous import Old, left_out, old_embeddings, without

PROPERTIES = {
    "plot": {"type": "text"},
    "ml": {"properties": {"tokens": {"type": "rank_features"}, "model_id": {"type": "keyword"}}},
    "vectors": {"properties": {"title": {"type": "dense_vector", "dims": 3}}},
    "plot_embedding": {"type": "sparse_vector"},
}


def test_fields_of_every_type_with_embeddings_are_found_by_their_paths():
    assert old_embeddings(PROPERTIES) == (
        Old("ml.tokens", "rank_features"),
        Old("vectors.title", "dense_vector"),
        Old("plot_embedding", "sparse_vector"),
    )
    assert old_embeddings({"plot": {"type": "text"}}) == ()


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        ((), ("plot", "ml", "vectors", "plot_embedding")),
        (("plot_embedding",), ("plot", "ml", "vectors")),
        (("vectors.title",), ("plot", "ml", "plot_embedding")),
        (left_out(PROPERTIES, ("ml.tokens",)), ("plot", "vectors", "plot_embedding")),
        (("nowhere.at.all", "plot.inner"), ("plot", "ml", "vectors", "plot_embedding")),
    ],
)
def test_a_mapping_loses_embeddings_and_the_objects_that_held_nothing_else(paths, left):
    assert tuple(without(PROPERTIES, paths)) == left
    assert len(PROPERTIES) == 4, "the original is left alone"


def test_what_the_processor_wrote_beside_an_embedding_goes_with_it_and_so_does_an_object_of_nothing_else():
    beside = ("ml.is_truncated", "ml.model_id")
    assert left_out(PROPERTIES, ("ml.tokens", "plot_embedding")) == (
        "ml.tokens",
        "plot_embedding",
        *beside,
        "ml",
    )
    used = {"ml": {"properties": {"tokens": {"type": "rank_features"}, "note": {"type": "text"}}}}
    assert left_out(used, ("ml.tokens",)) == ("ml.tokens", *beside)
