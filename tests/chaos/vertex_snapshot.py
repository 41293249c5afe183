"""Everything that the Vertex stand-in and its bucket hold, without the ids and times that differ between equal runs."""

from __future__ import annotations

import hashlib
import sqlite3

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1 as v1
from google.cloud import storage
from google.cloud import vectorsearch_v1 as v2
from google.cloud.aiplatform_v1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.vectorsearch_v1.services.data_object_search_service.transports import (
    DataObjectSearchServiceGrpcTransport,
)
from google.cloud.vectorsearch_v1.services.vector_search_service.transports import (
    VectorSearchServiceGrpcTransport,
)

from sandbox import announced
from tests.polling import until
from tests.vertex_channel import channel_to

_OWN = {
    "name", "etag", "create_time", "update_time", "index_sync_time", "public_endpoint_domain_name", "deployed_indexes",
    "index_stats", "private_endpoints",
}  # fmt: skip
"""Fields that the service makes up."""


def snapshot(state):
    """Indexes with datapoints, endpoints with deployed indexes, collections, objects with contents; once no operation is under way.

    Resources are lists, so that a second one of a name shows.
    """
    environment = announced.environment(state)
    with channel_to(environment) as channel:
        indexes = v1.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=channel))
        endpoints = v1.IndexEndpointServiceClient(
            transport=IndexEndpointServiceGrpcTransport(channel=channel)
        )
        parent = f"projects/{environment['VERTEX_PROJECT']}/locations/{environment['VERTEX_LOCATION']}"
        operations = indexes.transport.operations_client
        until(
            lambda: not list(operations.list_operations(parent, "done:false")), "the end of every operation"
        )
        there = {one.name: one for one in indexes.list_indexes(parent=parent)}
        return {
            "indexes": _sorted(_index(one, state) for one in there.values()),
            "endpoints": _sorted(
                _endpoint(one, there) for one in endpoints.list_index_endpoints(parent=parent)
            ),
            "collections": _collections(channel, parent),
            "objects": _objects(environment),
        }


def _index(index, state):
    found = _fields(index)
    for volatile in ("overwritten",):  # the time of the last overwrite
        if volatile in found.get("labels", {}):
            found["labels"][volatile] = "a time"
    found["metadata"].pop("contentsDeltaUri", None)
    return found | {"deployed": len(index.deployed_indexes), "datapoints": _datapoints(state, index.name)}


def _endpoint(endpoint, indexes):
    deployed = [
        _fields(one)
        | {"index": indexes[one.index].display_name if one.index in indexes else "an index that is gone"}
        for one in endpoint.deployed_indexes
    ]
    found = _fields(endpoint)
    if "served_since" in found.get("labels", {}):
        found["labels"]["served_since"] = "a time"
    return found | {"deployed": _sorted(deployed)}


def _collections(channel, parent):
    """Collections with their indexes and data objects, each data object as a hash."""
    service = v2.VectorSearchServiceClient(transport=VectorSearchServiceGrpcTransport(channel=channel))
    search = v2.DataObjectSearchServiceClient(transport=DataObjectSearchServiceGrpcTransport(channel=channel))
    whole = {"data_fields": ["*"], "vector_fields": ["*"]}
    return _sorted(
        _fields(one)
        | {
            "id": one.name.rpartition("/")[2],
            "indexes": _sorted(_fields(index) for index in service.list_indexes(parent=one.name)),
            "objects": {
                each.data_object_id: hashlib.sha256(
                    type(each).pb(each).SerializeToString(deterministic=True)
                ).hexdigest()[:16]
                for each in search.query_data_objects(
                    request={"parent": one.name, "output_fields": whole, "page_size": 1000}
                )
            },
        }
        for one in service.list_collections(parent=parent)
    )


def _fields(message):
    found = type(message).to_dict(message, including_default_value_fields=False)
    return {name: value for name, value in found.items() if name not in _OWN}


def _datapoints(state, index):
    """The rows that the accepted changes of an index add up to, each as a hash; and how many generations are kept."""
    with sqlite3.connect(state / "vertex.sqlite") as db:
        rows = db.execute(
            'SELECT generation, change, payload FROM changes WHERE "index" LIKE ? ORDER BY sequence',
            ("%" + index.rpartition("/")[2],),
        ).fetchall()
    held = {}
    for _, change, payload in rows:
        if change in ("remove", "delete"):
            for id_ in v1.RemoveDatapointsRequest.pb().FromString(payload).datapoint_ids:
                if change == "remove":
                    held.pop(id_, None)
                elif id_ in held:
                    held[id_] = "deleted, until the next compaction"
            continue
        for point in v1.UpsertDatapointsRequest.pb().FromString(payload).datapoints:
            held[point.datapoint_id] = hashlib.sha256(
                point.SerializeToString(deterministic=True)
            ).hexdigest()[:16]
    return {"generations": len({generation for generation, *_ in rows}), "rows": dict(sorted(held.items()))}


def _objects(environment):
    client = storage.Client(
        project=environment["VERTEX_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": environment["STORAGE_EMULATOR_HOST"]},
    )
    return {
        bucket.name: {
            blob.name: hashlib.sha256(blob.download_as_bytes()).hexdigest()[:16]
            for blob in client.list_blobs(bucket.name)
        }
        for bucket in client.list_buckets()
    }


def _sorted(found):
    return sorted(found, key=repr)
