# ruff: noqa: T201, N816, PTH123
"""The code cells of Google's stream-update notebook, in their order, against the stand-in.

Three things differ from the cells: the stand-in's address replaces Google's, files and the storage client
replace shell lines, and where the reader of a notebook takes a few seconds, the script waits for what the next cell
shows. The notebook deletes a deployed index, which the service refuses; here it is undeployed first.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import grpc
import h5py
from google.api_core import exceptions
from google.cloud import aiplatform_v1, storage
from google.protobuf import struct_pb2

PROJECT_ID = os.environ["VERTEX_PROJECT"]
PROJECT_NUMBER = os.environ["VERTEX_PROJECT_NUMBER"]
REGION = "us-central1"
ENDPOINT = os.environ["VERTEX_API_ENDPOINT"]
NETWORK_NAME = "ucaip-haystack-vpc-network"
PARENT = f"projects/{PROJECT_ID}/locations/{REGION}"
BUCKET_NAME = f"gs://{PROJECT_ID}aip-notebook"

bucket = storage.Client(project=PROJECT_ID).create_bucket(BUCKET_NAME.removeprefix("gs://"), location=REGION)

# Prepare the data.
h5 = h5py.File(sys.argv[1], "r")
train = h5["train"]
test = h5["test"]
with open("glove100.json", "w") as f:
    for i in range(len(train)):
        f.write('{"id":"' + str(i) + '",')
        f.write('"embedding":[' + ",".join(str(x) for x in train[i]) + "],")
        f.write('"restricts":[{"namespace": "class", "allow": ["' + str(i) + '"]}],')
        f.write('"crowding_tag":' + ('"a"' if i % 2 == 0 else '"b"') + "}")
        f.write("\n")
        if i >= 100:
            break
bucket.blob("glove100.json").upload_from_filename("glove100.json")

# Create the stream update index.
index_client = aiplatform_v1.IndexServiceClient(client_options={"api_endpoint": ENDPOINT})
DIMENSIONS = 100
DISPLAY_NAME = "glove_100_1"
treeAhConfig = struct_pb2.Struct(
    fields={
        "leafNodeEmbeddingCount": struct_pb2.Value(number_value=500),
        "leafNodesToSearchPercent": struct_pb2.Value(number_value=7),
    }
)
algorithmConfig = struct_pb2.Struct(fields={"treeAhConfig": struct_pb2.Value(struct_value=treeAhConfig)})
config = struct_pb2.Struct(
    fields={
        "dimensions": struct_pb2.Value(number_value=DIMENSIONS),
        "approximateNeighborsCount": struct_pb2.Value(number_value=150),
        "distanceMeasureType": struct_pb2.Value(string_value="DOT_PRODUCT_DISTANCE"),
        "algorithmConfig": struct_pb2.Value(struct_value=algorithmConfig),
    }
)
metadata = struct_pb2.Struct(
    fields={
        "config": struct_pb2.Value(struct_value=config),
        "contentsDeltaUri": struct_pb2.Value(string_value=BUCKET_NAME),
    }
)
ann_index = {
    "display_name": DISPLAY_NAME,
    "description": "Glove 100 ANN index",
    "metadata": struct_pb2.Value(struct_value=metadata),
    "index_update_method": aiplatform_v1.Index.IndexUpdateMethod.STREAM_UPDATE,
}
ann_index = index_client.create_index(parent=PARENT, index=ann_index)
ann_index.result()
INDEX_RESOURCE_NAME = ann_index.result().name

# Create the index endpoint with a VPC network.
index_endpoint_client = aiplatform_v1.IndexEndpointServiceClient(client_options={"api_endpoint": ENDPOINT})
VPC_NETWORK_NAME = f"projects/{PROJECT_NUMBER}/global/networks/{NETWORK_NAME}"
index_endpoint = {"display_name": "index_endpoint_for_demo", "network": VPC_NETWORK_NAME}
r = index_endpoint_client.create_index_endpoint(parent=PARENT, index_endpoint=index_endpoint)
INDEX_ENDPOINT_NAME = r.result().name

# Deploy the index.
DEPLOYED_INDEX_ID = "stream_update_glove_deployed"
deploy_ann_index = {
    "id": DEPLOYED_INDEX_ID,
    "display_name": DEPLOYED_INDEX_ID,
    "index": INDEX_RESOURCE_NAME,
}
r = index_endpoint_client.deploy_index(index_endpoint=INDEX_ENDPOINT_NAME, deployed_index=deploy_ann_index)
while True:
    if r.done():
        break
    print("Poll the operation to deploy index...")
    time.sleep(0.2)
r.result()

# Query it, with the messages that the notebook writes and compiles.
Path("match_service.proto").write_text("""
syntax = "proto3";
package google.cloud.aiplatform.container.v1;
service MatchService { rpc Match(MatchRequest) returns (MatchResponse) {} }
message MatchRequest {
  string deployed_index_id = 1;
  repeated float float_val = 2;
  int32 num_neighbors = 3;
  repeated Namespace restricts = 4;
  int32 per_crowding_attribute_num_neighbors = 5;
  int32 approx_num_neighbors = 6;
  int32 leaf_nodes_to_search_percent_override = 7;
}
message MatchResponse {
  message Neighbor { string id = 1; double distance = 2; }
  repeated Neighbor neighbor = 1;
}
message Namespace { string name = 1; repeated string allow_tokens = 2; repeated string deny_tokens = 3; }
""")
protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I=.", "--python_out=.", "--grpc_python_out=."]
subprocess.run([*protoc, "match_service.proto"], check=True)
DEPLOYED_INDEX_SERVER_IP = (
    list(index_endpoint_client.list_index_endpoints(parent=PARENT))[0]  # noqa: RUF015 - the notebook's words
    .deployed_indexes[0]
    .private_endpoints.match_grpc_address
)
sys.path.insert(0, ".")
import match_service_pb2  # noqa: E402
import match_service_pb2_grpc  # noqa: E402

channel = grpc.insecure_channel(f"{DEPLOYED_INDEX_SERVER_IP}:10000")
stub = match_service_pb2_grpc.MatchServiceStub(channel)
query = [float(x) for x in test[0]]


def new_request():
    request = match_service_pb2.MatchRequest()
    request.deployed_index_id = DEPLOYED_INDEX_ID
    for val in query:
        request.float_val.append(val)
    return request


def until(request, condition):
    end = time.monotonic() + 60
    while not condition(response := [each.id for each in stub.Match(request).neighbor]):
        assert time.monotonic() < end, response
        time.sleep(0.02)
    return response


def upsert(restrict, tag):
    datapoint = aiplatform_v1.IndexDatapoint(
        datapoint_id="101",
        feature_vector=[3 * x for x in query],
        restricts=[{"namespace": "class", "allow_list": [restrict]}],
        crowding_tag=aiplatform_v1.IndexDatapoint.CrowdingTag(crowding_attribute=tag),
    )
    request = aiplatform_v1.UpsertDatapointsRequest(index=INDEX_RESOURCE_NAME, datapoints=[datapoint])
    index_client.upsert_datapoints(request=request)


before = [each.id for each in stub.Match(new_request()).neighbor]
assert len(before) == 10
assert "101" not in before

# Insert the datapoint: it comes first.
upsert("101", "b")
until(new_request(), lambda ids: ids[0] == "101")

# Only the datapoints whose class is 1 or 101.
filtered = new_request()
restrict = match_service_pb2.Namespace()
restrict.name = "class"
restrict.allow_tokens.append("1")
restrict.allow_tokens.append("101")
filtered.restricts.append(restrict)
until(filtered, lambda ids: ids == ["101", "1"])

# Update its filter: it leaves the filtered answer.
upsert("102", "b")
until(filtered, lambda ids: ids == ["1"])

# No more than one neighbor of each crowding group.
crowded = new_request()
crowded.per_crowding_attribute_num_neighbors = 1
first, second = until(crowded, lambda ids: len(ids) == 2)
assert first == "101"
assert int(second) % 2 == 0

# Change its crowding tag from b to a: the other neighbor is now of group b.
upsert("101", "a")
until(crowded, lambda ids: ids[0] == "101" and int(ids[1]) % 2 == 1)

# Remove it.
index_client.remove_datapoints(
    request=aiplatform_v1.RemoveDatapointsRequest(index=INDEX_RESOURCE_NAME, datapoint_ids=["101"])
)
until(new_request(), lambda ids: ids == before)

# Clean up.
try:
    index_client.delete_index(name=INDEX_RESOURCE_NAME)
except exceptions.FailedPrecondition as refused:
    print("as in the notebook, before undeploying:", refused.message)
undeployed = index_endpoint_client.undeploy_index(
    index_endpoint=INDEX_ENDPOINT_NAME, deployed_index_id=DEPLOYED_INDEX_ID
)
undeployed.result()
index_client.delete_index(name=INDEX_RESOURCE_NAME).result()
index_endpoint_client.delete_index_endpoint(name=INDEX_ENDPOINT_NAME).result()
assert not list(index_client.list_indexes(parent=PARENT))
assert not list(index_endpoint_client.list_index_endpoints(parent=PARENT))
print("the notebook ran through")
