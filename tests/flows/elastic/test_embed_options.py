"""What `elastic embed` takes for each way of embedding, and what it refuses before it asks a cluster. Without a server."""

from __future__ import annotations

import pytest

from flows.elastic.embed import EmbedOptions
from tasks.errors import InvalidInput


def options(**given):
    return EmbedOptions(
        **{"name": "films", "source": "movies", "fields": ("plot",), "target": "sandbox", **given}
    )


def test_semantic_text_embeds_a_field_in_its_place():
    plan = options(as_="semantic-text", endpoint="e").way.plan
    assert [(field.input, field.output) for field in plan.fields] == [("plot", "plot")]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"as_": "semantic-text"}, r"needs the inference endpoint .*--endpoint.*endpoint-ensure"),
        ({"as_": "semantic-text", "endpoint": "e", "deployment": "d"}, r"not through a deployment: 'd' \(from --deployment\)"),
        ({"as_": "semantic-text", "endpoint": "e", "fields": ("plot:vector",)}, r"its own text: 'plot:vector'"),
    ],
    ids=["no endpoint", "a deployment", "another field"],
)  # fmt: skip
def test_what_semantic_text_does_not_take_is_refused(given, problem):
    with pytest.raises(InvalidInput, match=problem):
        _ = options(**given).way


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "needs the deployment that embeds documents"),
        ({"deployment": "d", "endpoint": "e"}, "through a deployment: 'e'"),
        (
            {"deployment": "d", "chunk_words": 50, "fields": ("plot:a.b",)},
            "in passages: 'plot:a.b'.*without dots",
        ),
    ],
    ids=["no deployment", "an endpoint", "passages within an object"],
)
def test_what_sparse_vectors_do_not_take_is_refused(given, problem):
    with pytest.raises(InvalidInput, match=problem):
        _ = options(**given).way


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "an inference endpoint, or a deployment of a text embedding model.*--endpoint, --deployment"),
        ({"endpoint": "e", "deployment": "d"}, r"through the inference endpoint e: 'd' \(from --deployment\)"),
        ({"endpoint": "e", "load_allocations": 2}, r"through the inference endpoint e: 2 \(from --load-allocations\)"),
        ({"endpoint": "e", "index_options": "ivf"}, "no index options of vectors: 'ivf'"),
    ],
    ids=["nothing that embeds", "both", "allocations of an endpoint", "index options"],
)  # fmt: skip
def test_what_dense_vectors_do_not_take_is_refused(given, problem):
    with pytest.raises(InvalidInput, match=problem):
        _ = options(as_="dense-vector", **given).way


@pytest.mark.parametrize("way", [{"deployment": "d"}, {"as_": "semantic-text", "endpoint": "e"}])
@pytest.mark.parametrize(
    "given", [{"similarity": "cosine"}, {"index_options": "hnsw"}, {"query_prefix": "none"}]
)
def test_options_of_vectors_belong_to_dense_vectors_alone(way, given):
    with pytest.raises(InvalidInput, match=r"no vectors of a dense_vector field.*--as dense-vector"):
        _ = options(**way, **given).way


def test_dense_vectors_are_embedded_as_the_options_say():
    way = options(
        as_="dense-vector", endpoint="e", index_options="int8_hnsw", similarity="dot_product", document_prefix="passage: ", query_prefix="query: ",
    ).way  # fmt: skip
    assert way.vectors.mapping(3)["index_options"] == {"type": "int8_hnsw"}
    assert (way.searches_by, way.document_prefix, way.query_prefix, way.prefixes_given) == ("e", "passage: ", "query: ", True)  # fmt: skip
    assert options(as_="dense-vector", deployment="d").way.searches_by == "d"
    assert not options(as_="dense-vector", deployment="d", query_prefix="query: ").way.prefixes_given
    bare = options(as_="dense-vector", endpoint="e", document_prefix="none", query_prefix="none").way
    assert (bare.document_prefix, bare.query_prefix, bare.prefixes_given) == ("", "", True)


def test_passages_are_embedded_into_a_nested_field():
    plan = options(deployment="d", chunk_words=50, fields=("plot", "about.plot", "notes:parts")).way.plan
    assert plan.chunk_words == 50
    assert [(field.input, field.passages, field.output) for field in plan.fields] == [
        ("plot", "plot_passages", "plot_passages.embedding"),
        ("about.plot", "about_plot_passages", "about_plot_passages.embedding"),
        ("notes", "parts", "parts.embedding"),
    ]


def test_a_remote_source_has_settings_of_its_own_and_no_slices(monkeypatch):
    remote = {"deployment": "d", "source_remote": True}
    monkeypatch.delenv("ELASTIC_REMOTE_URL", raising=False)
    with pytest.raises(InvalidInput, match="ELASTIC_REMOTE_URL"):
        _ = options(**remote).way
    monkeypatch.setenv("ELASTIC_REMOTE_URL", "https://old.example.org:9200")
    monkeypatch.setenv("ELASTIC_REMOTE_API_KEY", "bm9ib2R5Om5vdGhpbmc=")
    assert options(**remote).way.plan.remote.where == "old.example.org"
    with pytest.raises(InvalidInput, match="no slices: 2"):
        _ = options(**remote, slices=2).way
