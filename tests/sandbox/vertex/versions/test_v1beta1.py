"""v1beta1 through its own clients: the same indexes and endpoints, in messages of the client's version."""

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import aiplatform_v1beta1 as beta
from google.cloud.aiplatform_v1beta1.services.index_endpoint_service.transports import (
    IndexEndpointServiceGrpcTransport,
)
from google.cloud.aiplatform_v1beta1.services.index_service.transports import IndexServiceGrpcTransport
from google.cloud.aiplatform_v1beta1.services.match_service.transports import MatchServiceGrpcTransport

from protos import match_service as container
from tests.polling import SOON, until

CONFIG = {"config": {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}}
POINTS = [
    {
        "datapoint_id": name,
        "feature_vector": vector,
        "restricts": [{"namespace": "half", "allow_list": [name]}],
        "numeric_restricts": [{"namespace": "row", "value_int": row}],
        "crowding_tag": {"crowding_attribute": "tag"},
        "embedding_metadata": {"title": name},
    }
    for row, (name, vector) in enumerate([("near", [1, 0]), ("far", [0, 1])])
]


class Beta:
    """Unmodified clients of v1beta1."""

    def __init__(self, clients):
        channel = clients.channel
        self.indexes = beta.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=channel))
        self.endpoints = beta.IndexEndpointServiceClient(
            transport=IndexEndpointServiceGrpcTransport(channel=channel)
        )
        self.match = beta.MatchServiceClient(transport=MatchServiceGrpcTransport(channel=channel))
        self.parent = clients.parent

    def index(self):
        index = {"display_name": "beta", "metadata": CONFIG, "index_update_method": 2}
        return self.indexes.create_index(parent=self.parent, index=index)

    def endpoint(self):
        endpoint = {"display_name": "beta", "public_endpoint_enabled": True}
        return self.endpoints.create_index_endpoint(parent=self.parent, index_endpoint=endpoint)


@pytest.fixture(scope="module")
def clients_of_beta(clients):
    return Beta(clients)


