"""Sixty datapoints of eight dimensions, and how tests send and find them over both query protocols."""

import json

import numpy as np

from protos import match_service as container

ROWS = np.random.default_rng(7).normal(size=(60, 8)).astype("f4")


def datapoint(row, **fields):
    tag = {"crowding_attribute": "a" if row % 2 == 0 else "b"}
    restricts = [{"namespace": "class", "allow_list": [str(row)]}]
    vector = ROWS[row].tolist()
    sent = {"datapoint_id": str(row), "feature_vector": vector, "restricts": restricts, "crowding_tag": tag}
    return {**sent, **fields}


def upsert(clients, index, *points, **fields):
    clients.indexes.upsert_datapoints(request={"index": index, "datapoints": list(points), **fields})


def find(clients, public, *queries, **fields):
    request = {"index_endpoint": public[0], "deployed_index_id": public[1], "queries": queries, **fields}
    return clients.match.find_neighbors(request=request).nearest_neighbors


def match(private, vector, **fields):
    return private[0].Match(container.MatchRequest(deployed_index_id=private[1], float_val=vector, **fields))


def ids(response):
    return [each.id for each in response.neighbor]


def line(row, **fields):
    record = {"id": str(row), "embedding": ROWS[row].tolist(), "crowding_tag": "a", **fields}
    return json.dumps(record)
