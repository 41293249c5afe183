# ruff: noqa: T201
"""LlamaIndex's ElasticsearchStore, unmodified: dense, hybrid, sparse and BM25, filters, and deletions."""

import os

from elasticsearch.helpers.vectorstore import (
    AsyncBM25Strategy,
    AsyncDenseVectorStrategy,
    AsyncSparseVectorStrategy,
)
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    ExactMatchFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.vector_stores.elasticsearch import ElasticsearchStore

VECTORS = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.1, 1.0]]
TEXTS = [
    "a wizard goes to a school of magic",
    "a shark attacks the beach of a small town",
    "two spaceships fight over a planet",
]


def store_of(name, strategy):
    return ElasticsearchStore(
        index_name=name,
        es_url=os.environ["ELASTIC_URL"],
        es_api_key=os.environ["ELASTIC_API_KEY"],
        retrieval_strategy=strategy,
    )


def nodes(embedded):
    return [
        TextNode(
            id_=f"node-{row}",
            text=text,
            embedding=VECTORS[row] if embedded else None,
            metadata={"kind": ["fantasy", "horror", "space"][row], "year": 2000 + row},
            relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document-{row // 2}")},
        )
        for row, text in enumerate(TEXTS)
    ]


def found(store, **query):
    return store.query(VectorStoreQuery(similarity_top_k=2, **query)).ids


dense = store_of("dense", AsyncDenseVectorStrategy())
assert dense.add(nodes(True)) == ["node-0", "node-1", "node-2"]
assert found(dense, query_embedding=VECTORS[1])[0] == "node-1"
horror = MetadataFilters(filters=[ExactMatchFilter(key="kind", value="horror")])
assert found(dense, query_embedding=VECTORS[0], filters=horror) == ["node-1"]
late = [{"range": {"metadata.year": {"gte": 2001}}}]
query = VectorStoreQuery(query_embedding=VECTORS[0], similarity_top_k=3)
assert set(dense.query(query, es_filter=late).ids) == {"node-1", "node-2"}
assert [node.node_id for node in dense.get_nodes(["node-2"])] == ["node-2"]
assert [node.node_id for node in dense.get_nodes(filters=horror)] == ["node-1"]
dense.delete("document-0")
assert found(dense, query_embedding=VECTORS[0]) == ["node-2"]
dense.delete_nodes(["node-2"])
assert found(dense, query_embedding=VECTORS[0]) == []

hybrid = store_of("hybrid", AsyncDenseVectorStrategy(hybrid=True))
hybrid.add(nodes(True))
mixed = found(hybrid, query_embedding=VECTORS[1], query_str="shark", mode=VectorStoreQueryMode.HYBRID)
assert mixed[0] == "node-1"

sparse = store_of("sparse", AsyncSparseVectorStrategy(model_id=".elser_model_2"))
sparse.add(nodes(False))
assert found(sparse, query_str="magic school", mode=VectorStoreQueryMode.SPARSE)[0] == "node-0"
words = [
    store_of(f"words-{row}", strategy)
    for row, strategy in enumerate((AsyncBM25Strategy(), AsyncBM25Strategy(k1=2.0, b=0.1)))
]
for each in words:
    each.add(nodes(False))
    assert found(each, query_str="shark beach", mode=VectorStoreQueryMode.TEXT_SEARCH)[0] == "node-1"
    assert found(each, query_str="a town", filters=horror, mode=VectorStoreQueryMode.TEXT_SEARCH) == [
        "node-1"
    ]
for each in (dense, hybrid, sparse, *words):
    each.close()
print("LlamaIndex ran through")
