# ruff: noqa: T201
"""The code cells of the ELSER notebook, in the order in which they depend on each other, against the stand-in.

Three things differ from the cells: an address replaces the cloud id, the films are the sandbox's own, and a text
corpus of the sandbox replaces the books. Servers newer than the notebook's 8.13 have longer queues, and from 9.2 on
vectors must be requested explicitly.
"""

import json
import os
import sys
import time
from pathlib import Path

from elasticsearch import Elasticsearch, exceptions, helpers

client = Elasticsearch(os.environ["ELASTIC_URL"], api_key=os.environ["ELASTIC_API_KEY"])
DATA = Path(sys.argv[1])
model_id = ".elser_model_2"
release = tuple(int(part) for part in client.info()["version"]["number"].split(".")[:2])

# Delete the model if already downloaded and deployed; create its configuration, which downloads it.
try:
    client.ml.delete_trained_model(model_id=model_id, force=True)
except exceptions.NotFoundError:
    print("Model doesn't exist, but We will proceed with creating one")
config = client.ml.put_trained_model(model_id=model_id, input={"field_names": ["text_field"]})
print(config)
assert list(config)[:3] == ["model_id", "model_type", "model_package"]

# Is the model downloaded and ready to deploy?
while True:
    status = client.ml.get_trained_models(model_id=model_id, include="definition_status")
    if status["trained_model_configs"][0]["fully_defined"]:
        print("ELSER Model is downloaded and ready to be deployed.")
        break
    print("ELSER Model is downloaded but not ready to be deployed.")
    time.sleep(0.2)

started = client.ml.start_trained_model_deployment(
    model_id=model_id, deployment_id="elser_inference_1", number_of_allocations=1, wait_for="starting"
)
assert started["assignment"]["assignment_state"] == "starting"
assert started["assignment"]["task_parameters"]["queue_capacity"] == (1024 if release < (8, 16) else 10_000)

try:
    client.ml.infer_trained_model(
        model_id="elser_inference_configured",
        body={"docs": [{"text_field": "This movie was totally awesome and had loads of adventure"}]},
    )
    seen = ""
except exceptions.NotFoundError as error:
    seen = str(error)
assert seen == (
    "NotFoundError(404, 'resource_not_found_exception', "
    "'Could not find trained model [elser_inference_configured]')"
)

configured = client.ml.start_trained_model_deployment(
    model_id=model_id,
    deployment_id="elser_inference_configured",
    number_of_allocations=3,
    threads_per_allocation=8,
    queue_capacity=7000,
    timeout="1m",
    wait_for="starting",
)["assignment"]
print(configured)
assert (configured["routing_table"], configured["max_assigned_allocations"]) == ({}, 0)
assert (
    "This node has insufficient allocated processors. Available processors [8], free" in configured["reason"]
)

while True:
    status = client.ml.get_trained_models_stats(model_id=model_id)
    if status["trained_model_stats"][0]["deployment_stats"]["state"] == "started":
        print("ELSER Model has been successfully deployed.")
        break
    print("ELSER Model is currently being deployed.")
    time.sleep(0.2)

for asked in (model_id, "elser_inference_1"):
    response = client.ml.infer_trained_model(
        model_id=asked,
        body={"docs": [{"text_field": "This movie was totally awesome and had loads of adventure"}]},
    )
    tokens = response["inference_results"][0]["predicted_value"]
    print(tokens)
    assert {"awesome", "adventure", "movie"} <= set(list(tokens)[:5])

# The films, whose titles a default pipeline converts to lower case.
client.ingest.put_pipeline(
    id="ingest-pipeline-lowercase",
    description="Ingest pipeline to change title to lowercase",
    processors=[{"lowercase": {"field": "title"}}],
)
client.indices.delete(index="movies", ignore_unavailable=True)
client.indices.create(
    index="movies",
    settings={
        "index": {
            "number_of_shards": 1,
            "number_of_replicas": 1,
            "default_pipeline": "ingest-pipeline-lowercase",
        }
    },
    mappings={
        "properties": {
            "plot": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
        }
    },
)
data_json = [json.loads(line) for line in (DATA / "movies.jsonl").read_text().splitlines()]
helpers.bulk(client, [{"_index": "movies", "_source": doc} for doc in data_json])
time.sleep(2)

