# ruff: noqa: T201
"""Three of Google's notebooks that import files as people write them, call by call in their order, against the stand-in.

    indexing    notebooks/official/vector_search/sdk_vector_search_for_indexing.ipynb of vertex-ai-samples: numbers as strings
    embeddings  embeddings/intro-textemb-vectorsearch.ipynb of generative-ai: numbers as ids, from pandas' `to_json`
    maskless    notebooks/community/matching_engine/matching_engine_for_indexing.ipynb of vertex-ai-samples: an update without a mask

What is replaced: the stand-in's address stands for Google's, the sample file for the downloaded one, the storage client for gcloud
and gsutil lines, an addition of the rows for the embedding model and BigQuery, and json for pandas, which writes the same lines.
Cells that only print are left out. Its arguments are the notebook's name and the file of vectors.
"""

import json
import os
import sys
import time

import h5py
import numpy as np
from google.cloud import aiplatform, aiplatform_v1beta1, storage
from google.cloud.aiplatform.matching_engine.matching_engine_index_endpoint import Namespace
from google.protobuf import json_format, struct_pb2

PROJECT_ID, LOCATION = os.environ["VERTEX_PROJECT"], "us-central1"
ENDPOINT = os.environ["VERTEX_API_ENDPOINT"]
DIMENSIONS, NUM_NEIGHBOURS = 100, 10

opened = h5py.File(sys.argv[2], "r")
train, test = opened["train"][:200], opened["test"][:5]
bucket = storage.Client(project=PROJECT_ID).create_bucket("notebooks", location=LOCATION)
BUCKET_URI = "gs://notebooks"


def upload(name, *records):
    bucket.blob(name).upload_from_string("".join(json.dumps(record) + "\n" for record in records))


def struct(value):
    return json_format.ParseDict(value, struct_pb2.Value())


def parity(index):
    return "even" if index % 2 == 0 else "odd"


def strings(index, embedding):
    restricts = [{"namespace": "class", "allow": [parity(index)]}]
    return {"id": str(index), "embedding": [str(value) for value in embedding], "restricts": restricts}


def indexing():
    aiplatform.init(project=PROJECT_ID, location=LOCATION, staging_bucket=BUCKET_URI, api_endpoint=ENDPOINT)
    upload("vector_search/initial/glove100.json", *(strings(*row) for row in enumerate(train)))
    shared = {
        "contents_delta_uri": f"{BUCKET_URI}/vector_search/initial/",
        "dimensions": DIMENSIONS,
        "distance_measure_type": "DOT_PRODUCT_DISTANCE",
        "labels": {"label_name": "label_value"},
    }
    tree_ah_index = aiplatform.MatchingEngineIndex.create_tree_ah_index(
        display_name="glove_100_1",
        description="Glove 100 ANN index",
        approximate_neighbors_count=150,
        leaf_node_embedding_count=500,
        leaf_nodes_to_search_percent=7,
        **shared,
    )
    tree_ah_index = aiplatform.MatchingEngineIndex(index_name=tree_ah_index.resource_name)
    brute_force_index = aiplatform.MatchingEngineIndex.create_brute_force_index(
        display_name="glove_100_1_brute_force", description="Glove 100 index (brute force)", **shared
    )
    brute_force_index = aiplatform.MatchingEngineIndex(index_name=brute_force_index.resource_name)

    upload("vector-search/incremental/glove100_incremental.json", strings(0, [0] * DIMENSIONS))
    tree_ah_index = tree_ah_index.update_embeddings(
        contents_delta_uri=f"{BUCKET_URI}/vector-search/incremental/"
    )

    network = f"projects/{os.environ['VERTEX_PROJECT_NUMBER']}/global/networks/ucaip-haystack-vpc-network"
    my_index_endpoint = aiplatform.MatchingEngineIndexEndpoint.create(
        display_name="index_endpoint_for_demo", description="index endpoint description", network=network
    )
    ann, brute = "tree_ah_glove_deployed_unique", "glove_brute_force_deployed_unique"
    my_index_endpoint = my_index_endpoint.deploy_index(index=tree_ah_index, deployed_index_id=ann)
    my_index_endpoint = my_index_endpoint.deploy_index(index=brute_force_index, deployed_index_id=brute)

    (response,) = my_index_endpoint.match(
        deployed_index_id=ann,
        queries=test[:1].tolist(),
        num_neighbors=NUM_NEIGHBOURS,
        filter=[Namespace("class", ["even"])],
    )
    assert len(response) == NUM_NEIGHBOURS
    assert {parity(int(neighbor.id)) for neighbor in response} == {"even"}

    found = {
        id_: my_index_endpoint.match(
            deployed_index_id=id_, queries=test[:].tolist(), num_neighbors=NUM_NEIGHBOURS
        )
        for id_ in (ann, brute)
    }
    exact = np.argsort(-(test @ train.T), axis=1)[:, :NUM_NEIGHBOURS]
    assert [[int(one.id) for one in each] for each in found[brute]] == exact.tolist()
    recalled = sum(
        len({one.id for one in some} & {one.id for one in all_})
        for some, all_ in zip(found[ann], found[brute], strict=True)
    )
    assert recalled / exact.size > 0.5, (
        "less by the datapoint of zeros at most, and by the leaves not searched"
    )

    stats = [index.to_dict()["indexStats"]["vectorsCount"] for index in (tree_ah_index, brute_force_index)]
    assert stats == ["200", "200"], "the incremental file replaced one"
    my_index_endpoint.delete(force=True)
    tree_ah_index.delete()
    brute_force_index.delete()


