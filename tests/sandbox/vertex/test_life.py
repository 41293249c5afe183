"""The life of indexes, endpoints and deployed indexes, through the unmodified GAPIC clients."""

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from protos import match_service as container
from sandbox import write_log
from tests.polling import SOON

STREAM_ERROR = "StreamUpdate is not enabled on this Index."


def test_a_created_index_comes_back_with_the_projects_number_and_its_defaults_filled_in(clients):
    operation = clients.begin_index(3, labels={"team": "search"}, featureNormType=None, shardSize=None)
    assert operation.operation.name.startswith("projects/123456789012/locations/us-central1/indexes/")
    assert isinstance(operation.metadata, v1.CreateIndexOperationMetadata)
    index = clients.indexes.get_index(name=operation.result(timeout=60, polling=SOON).name)
    config = dict(index.metadata["config"])
    assert config["dimensions"] == 3
    assert config["distanceMeasureType"] == "DOT_PRODUCT_DISTANCE"
    assert config["featureNormType"] == "NONE"
    assert dict(index.labels) == {"team": "search"}
    assert index.etag
    assert index.update_time >= index.create_time


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"dimensions": None}, "dimensions"),
        ({"dimensions": 1.5}, "dimensions"),
        ({"distanceMeasureType": "HAMMING"}, "distanceMeasureType"),
        ({"algorithmConfig": {"treeAhConfig": {}, "bruteForceConfig": {}}}, "algorithmConfig"),
        (
            {"algorithmConfig": {"treeAhConfig": {"fractionLeafNodesToSearch": 1}}},
            "fractionLeafNodesToSearch",
        ),
        ({"ShardSizes": "SHARD_SIZE_SMALL"}, "shardSizes"),
    ],
    ids=[
        "no dimensions",
        "half a dimension",
        "unknown distance",
        "two algorithms",
        "all leaves",
        "unknown key",
    ],
)
def test_impossible_metadata_is_refused_and_creates_nothing(clients, config, problem):
    before = write_log.count(clients.state)
    with pytest.raises(exceptions.InvalidArgument, match=problem):
        clients.begin_index(4, **config)
    assert write_log.count(clients.state) == before


def test_listing_filters_by_labels_and_names(clients):
    first = clients.index(labels={"filtered": "yes", "number": "1"})
    clients.index(labels={"filtered": "yes", "number": "2"})

    def listed(text):
        return [
            each.name
            for each in clients.indexes.list_indexes(request={"parent": clients.parent, "filter": text})
        ]

    assert listed("labels.filtered=yes AND labels.number:1") == [first]
    assert len(listed("labels.filtered:*")) == len(listed("labels:filtered")) == 2
    assert listed('labels.filtered="no"') == []
    name = clients.indexes.get_index(name=first).display_name
    assert listed(f'display_name="{name}"') == listed(f'name="{first}"') == [first]
    with pytest.raises(exceptions.InvalidArgument, match="not supported"):
        listed("create_time > 1 OR labels.filtered=yes")


def test_listing_comes_in_pages_without_gaps_or_doubles(clients):
    made = {clients.index(labels={"paged": "yes"}) for _ in range(5)}
    request = {"parent": clients.parent, "filter": "labels.paged=yes", "page_size": 2}
    pages = list(clients.indexes.list_indexes(request=request).pages)
    assert [len(page.indexes) for page in pages] == [2, 2, 1]
    assert {index.name for page in pages for index in page.indexes} == made


def test_fields_are_updated_at_once_and_content_never_together_with_them(clients):
    name = clients.index()
    index = {"name": name, "display_name": "new name", "labels": {"a": "b"}}
    mask = {"paths": ["display_name", "labels"]}
    operation = clients.indexes.update_index(index=index, update_mask=mask)
    assert operation.done()
    assert dict(clients.indexes.get_index(name=name).labels) == {"a": "b"}
    both = {
        "name": name,
        "labels": {},
        "metadata": {"contentsDeltaUri": "gs://b/c", "isCompleteOverwrite": True},
    }
    with pytest.raises(exceptions.InvalidArgument, match="not both"):
        clients.indexes.update_index(index=both, update_mask={"paths": ["labels", "metadata"]})


def test_a_batch_index_refuses_streamed_datapoints_with_the_documented_text(clients):
    name = clients.index(stream=False)
    with pytest.raises(exceptions.FailedPrecondition, match=STREAM_ERROR):
        clients.indexes.upsert_datapoints(
            request={"index": name, "datapoints": [{"datapoint_id": "a", "feature_vector": [1, 2, 3, 4]}]}
        )
    with pytest.raises(exceptions.FailedPrecondition, match=STREAM_ERROR):
        clients.indexes.remove_datapoints(request={"index": name, "datapoint_ids": ["a"]})


