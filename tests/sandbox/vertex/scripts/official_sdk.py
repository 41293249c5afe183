# ruff: noqa: T201
"""The whole life of indexes through the high-level SDK, unmodified: only its address is the stand-in's.

Its argument is the transport, `grpc` or `rest`.
"""

import os
import sys
import time

import numpy as np
import orjson
from google.cloud import aiplatform, storage
from google.cloud.aiplatform.matching_engine import MatchingEngineIndex, MatchingEngineIndexEndpoint
from google.cloud.aiplatform.matching_engine.matching_engine_index_endpoint import Namespace, NumericNamespace
from google.cloud.aiplatform_v1 import IndexDatapoint

ROWS = np.random.default_rng(3).normal(size=(40, 8)).astype("f4")

aiplatform.init(
    project=os.environ["VERTEX_PROJECT"],
    location="us-central1",
    api_endpoint=os.environ["VERTEX_API_ENDPOINT"],
    api_transport=sys.argv[1],
)


def until(condition):
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def line(row):
    return orjson.dumps({"id": str(row), "embedding": ROWS[row].tolist(), "crowding_tag": "ab"[row % 2]})


bucket = storage.Client(project=os.environ["VERTEX_PROJECT"]).create_bucket("sdk")
bucket.blob("data/rows.json").upload_from_string(b"\n".join(line(row) for row in range(20)))
bucket.blob("more/rows.json").upload_from_string(b"\n".join(line(row) for row in range(20, 40)))

batch = MatchingEngineIndex.create_tree_ah_index(
    display_name="batch",
    contents_delta_uri="gs://sdk/data",
    dimensions=8,
    approximate_neighbors_count=10,
    distance_measure_type="SQUARED_L2_DISTANCE",
    labels={"kind": "batch"},
)
stream = MatchingEngineIndex.create_brute_force_index(
    display_name="stream",
    dimensions=8,
    distance_measure_type="DOT_PRODUCT_DISTANCE",
    index_update_method="STREAM_UPDATE",
)
assert {each.resource_name for each in MatchingEngineIndex.list()} == {
    batch.resource_name,
    stream.resource_name,
}
assert [each.name for each in MatchingEngineIndex.list(filter="labels.kind=batch")] == [batch.name]
batch.update_metadata(display_name="renamed", labels={"kind": "renamed"})
assert MatchingEngineIndex(batch.resource_name).display_name == "renamed"
batch.update_embeddings("gs://sdk/more")
assert MatchingEngineIndex(batch.resource_name).gca_resource.index_stats.vectors_count == 40
stream.upsert_datapoints(
    [
        IndexDatapoint(
            datapoint_id=str(row),
            feature_vector=ROWS[row].tolist(),
            restricts=[{"namespace": "half", "allow_list": ["low" if row < 20 else "high"]}],
            numeric_restricts=[{"namespace": "row", "value_int": row}],
        )
        for row in range(40)
    ]
)

public = MatchingEngineIndexEndpoint.create(display_name="public", public_endpoint_enabled=True)
private = MatchingEngineIndexEndpoint.create(display_name="private", network=os.environ["VERTEX_NETWORK"])
assert public.public_endpoint_domain_name
assert {each.name for each in MatchingEngineIndexEndpoint.list()} == {public.name, private.name}
public.deploy_index(stream, "stream_public", min_replica_count=1, max_replica_count=1)
private.deploy_index(batch, "batch_private", machine_type="e2-standard-16", min_replica_count=1)
private.deploy_index(stream, "stream_private")
public.mutate_deployed_index("stream_public", min_replica_count=1, max_replica_count=2)
assert public.deployed_indexes[0].automatic_resources.max_replica_count == 2

query = ROWS[5].tolist()
expected = [str(row) for row in np.argsort(-(ROWS @ ROWS[5]))[:10]]
for endpoint, deployed in ((public, "stream_public"), (private, "stream_private")):
    found = until(lambda e=endpoint, d=deployed: e.find_neighbors(deployed_index_id=d, queries=[query])[0])
    assert [each.id for each in found] == expected
    narrowed = endpoint.find_neighbors(
        deployed_index_id=deployed,
        queries=[query],
        filter=[Namespace("half", ["low"], [])],
        numeric_filter=[NumericNamespace(name="row", value_int=10, op="GREATER_EQUAL")],
    )[0]
    assert all(10 <= int(each.id) < 20 for each in narrowed)
    assert len(narrowed) == 10
    read = endpoint.read_index_datapoints(deployed_index_id=deployed, ids=["5"])
    assert np.allclose(read[0].feature_vector, ROWS[5])
full = public.find_neighbors(deployed_index_id="stream_public", queries=[query], return_full_datapoint=True)[
    0
]
assert full[0].feature_vector
matched = private.match(
    "batch_private", queries=[query, query], num_neighbors=3, per_crowding_attribute_num_neighbors=1
)
assert [len(each) for each in matched] == [2, 2]
nearest = private.match("batch_private", queries=[query])[0][0]
assert nearest.id == "5"

stream.remove_datapoints(["5"])
until(
    lambda: (
        "5"
        not in [n.id for n in public.find_neighbors(deployed_index_id="stream_public", queries=[query])[0]]
    )
)
public.undeploy_index("stream_public")
private.undeploy_all()
for resource in (public, private, stream, batch):
    resource.delete()
assert not MatchingEngineIndex.list()
assert not MatchingEngineIndexEndpoint.list()
print("the SDK ran through")