def embeddings():
    ids = [int(number) for number in 40_000_000 + np.arange(len(train))]  # StackOverflow's question ids
    upload(
        "questions.json",
        *({"id": id_, "embedding": row.tolist()} for id_, row in zip(ids, train, strict=True)),
    )
    aiplatform.init(project=PROJECT_ID, location=LOCATION, api_endpoint=ENDPOINT)
    my_index = aiplatform.MatchingEngineIndex.create_tree_ah_index(
        display_name="embvs-tutorial-index",
        contents_delta_uri=BUCKET_URI,
        dimensions=DIMENSIONS,
        approximate_neighbors_count=20,
        distance_measure_type="DOT_PRODUCT_DISTANCE",
    )
    my_index_endpoint = aiplatform.MatchingEngineIndexEndpoint.create(
        display_name="embvs-tutorial-index-endpoint", public_endpoint_enabled=True
    )
    my_index_endpoint.deploy_index(index=my_index, deployed_index_id="embvs_tutorial_deployed")
    (response,) = my_index_endpoint.find_neighbors(
        deployed_index_id="embvs_tutorial_deployed", queries=[train[7].tolist()], num_neighbors=20
    )
    titles = {id_: f"question {id_}" for id_ in ids}
    assert len(response) == 20
    assert all(titles[int(neighbor.id)] for neighbor in response)
    scores = train @ train[7]
    assert response[0].id == str(ids[int(np.argmax(scores))])
    assert np.isclose(response[0].distance, scores.max(), rtol=1e-4)
    my_index_endpoint.undeploy_all()
    my_index_endpoint.delete(force=True)
    my_index.delete()


def maskless():
    index_client = aiplatform_v1beta1.IndexServiceClient(client_options={"api_endpoint": ENDPOINT})
    parent = f"projects/{PROJECT_ID}/locations/{LOCATION}"
    upload("glove100.json", *({"id": str(i), "embedding": row.tolist()} for i, row in enumerate(train)))
    config = {
        "dimensions": DIMENSIONS,
        "approximateNeighborsCount": 150,
        "distanceMeasureType": "DOT_PRODUCT_DISTANCE",
        "algorithmConfig": {"treeAhConfig": {"leafNodeEmbeddingCount": 500, "leafNodesToSearchPercent": 7}},
    }
    named = {
        "display_name": "glove_100_1",
        "description": "Glove 100 Vertex AI Matching Engine Index",
    }
    metadata = struct({"config": config, "contentsDeltaUri": BUCKET_URI})
    creation = index_client.create_index(parent=parent, index={**named, "metadata": metadata})
    while not creation.done():
        time.sleep(0.2)
    name = creation.result().name

    upload(
        "incremental/glove100.json",
        {"id": "0", "embedding": [0] * DIMENSIONS},
        {"id": "new", "embedding": [1] * DIMENSIONS},
    )
    delta = struct({"contentsDeltaUri": f"{BUCKET_URI}/incremental"})
    update = index_client.update_index(index={"name": name, **named, "metadata": delta})
    while not update.done():
        time.sleep(0.2)
    updated = index_client.get_index(name=update.result().name)
    assert updated.name == name
    assert updated.index_stats.vectors_count == len(train) + 1, "one was replaced, one is new"
    assert (updated.display_name, updated.description) == tuple(named.values())
    kept = json_format.MessageToDict(aiplatform_v1beta1.Index.pb(updated).metadata)["config"]
    assert kept["dimensions"] == DIMENSIONS, "what the update did not name stays"
    index_client.delete_index(name=name).result()


{"indexing": indexing, "embeddings": embeddings, "maskless": maskless}[sys.argv[1]]()
print("the notebook ran through")