def test_a_stream_index_refuses_a_partial_batch_update(clients):
    index = {"name": clients.index(), "metadata": {"contentsDeltaUri": "gs://b/c"}}
    with pytest.raises(exceptions.FailedPrecondition, match="isCompleteOverwrite"):
        clients.indexes.update_index(index=index, update_mask={"paths": ["metadata"]})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"labels": {"Team": "x"}}, "Label 'Team'"),
        ({"labels": {"team": "a.b"}}, "Label 'team'"),
        ({"labels": {f"l{number}": "" for number in range(65)}}, "There are 65 labels"),
        ({"encryption_spec": {"kms_key_name": "mine"}}, "The key 'mine'"),
        (
            {"encryption_spec": {"kms_key_name": "projects/p/locations/global/keyRings/r/cryptoKeys/k"}},
            "in the resource's own location",
        ),
    ],
    ids=["key of a label", "value of a label", "many labels", "no key", "key elsewhere"],
)
@pytest.mark.parametrize("kind", ["index", "endpoint"])
def test_labels_and_keys_that_are_not_allowed_are_refused_by_name(clients, kind, fields, said):
    config = {"dimensions": 2, "algorithmConfig": {"bruteForceConfig": {}}}
    of_its_kind = {"index": {"metadata": {"config": config}}, "endpoint": {"public_endpoint_enabled": True}}
    resource = {"display_name": "refused", **of_its_kind[kind], **fields}
    create = clients.indexes.create_index if kind == "index" else clients.endpoints.create_index_endpoint
    with pytest.raises(exceptions.InvalidArgument, match=said):
        create(request={"parent": clients.parent, "index" if kind == "index" else "index_endpoint": resource})


def test_the_storage_tier_serves_storage_optimized_shards_on_machines_of_its_own(clients):
    endpoint = clients.endpoint()
    with pytest.raises(exceptions.InvalidArgument, match=r"tier STORAGE.*given: SHARD_SIZE_MEDIUM"):
        clients.deploy(clients.index(), endpoint, deployment_tier="STORAGE")
    index = clients.index(shardSize="SHARD_SIZE_SO_DYNAMIC")
    machine = {"machine_spec": {"machine_type": "n1-standard-32"}, "min_replica_count": 1}
    with pytest.raises(exceptions.InvalidArgument, match="n1-standard-32"):
        clients.deploy(index, endpoint, deployment_tier="STORAGE", dedicated_resources=machine)
    clients.deploy(index, endpoint, deployment_tier="STORAGE")
    assert clients.copy(endpoint).deployment_tier.name == "STORAGE"


def test_a_deployed_index_cannot_be_deleted_nor_its_endpoint_until_it_is_undeployed(clients):
    index = clients.index()
    endpoint, deployed = clients.public(index)
    assert clients.indexes.get_index(name=index).deployed_indexes[0].deployed_index_id == deployed
    with pytest.raises(exceptions.FailedPrecondition, match=deployed):
        clients.indexes.delete_index(name=index)
    with pytest.raises(exceptions.FailedPrecondition, match=deployed):
        clients.endpoints.delete_index_endpoint(name=endpoint)
    clients.endpoints.undeploy_index(index_endpoint=endpoint, deployed_index_id=deployed).result(
        timeout=60, polling=SOON
    )
    clients.endpoints.delete_index_endpoint(name=endpoint).result(timeout=60, polling=SOON)
    clients.indexes.delete_index(name=index).result(timeout=60, polling=SOON)
    with pytest.raises(exceptions.NotFound):
        clients.indexes.get_index(name=index)
    with pytest.raises(exceptions.NotFound):
        clients.endpoints.get_index_endpoint(name=endpoint)


@pytest.mark.parametrize(
    "name", ["1abc", "a-b", "", "a" * 129], ids=["digit first", "dash", "empty", "too long"]
)
def test_a_malformed_deployed_index_id_is_refused(clients, name):
    index, endpoint = clients.index(), clients.endpoint()
    with pytest.raises(exceptions.InvalidArgument, match="must begin with a letter"):
        clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index={"id": name, "index": index})


def test_a_deployed_index_id_is_unique_within_the_project(clients):
    index = clients.index()
    _, deployed = clients.public(index)
    again = {"id": deployed, "index": index}
    with pytest.raises(exceptions.AlreadyExists):
        clients.endpoints.deploy_index(index_endpoint=clients.endpoint(), deployed_index=again)


