# ruff: noqa: T201
"""The steps of "About hybrid search" (docs/sources.md) through the unmodified SDK, on both kinds of endpoints.

Own code in the page's order. Replaced: its data and TF-IDF by eight titles and counts of their words, the embedding
model by fixed vectors, `gcloud storage cp` by the client. Added: the private endpoint, streaming, metadata.
"""

import os
import time

import numpy as np
from google.cloud import aiplatform, storage
from google.cloud.aiplatform.matching_engine import MatchingEngineIndex, MatchingEngineIndexEndpoint
from google.cloud.aiplatform.matching_engine.matching_engine_index_endpoint import HybridQuery
from google.cloud.aiplatform_v1 import IndexDatapoint

TITLES = [
    "Google Blue Kids Sunglasses",
    "Google Red Kids Sunglasses",
    "YouTube Kids Coloring Pencils",
    "Google White Youth Tee",
    "Chrome Dino Pin",
    "Android Black Pen",
    "Google Cloud Sticker",
    "For Everyone Eco Pen",
]
WORDS = sorted({word for title in TITLES for word in title.split()})
VECTORS = np.random.default_rng(5).normal(size=(len(TITLES), 4)).astype("f4")
VECTORS[3] = VECTORS[0] * 0.9  # "Youth" means nearly the same as "Kids"
aiplatform.init(
    project=os.environ["VERTEX_PROJECT"],
    location="us-central1",
    api_endpoint=os.environ["VERTEX_API_ENDPOINT"],
)


def get_sparse_embedding(text):
    words = [word for word in text.split() if word in WORDS]
    return {"values": [1.0] * len(words), "dimensions": [WORDS.index(word) for word in words]}


def until(condition):
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


items = [
    {
        "id": number,
        "title": title,
        "embedding": VECTORS[number].tolist(),
        "sparse_embedding": get_sparse_embedding(title),
    }
    for number, title in enumerate(TITLES)
]
bucket = storage.Client(project=os.environ["VERTEX_PROJECT"]).create_bucket("hybrid")
bucket.blob("items/items.json").upload_from_string("".join(f"{item}\n" for item in items))

index = MatchingEngineIndex.create_tree_ah_index(
    display_name="hybrid",
    contents_delta_uri="gs://hybrid/items",
    dimensions=4,
    approximate_neighbors_count=10,
    index_update_method="STREAM_UPDATE",
)
stats = index.gca_resource.index_stats
assert (stats.vectors_count, stats.sparse_vectors_count) == (8, 8)
public = MatchingEngineIndexEndpoint.create(display_name="public", public_endpoint_enabled=True)
private = MatchingEngineIndexEndpoint.create(display_name="private", network=os.environ["VERTEX_NETWORK"])
public.deploy_index(index, "hybrid_public")
private.deploy_index(index, "hybrid_private")

sparse = get_sparse_embedding("Kids")
sparse_query = HybridQuery(
    sparse_embedding_dimensions=sparse["dimensions"], sparse_embedding_values=sparse["values"]
)
both = HybridQuery(
    dense_embedding=VECTORS[0].tolist(),
    sparse_embedding_dimensions=sparse["dimensions"],
    sparse_embedding_values=sparse["values"],
    rrf_ranking_alpha=0.5,
)
dense_query = HybridQuery(dense_embedding=VECTORS[0].tolist())
ends = [HybridQuery(**{**vars(both), "rrf_ranking_alpha": alpha}) for alpha in (0, 1)]
nearest = [str(row) for row in np.argsort(-(VECTORS @ VECTORS[0]), kind="stable")]
kids = ["0", "1", "2"]
for endpoint, deployed in ((public, "hybrid_public"), (private, "hybrid_private")):
    keyword, hybrid, dense, sparse_end, dense_end = endpoint.find_neighbors(
        deployed_index_id=deployed,
        queries=[sparse_query, both, dense_query, *ends],
        num_neighbors=5,
    )
    assert [each.id for each in keyword] == kids
    assert [each.sparse_distance for each in keyword] == [1, 1, 1]
    assert [each.id for each in dense] == [each.id for each in dense_end] == nearest[:5]
    assert [each.id for each in sparse_end] == kids
    assert hybrid[0].id == "0"
    assert set(kids) <= {each.id for each in hybrid}
    assert next(each for each in hybrid if each.id == "3").sparse_distance is None
# On a private endpoint the SDK leaves the sparse part out of what it reads.
(read,) = public.read_index_datapoints(deployed_index_id="hybrid_public", ids=["2"])
assert list(read.sparse_embedding.dimensions) == get_sparse_embedding(TITLES[2])["dimensions"]

new = {"datapoint_id": "new", "sparse_embedding": {"values": [2.0], "dimensions": sparse["dimensions"]}}
index.upsert_datapoints([IndexDatapoint(new)])
titled = IndexDatapoint(datapoint_id="new", embedding_metadata={"title": "Kids Cap"})
index.upsert_datapoints([titled], update_mask=["embedding_metadata"])


def newest():
    (found,) = public.find_neighbors(
        deployed_index_id="hybrid_public", queries=[sparse_query], num_neighbors=1, return_full_datapoint=True
    )
    return found if found[0].id == "new" and found[0].embedding_metadata else None


(first,) = until(newest)
assert (first.sparse_distance, first.embedding_metadata) == (2.0, {"title": "Kids Cap"})
assert list(first.sparse_embedding_dimensions) == sparse["dimensions"]
print("the hybrid search ran through")