# Embeddings: pipeline, index, reindex.
client.ingest.put_pipeline(
    id="elser-2-ingest-pipeline-optimized",
    description="Ingest pipeline for ELSER",
    processors=[
        {
            "inference": {
                "model_id": model_id,
                "input_output": [{"input_field": "plot", "output_field": "plot_embedding"}],
            }
        }
    ],
)
client.indices.delete(index="elser-movies", ignore_unavailable=True)
client.indices.create(
    index="elser-movies",
    mappings={
        "properties": {
            "plot": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
            "plot_embedding": {"type": "sparse_vector"},
        }
    },
)
task_id = client.reindex(
    source={"index": "movies"},
    dest={"index": "elser-movies", "pipeline": "elser-2-ingest-pipeline-optimized"},
    wait_for_completion=False,
)["task"]
while not (found := client.tasks.get(task_id=task_id))["completed"]:
    time.sleep(0.2)
print(found)
assert found["task"]["description"] == "reindex from [movies] to [elser-movies]"
assert found["response"]["created"] == len(data_json)
time.sleep(1)

response = client.search(
    index="elser-movies",
    size=3,
    query={"text_expansion": {"plot_embedding": {"model_id": model_id, "model_text": "investigation"}}},
)
for hit in response["hits"]["hits"]:
    print(f"Score: {hit['_score']}\nTitle: {hit['_source']['title']}\nPlot: {hit['_source']['plot']}\n")
assert {hit["_source"]["title"] for hit in response["hits"]["hits"]} & {"se7en", "the departed"}

# Embeddings instead of texts are not valid input.
vectors = {"source_exclude_vectors": False} if release >= (9, 2) else {}
response = client.search(index="elser-movies", size=5000, **vectors)
docs = [{"text_field": line["_source"]["plot_embedding"]} for line in response["hits"]["hits"]]
try:
    client.ml.infer_trained_model(model_id=model_id, docs=docs, timeout="5m")
    raise AssertionError
except exceptions.BadRequestError as error:
    print(error)

# Another corpus through a pipeline of the same id.
lines = (DATA / "wordnet-glosses.jsonl").read_text().splitlines()[:200]
helpers.bulk(
    client, [{"_index": "hp_books", "_source": {"text_field": json.loads(line)["gloss"]}} for line in lines]
)
client.indices.refresh(index="hp_books")
client.ingest.put_pipeline(
    id="elser-2-ingest-pipeline-optimized",
    description="Ingest pipeline for ELSER with a lot more requests",
    processors=[
        {
            "inference": {
                "model_id": model_id,
                "input_output": [{"input_field": "text_field", "output_field": "text_embedding"}],
            }
        }
    ],
)
client.indices.create(
    index="hp-elser-optimized",
    mappings={"properties": {"text_embedding": {"type": "sparse_vector"}}},
)
task_id = client.reindex(
    source={"index": "hp_books"},
    dest={"index": "hp-elser-optimized", "pipeline": "elser-2-ingest-pipeline-optimized"},
    wait_for_completion=False,
)["task"]
while not (found := client.tasks.get(task_id=task_id))["completed"]:
    time.sleep(0.2)
assert found["response"]["created"] == 200

for node in client.nodes.stats(metric="ingest")["nodes"].values():
    print(json.dumps(node["ingest"]["pipelines"])[:300])
print(client.nodes.hot_threads())
for model in client.ml.get_trained_models()["trained_model_configs"]:
    print(model["model_id"])
try:
    client.ml.get_trained_models(model_id=".elser_model_1")
    raise AssertionError
except exceptions.NotFoundError as error:
    print(error)
client.ml.put_trained_model_alias(model_id=model_id, model_alias="sentiment")
print(client.ml.get_trained_models_stats())
print("the notebook ran through")
