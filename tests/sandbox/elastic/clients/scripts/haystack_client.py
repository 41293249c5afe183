# ruff: noqa: T201
"""Haystack's ElasticsearchDocumentStore and its retrievers, unmodified."""

import os

from haystack import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils import Secret
from haystack_integrations.components.retrievers.elasticsearch import (
    ElasticsearchBM25Retriever,
    ElasticsearchEmbeddingRetriever,
)
from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore

store = ElasticsearchDocumentStore(
    hosts=os.environ["ELASTIC_URL"],
    index="films",
    api_key=Secret.from_token(os.environ["ELASTIC_API_KEY"]),
)
documents = [
    Document(
        id="1",
        content="a wizard goes to a school",
        meta={"kind": "fantasy", "year": 2001},
        embedding=[1.0, 0.0, 0.1],
    ),
    Document(
        id="2",
        content="a shark at the beach",
        meta={"kind": "horror", "year": 1975},
        embedding=[0.0, 1.0, 0.1],
    ),
    Document(
        id="3",
        content="two spaceships fight",
        meta={"kind": "space", "year": 1977},
        embedding=[0.1, 0.1, 1.0],
    ),
]


def ids(found):
    return [document.id for document in found]


assert store.write_documents(documents) == 3
try:
    store.write_documents(documents[:1], policy=DuplicatePolicy.FAIL)
except DuplicateDocumentError:
    print("duplicates are found")
else:
    raise AssertionError
assert store.write_documents(documents[:1], policy=DuplicatePolicy.OVERWRITE) == 1
assert store.count_documents() == 3

assert ids(ElasticsearchBM25Retriever(document_store=store).run(query="wizzard school")["documents"]) == ["1"]
nearest = ElasticsearchEmbeddingRetriever(document_store=store, top_k=2)
assert ids(nearest.run(query_embedding=[0.0, 0.9, 0.1])["documents"]) == ["2", "3"]
old = {"field": "meta.year", "operator": "<", "value": 1976}
assert ids(nearest.run(query_embedding=[1.0, 0.0, 0.0], filters=old)["documents"]) == ["2"]
either = {
    "operator": "OR",
    "conditions": [
        {"field": "meta.kind", "operator": "==", "value": "space"},
        {"field": "meta.kind", "operator": "in", "value": ["fantasy"]},
    ],
}
assert set(ids(store.filter_documents(either))) == {"1", "3"}
without = {"operator": "NOT", "conditions": [{"field": "meta.kind", "operator": "==", "value": "space"}]}
assert set(ids(store.filter_documents(without))) == {"1", "2"}
if hasattr(store, "count_documents_by_filter"):
    assert store.count_documents_by_filter(old) == 1
    print(store.get_metadata_fields_info())
    assert store.get_metadata_field_min_max("year") == {"min": 1975, "max": 2001}
    assert store.count_unique_metadata_by_filter({}, ["kind"]) == {"kind": 3}
    assert store.get_metadata_field_unique_values("kind") == (["fantasy", "horror", "space"], 3)
    assert store.delete_by_filter(old, refresh=True) == 1
    assert store.count_documents() == 2
    store.delete_documents(["1"])
else:
    store.delete_documents(["1", "2"])
assert ids(store.filter_documents()) == ["3"]
print("Haystack ran through")
