"""Everything that the Elasticsearch stand-in holds, without the ids and times that differ between equal runs."""

from __future__ import annotations

import warnings

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from sandbox import announced
from tests.polling import until

warnings.filterwarnings("ignore", message="This API is in technical preview")

_OWN = {"uuid", "creation_date", "version"}
"""Index settings that the cluster makes up."""
_WITH_EMBEDDINGS = {"fields": ["_inference_fields"]}
"""Those of semantic_text fields are shown only when asked."""


def snapshot(state):
    """Indices with settings, mappings, aliases and documents, pipelines, models, deployments, endpoints; once no task runs."""
    environment = announced.environment(state)
    with Elasticsearch(environment["ELASTIC_URL"], api_key=environment.get("ELASTIC_API_KEY")) as client:
        until(lambda: not client.tasks.list(actions="*reindex,*byquery")["nodes"], "the end of every task")
        client.indices.refresh(index="*")
        return {
            "indices": {
                name: _index(one) | {"documents": _documents(client, name)}
                for name, one in sorted(client.indices.get(index="*").body.items())
            },
            "pipelines": dict(sorted(client.ingest.get_pipeline().body.items())),
            "models": sorted(
                one["model_id"] for one in client.ml.get_trained_models()["trained_model_configs"]
            ),
            "deployments": sorted(_deployments(client), key=repr),
            "endpoints": client.inference.get().body["endpoints"],
        }


def _index(found):
    settings = {name: value for name, value in found["settings"]["index"].items() if name not in _OWN}
    return {"settings": settings, "mappings": found["mappings"], "aliases": found["aliases"]}


def _documents(client, index):
    return {hit["_id"]: hit["_source"] for hit in scan(client, index=index, query=_WITH_EMBEDDINGS)}


def _deployments(client):
    for one in client.ml.get_trained_models_stats()["trained_model_stats"]:
        if stats := one.get("deployment_stats"):
            yield {
                name: stats.get(name)
                for name in (
                    "deployment_id", "model_id", "state", "number_of_allocations", "threads_per_allocation",
                    "queue_capacity", "cache_size", "priority", "adaptive_allocations",
                )
            }  # fmt: skip
