# ruff: noqa: T201
"""LangChain's ElasticsearchStore, unmodified: sparse, dense, hybrid and BM25, with filters and deletions; its retriever and its history.

Left out, because the stand-in refuses it by name: exact search by a script.
"""

import os

from elasticsearch import Elasticsearch
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_elasticsearch import (
    BM25Strategy,
    DenseVectorStrategy,
    DistanceMetric,
    ElasticsearchChatMessageHistory,
    ElasticsearchRetriever,
    ElasticsearchStore,
    SparseVectorStrategy,
)

client = Elasticsearch(os.environ["ELASTIC_URL"], api_key=os.environ["ELASTIC_API_KEY"])
TEXTS = {
    "a wizard goes to a school of magic": [1.0, 0.0, 0.1],
    "a shark attacks the beach of a small town": [0.0, 1.0, 0.1],
    "two spaceships fight over a planet": [0.1, 0.1, 1.0],
}
KINDS = ["fantasy", "horror", "science fiction"]


class Fixed(Embeddings):
    """The vector of each text, without a model."""

    def embed_documents(self, texts):
        return [TEXTS[text] for text in texts]

    def embed_query(self, text):
        # Of any other text only the number of dimensions is looked at.
        return {"magic": [0.9, 0.1, 0.0], "beach": [0.1, 0.9, 0.0]}.get(text, [0.0, 0.0, 1.0])


def documents():
    return [
        Document(page_content=text, metadata={"kind": kind, "year": 2000 + row})
        for row, (text, kind) in enumerate(zip(TEXTS, KINDS, strict=True))
    ]


def texts(found):
    return [document.page_content for document in found]


def store_of(name, strategy, embedding=None):
    store = ElasticsearchStore(index_name=name, client=client, embedding=embedding, strategy=strategy)
    ids = store.add_documents(documents(), ids=["0", "1", "2"])
    assert ids == ["0", "1", "2"]
    return store


wizard, shark, ships = TEXTS

sparse = store_of("sparse", SparseVectorStrategy(model_id=".elser_model_2"))
assert texts(sparse.similarity_search("magic school", k=1)) == [wizard]
(scored,) = sparse.similarity_search_with_score("shark beach", k=1)
assert scored[0].page_content == shark
assert scored[1] > 0
only = [{"term": {"metadata.kind.keyword": "science fiction"}}]
assert texts(sparse.similarity_search("magic school", k=3, filter=only)) in ([ships], [])

for distance in (DistanceMetric.COSINE, DistanceMetric.EUCLIDEAN_DISTANCE, DistanceMetric.MAX_INNER_PRODUCT):
    dense = store_of(f"dense-{distance.lower()}", DenseVectorStrategy(distance=distance), Fixed())
    assert texts(dense.similarity_search("magic", k=2)) == [wizard, shark]
    assert texts(dense.similarity_search_by_vector_with_relevance_scores([0.0, 1.0, 0.0], k=1)[0][:1]) == [
        shark
    ]
    assert texts(dense.similarity_search("magic", k=2, filter=[{"range": {"metadata.year": {"gte": 2001}}}]))[
        0
    ] in (shark, ships)
    assert set(texts(dense.max_marginal_relevance_search("magic", k=2, fetch_k=3))) <= set(TEXTS)

hybrid = store_of("hybrid", DenseVectorStrategy(hybrid=True), Fixed())
assert texts(hybrid.similarity_search("beach", k=1)) == [shark]
assert hybrid.delete(["1"])
assert texts(hybrid.similarity_search("beach", k=3))[0] != shark

for strategy in (
    BM25Strategy(),
    BM25Strategy(k1=2.0, b=0.0),
    ElasticsearchStore.BM25RetrievalStrategy(),
    ElasticsearchStore.BM25RetrievalStrategy(k1=2.0, b=0.0),
):
    name = f"words-{id(strategy)}"
    words = store_of(name, strategy)
    assert texts(words.similarity_search("wizard magic", k=3)) == [wizard]
    assert texts(words.similarity_search("a", k=3, filter=[{"term": {"metadata.year": 2002}}])) == [ships]
    similarity = client.indices.get_settings(index=name)[name]["settings"]["index"]["similarity"]
    assert similarity["custom_bm25"]["type"] == "BM25"

retriever = ElasticsearchRetriever(
    client=client,
    index_name="hybrid",
    body_func=lambda query: {"query": {"match": {"text": {"query": query, "fuzziness": "AUTO"}}}},
    content_field="text",
)
assert texts(retriever.invoke("wizzard")) == [wizard]

history = ElasticsearchChatMessageHistory(client=client, index="chat", session_id="one")
history.add_user_message("hi!")
history.add_ai_message("whats up?")
assert [message.content for message in history.messages] == ["hi!", "whats up?"]
history.clear()
assert history.messages == []
print("LangChain ran through")
