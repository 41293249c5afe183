# ruff: noqa: T201
"""LangChain's VectorSearchVectorStore, unmodified: added to by stream and by batch, then searched in every way."""

import os
import time

import numpy as np
from google.cloud import aiplatform, storage
from google.cloud.aiplatform.matching_engine import MatchingEngineIndex, MatchingEngineIndexEndpoint
from google.cloud.aiplatform.matching_engine.matching_engine_index_endpoint import Namespace, NumericNamespace
from langchain_core.embeddings import Embeddings
from langchain_google_vertexai import VectorSearchVectorStore

PROJECT = os.environ["VERTEX_PROJECT"]
TEXTS = ["one", "two", "three", "four"]
VECTORS = dict(zip(TEXTS, np.random.default_rng(5).normal(size=(4, 4)).round(3), strict=True))
METADATA = [
    {"kind": "a", "price": 1, "weight": 2.5},
    {"kind": "b", "price": 0, "weight": 0.5},
    {"kind": "a", "price": 3, "weight": 1.5},
    {"kind": "b", "price": 4, "weight": 3.5},
]
SPARSE = {"values": [1.0, 2.0], "dimensions": [3, 2**33]}
aiplatform.init(project=PROJECT, location="us-central1", api_endpoint=os.environ["VERTEX_API_ENDPOINT"])
bucket = storage.Client(project=PROJECT).create_bucket("langchain")


class Fixed(Embeddings):
    """The vector of each text, without a model."""

    def embed_documents(self, texts):
        return [VECTORS[text].tolist() for text in texts]

    def embed_query(self, text):
        return VECTORS[text].tolist()


def until(found, expected):
    end = time.monotonic() + 60
    while found() != expected:
        assert time.monotonic() < end, (found(), expected)
        time.sleep(0.05)


def texts(documents):
    return [document.page_content for document in documents]


def goes_through(method):
    index = MatchingEngineIndex.create_tree_ah_index(
        display_name=method, dimensions=4, approximate_neighbors_count=10, index_update_method=method
    )
    endpoint = MatchingEngineIndexEndpoint.create(display_name=method, public_endpoint_enabled=True)
    endpoint.deploy_index(index, f"langchain_{method}")
    store = VectorSearchVectorStore.from_components(
        project_id=PROJECT,
        region="us-central1",
        gcs_bucket_name=bucket.name,
        index_id=index.name,
        endpoint_id=endpoint.name,
        embedding=Fixed(),
        stream_update=method == "STREAM_UPDATE",
    )
    store.add_texts(TEXTS[:3], metadatas=METADATA[:3], ids=TEXTS[:3])
    store.add_texts_with_embeddings(
        TEXTS[3:], [Fixed().embed_query("four")], METADATA[3:], sparse_embeddings=[SPARSE], ids=["four"]
    )
    products = {text: float(VECTORS[text] @ VECTORS["one"]) for text in TEXTS}
    ranked = sorted(TEXTS, key=products.get, reverse=True)
    until(lambda: texts(store.similarity_search("one", k=4)), ranked)
    scores = [score for _, score in store.similarity_search_with_score("one", k=4)]
    assert np.allclose(scores, [products[text] for text in ranked], atol=1e-5)

    only_a = [Namespace(name="kind", allow_tokens=["a"])]
    assert set(texts(store.similarity_search("one", filter=only_a))) == {"one", "three"}
    no_price = [NumericNamespace(name="price", value_int=0, op="EQUAL")]
    assert texts(store.similarity_search("one", numeric_filter=no_price)) == ["two"]
    heavy = [NumericNamespace(name="weight", value_float=1.0, op="GREATER")]
    assert set(texts(store.similarity_search("one", numeric_filter=heavy))) == {"one", "three", "four"}

    found = store.similarity_search_by_vector_with_score(
        Fixed().embed_query("one"),
        sparse_embedding={"values": [1.5], "dimensions": [2**33]},
        rrf_ranking_alpha=0.1,
    )
    assert found[0][0].page_content == "four"
    assert found[0][1]["sparse_score"] == 3
    return store, index


store, index = goes_through("STREAM_UPDATE")
goes_through("BATCH_UPDATE")
store.delete(["one"])
# Until the removal shows, LangChain finds the datapoint and misses its document.
until(lambda: MatchingEngineIndex(index.resource_name).gca_resource.index_stats.vectors_count, 3)
assert "one" not in texts(store.similarity_search("one", k=4))
print("LangChain ran through")