def test_a_bare_deployment_gets_two_replicas_and_mutation_changes_only_their_number(clients):
    index = clients.index()
    endpoint, deployed = clients.public(index)
    shown = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0]
    assert (shown.automatic_resources.min_replica_count, shown.automatic_resources.max_replica_count) == (
        2,
        2,
    )
    wanted = {"id": deployed, "automatic_resources": {"min_replica_count": 1, "max_replica_count": 3}}
    mutated = clients.endpoints.mutate_deployed_index(index_endpoint=endpoint, deployed_index=wanted)
    assert mutated.result(timeout=60, polling=SOON).deployed_index.automatic_resources.max_replica_count == 3
    other = {"id": deployed, "dedicated_resources": {"min_replica_count": 1}}
    with pytest.raises(exceptions.InvalidArgument, match="kind of resources"):
        clients.endpoints.mutate_deployed_index(index_endpoint=endpoint, deployed_index=other)


def test_a_deployment_has_one_kind_of_resources_and_an_empty_one_beside_it_is_none(clients):
    index, endpoint = clients.index(), clients.endpoint()
    dedicated = {"machine_spec": {"machine_type": "e2-standard-16"}, "min_replica_count": 3}
    both = {"automatic_resources": {"min_replica_count": 1}, "dedicated_resources": dedicated}
    with pytest.raises(exceptions.InvalidArgument, match="give one of them"):
        clients.endpoints.deploy_index(
            index_endpoint=endpoint, deployed_index={"id": "both_kinds", "index": index, **both}
        )
    clients.deploy(index, endpoint, automatic_resources={}, dedicated_resources=dedicated)
    (shown,) = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes
    assert shown.dedicated_resources.min_replica_count == 3
    assert "automatic_resources" not in shown


def test_a_machine_too_small_for_the_shards_is_refused(clients):
    index, endpoint = clients.index(shardSize="SHARD_SIZE_MEDIUM"), clients.endpoint()
    dedicated = {"machine_spec": {"machine_type": "e2-standard-2"}, "min_replica_count": 1}
    deployed = {"id": "too_small", "index": index, "dedicated_resources": dedicated}
    with pytest.raises(exceptions.InvalidArgument, match="e2-standard-16"):
        clients.endpoints.deploy_index(index_endpoint=endpoint, deployed_index=deployed)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"public_endpoint_enabled": True, "network": "projects/123456789012/global/networks/sandbox"},
        {"network": "projects/sandbox-project/global/networks/sandbox"},
    ],
    ids=["no kind", "two kinds", "project id in the network"],
)
def test_an_endpoint_of_no_clear_kind_is_refused(clients, fields):
    with pytest.raises(exceptions.InvalidArgument):
        clients.endpoints.create_index_endpoint(
            parent=clients.parent, index_endpoint={"display_name": "x", **fields}
        )


def test_an_endpoints_fields_are_updated_without_an_operation(clients):
    name = clients.endpoint()
    endpoint = {"name": name, "labels": {"a": "b"}}
    updated = clients.endpoints.update_index_endpoint(
        index_endpoint=endpoint, update_mask={"paths": ["labels"]}
    )
    assert dict(updated.labels) == {"a": "b"}
    assert updated.public_endpoint_domain_name == clients.environment["VERTEX_API_ENDPOINT"]


def test_a_private_endpoint_refuses_public_queries_and_a_public_one_has_no_private_address(clients):
    index = clients.index()
    endpoint, _ = clients.public(index)
    assert not clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].private_endpoints
    private = clients.endpoint("network")
    deployed = clients.deploy(index, private)
    with pytest.raises(exceptions.FailedPrecondition, match="not public"):
        clients.match.find_neighbors(
            request={
                "index_endpoint": private,
                "deployed_index_id": deployed,
                "queries": [{"datapoint": {"feature_vector": [1, 2, 3, 4]}}],
            }
        )


@pytest.mark.parametrize("kind", ["network", "psc"])
def test_an_undeployed_index_stops_answering_at_its_address(clients, kind):
    index = clients.index()
    stub, deployed = clients.private(index, kind)
    request = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2, 3, 4])
    assert not stub.Match(request).neighbor
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        stub.Match(container.MatchRequest(deployed_index_id="other", float_val=[1, 2, 3, 4]))
    endpoint = clients.indexes.get_index(name=index).deployed_indexes[0].index_endpoint
    clients.endpoints.undeploy_index(index_endpoint=endpoint, deployed_index_id=deployed).result(
        timeout=60, polling=SOON
    )
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        stub.Match(request)


def test_names_of_other_projects_and_malformed_ones_are_refused(clients):
    with pytest.raises(exceptions.PermissionDenied):
        clients.indexes.get_index(name="projects/other/locations/us-central1/indexes/1")
    with pytest.raises(exceptions.InvalidArgument):
        clients.indexes.get_index(name="indexes/1")
    with pytest.raises(exceptions.NotFound):
        clients.indexes.get_index(name=f"{clients.parent}/indexes/1")