def test_an_index_lives_its_whole_life_in_v1beta1(clients, clients_of_beta):
    client = clients_of_beta
    created = client.index()
    index = created.result(timeout=60, polling=SOON)
    assert isinstance(index, beta.Index)
    assert isinstance(created.metadata, beta.CreateIndexOperationMetadata)
    client.indexes.upsert_datapoints(request={"index": index.name, "datapoints": POINTS})
    endpoint = client.endpoint().result(timeout=60, polling=SOON)
    assert isinstance(endpoint, beta.IndexEndpoint)
    deploy = client.endpoints.deploy_index(
        index_endpoint=endpoint.name, deployed_index={"id": "whole_beta", "index": index.name}
    )
    deployed = deploy.result(timeout=60, polling=SOON)
    assert isinstance(deployed, beta.DeployIndexResponse)
    assert deploy.metadata.deployed_index_id == deployed.deployed_index.id == "whole_beta"
    scaled = client.endpoints.mutate_deployed_index(
        index_endpoint=endpoint.name,
        deployed_index={
            "id": "whole_beta",
            "automatic_resources": {"min_replica_count": 1, "max_replica_count": 3},
        },
    ).result(timeout=60, polling=SOON)
    assert scaled.deployed_index.automatic_resources.max_replica_count == 3

    where = {"index_endpoint": endpoint.name, "deployed_index_id": "whole_beta"}
    query = {"datapoint": {"feature_vector": [2, 1]}, "neighbor_count": 2}
    asked = {**where, "queries": [query], "return_full_datapoint": True}
    found = until(lambda: client.match.find_neighbors(request=asked).nearest_neighbors[0].neighbors)
    assert [each.datapoint.datapoint_id for each in found] == ["near", "far"]
    assert found[0].distance == 2
    read = client.match.read_index_datapoints(request={**where, "ids": ["far"]}).datapoints
    assert list(read) == [beta.IndexDatapoint(POINTS[1])]

    shown = client.indexes.get_index(name=index.name)
    assert shown.deployed_indexes[0].deployed_index_id == "whole_beta"
    in_v1 = v1.Index.serialize(clients.indexes.get_index(name=index.name))
    assert shown == beta.Index.deserialize(in_v1)
    client.indexes.remove_datapoints(request={"index": index.name, "datapoint_ids": ["near"]})
    assert until(lambda: client.indexes.get_index(name=index.name).index_stats.vectors_count == 1)
    shown.display_name, shown.etag = "renamed", ""
    renamed = client.indexes.update_index(index=shown, update_mask={"paths": ["display_name"]})
    assert renamed.result(timeout=60, polling=SOON).display_name == "renamed"
    assert client.endpoints.update_index_endpoint(
        index_endpoint={"name": endpoint.name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
    ).labels == {"a": "b"}
    assert index.name in [each.name for each in client.indexes.list_indexes(parent=client.parent)]
    listed = client.endpoints.list_index_endpoints(parent=client.parent)
    assert endpoint.name in [each.name for each in listed]

    undeploy = client.endpoints.undeploy_index(index_endpoint=endpoint.name, deployed_index_id="whole_beta")
    assert isinstance(undeploy.result(timeout=60, polling=SOON), beta.UndeployIndexResponse)
    client.endpoints.delete_index_endpoint(name=endpoint.name).result(timeout=60, polling=SOON)
    client.indexes.delete_index(name=index.name).result(timeout=60, polling=SOON)
    with pytest.raises(exceptions.NotFound):
        clients.indexes.get_index(name=index.name)


def test_an_operation_shows_itself_in_the_version_that_started_it(clients, clients_of_beta):
    started = clients_of_beta.index()
    started.result(timeout=60, polling=SOON)
    shown = clients.operations.get_operation(started.operation.name)
    prefix = "type.googleapis.com/google.cloud.aiplatform.v1beta1"
    assert shown.metadata.type_url == f"{prefix}.CreateIndexOperationMetadata"
    assert shown.response.type_url == f"{prefix}.Index"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (
            {"dedicated_resources": {"min_replica_count": 1, "flex_start": {"max_runtime_duration": "60s"}}},
            "deployed_index.dedicated_resources.flex_start",
        ),
        (
            {
                "dedicated_resources": {
                    "min_replica_count": 1,
                    "autoscaling_metric_specs": [
                        {"metric_name": "a"},
                        {"monitored_resource_labels": {"a": "b"}},
                    ],
                }
            },
            "deployed_index.dedicated_resources.autoscaling_metric_specs[1].monitored_resource_labels",
        ),
    ],
    ids=["a field of a message", "a field in a list"],
)
def test_a_field_that_only_v1beta1_has_is_refused_by_name(clients_of_beta, fields, named):
    with pytest.raises(exceptions.MethodNotImplemented) as refused:
        clients_of_beta.endpoints.deploy_index(
            index_endpoint=f"{clients_of_beta.parent}/indexEndpoints/1",
            deployed_index={"id": "beta_only", "index": "any", **fields},
        )
    assert named in refused.value.message


def test_a_method_that_is_not_imitated_says_its_name(clients_of_beta):
    with pytest.raises(exceptions.MethodNotImplemented) as refused:
        clients_of_beta.indexes.import_index(
            request={"name": f"{clients_of_beta.parent}/indexes/1", "is_complete_overwrite": True}
        )
    assert "google.cloud.aiplatform.v1beta1.IndexService.ImportIndex" in refused.value.message


def test_a_private_endpoint_answers_clients_of_container_v1beta1(clients):
    index = clients.index()
    datapoint = {"datapoint_id": "a", "feature_vector": [1, 2, 3, 4]}
    clients.indexes.upsert_datapoints(request={"index": index, "datapoints": [datapoint]})
    endpoint = clients.endpoint("network")
    deployed = clients.deploy(index, endpoint)
    shown = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0]
    address = shown.private_endpoints.match_grpc_address
    with grpc.insecure_channel(f"{address}:10000") as channel:
        match = channel.unary_unary(
            "/google.cloud.aiplatform.container.v1beta1.MatchService/Match",
            request_serializer=container.MatchRequest.SerializeToString,
            response_deserializer=container.MatchResponse.FromString,
        )
        request = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 0, 0, 0])
        assert until(lambda: match(request, timeout=10).neighbor)[0].id == "a"
