# ruff: noqa: T201
"""LlamaIndex's VertexAIVectorStore, unmodified: nodes added, searched with filters, and deleted."""

import os
import time

import numpy as np
from google.cloud import aiplatform
from google.cloud.aiplatform.matching_engine import MatchingEngineIndex, MatchingEngineIndexEndpoint
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
)
from llama_index.vector_stores.vertexaivectorsearch import VertexAIVectorStore

PROJECT = os.environ["VERTEX_PROJECT"]
VECTORS = np.random.default_rng(5).normal(size=(6, 4)).round(3)
aiplatform.init(project=PROJECT, location="us-central1", api_endpoint=os.environ["VERTEX_API_ENDPOINT"])
index = MatchingEngineIndex.create_brute_force_index(
    display_name="llamaindex", dimensions=4, index_update_method="STREAM_UPDATE"
)
endpoint = MatchingEngineIndexEndpoint.create(display_name="llamaindex", public_endpoint_enabled=True)
endpoint.deploy_index(index, "llamaindex")
store = VertexAIVectorStore(
    project_id=PROJECT,
    region="us-central1",
    index_id=index.resource_name,
    endpoint_id=endpoint.resource_name,
)
nodes = [
    TextNode(
        id_=str(row),
        text=f"text {row}",
        embedding=VECTORS[row].tolist(),
        metadata={"kind": "ab"[row % 2], "price": row},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document {row // 3}")},
    )
    for row in range(6)
]
assert store.add(nodes) == [node.id_ for node in nodes]


def found(*filters):
    query = VectorStoreQuery(
        query_embedding=VECTORS[0].tolist(),
        similarity_top_k=6,
        filters=MetadataFilters(filters=list(filters)) if filters else None,
    )
    return [int(name) for name in store.query(query).ids]


def until(rows, *filters):
    end = time.monotonic() + 60
    while found(*filters) != rows:
        assert time.monotonic() < end, (found(*filters), rows)
        time.sleep(0.05)


ranked = np.argsort(-(VECTORS @ VECTORS[0])).tolist()
until(ranked)
kind = MetadataFilter(key="kind", value="b")
# It stores every number as value_float, but asks by the type of the value.
price = MetadataFilter(key="price", value=2.5, operator=FilterOperator.GTE)
assert found(kind) == [row for row in ranked if row % 2]
assert found(kind, price) == [row for row in ranked if row % 2 and row >= 3]
store.delete("document 0")
until([row for row in ranked if row >= 3])
print("LlamaIndex ran through")
