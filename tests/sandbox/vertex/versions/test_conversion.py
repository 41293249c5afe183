"""Conversion between versions: bytes only where the descriptors agree, and nothing is lost where they do not."""

import pytest
from google.cloud import aiplatform_v1 as v1
from google.cloud import aiplatform_v1beta1 as beta

from sandbox.vertex.errors import Refusal
from sandbox.vertex.versions import generate
from sandbox.vertex.versions.conversion import agree, shown, understood

# What v1beta1 has and v1 has not, and the other way round, below the messages of the three services. A new release of
# the official package that changes this list needs a look at what the stand-in does with the new field.
ONLY_IN_V1BETA1 = {
    "AutoscalingMetricSpec.monitored_resource_labels",
    "DedicatedResources.flex_start",
    "DedicatedResources.initial_replica_count",
    "DedicatedResources.scale_to_zero_spec",
    "MachineSpec.min_gpu_driver_version",
    "MachineSpec.multihost_gpu_node_count",
    "PrivateServiceConnectConfig.enable_secure_private_service_connect",
}
ONLY_IN_V1 = {"DeployedIndex.deployment_tier"}
SERVICES = ("index_service", "index_endpoint_service", "match_service")


def messages():
    """The requests and responses of the three services, and what operations carry, in both versions."""
    for name in dir(v1):
        both = getattr(v1, name), getattr(beta, name, None)
        if hasattr(both[0], "pb") and both[0].__module__.rpartition(".")[2] in SERVICES:
            yield name, both[0].pb().DESCRIPTOR, both[1].pb().DESCRIPTOR


def fields(descriptor, found=None):
    """All fields below a message, by the names of their messages."""
    found = {} if found is None else found
    for field in descriptor.fields:
        name = f"{descriptor.full_name.split('.', 4)[-1]}.{field.name}"
        if name not in found:
            found[name] = (field.number, field.type, field.is_repeated, field.has_presence)
            if field.message_type:
                fields(field.message_type, found)
    return found


def test_the_versions_differ_in_the_known_fields_only():
    older, newer = {}, {}
    for _, one, other in messages():
        fields(one, older)
        fields(other, newer)
    known = {name.rpartition(".")[0] for name in older}
    assert {name for name in set(newer) - set(older) if name.rpartition(".")[0] in known} == ONLY_IN_V1BETA1
    assert set(older) - set(newer) == ONLY_IN_V1
    assert {name for name in set(older) & set(newer) if older[name] != newer[name]} == set()


def test_datapoints_and_queries_are_converted_by_their_bytes():
    for name in ("UpsertDatapointsRequest", "RemoveDatapointsRequest", "FindNeighborsRequest"):
        assert agree(getattr(beta, name).pb().DESCRIPTOR, getattr(v1, name).pb().DESCRIPTOR)
    assert not agree(beta.DeployIndexRequest.pb().DESCRIPTOR, v1.DeployIndexRequest.pb().DESCRIPTOR)


def test_a_request_that_names_no_new_field_arrives_whole():
    request = beta.DeployIndexRequest(
        index_endpoint="e",
        deployed_index={
            "id": "d",
            "reserved_ip_ranges": ["a", "b"],
            "dedicated_resources": {
                "machine_spec": {"machine_type": "n1-standard-16"},
                "min_replica_count": 2,
                "autoscaling_metric_specs": [{"metric_name": "cpu", "target": 60}],
            },
            "deployed_index_auth_config": {"auth_provider": {"audiences": ["x"]}},
            "private_endpoints": {},
        },
    )
    arrived = understood(beta.DeployIndexRequest.pb(request), v1.DeployIndexRequest.pb(), "v1beta1")
    assert arrived.SerializeToString() == beta.DeployIndexRequest.serialize(request)
    assert arrived.deployed_index.HasField("private_endpoints")


@pytest.mark.parametrize(
    "field",
    [
        {"initial_replica_count": 1},
        {"scale_to_zero_spec": {}},
        {"machine_spec": {"min_gpu_driver_version": "5"}},
        {"machine_spec": {"multihost_gpu_node_count": 1}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_each_new_field_is_refused(field):
    request = beta.DeployIndexRequest(deployed_index={"dedicated_resources": field})
    with pytest.raises(Refusal, match="of v1beta1"):
        understood(beta.DeployIndexRequest.pb(request), v1.DeployIndexRequest.pb(), "v1beta1")


def test_a_response_leaves_out_what_the_version_does_not_have():
    deployed = v1.DeployedIndex(id="d", deployment_tier=v1.DeployedIndex.DeploymentTier.STORAGE)
    converted = shown(v1.DeployedIndex.pb(deployed), "v1beta1")
    assert converted.DESCRIPTOR.full_name == "google.cloud.aiplatform.v1beta1.DeployedIndex"
    assert converted.SerializeToString() == b"\n\x01d"


def test_the_files_are_what_the_installed_packages_say():
    assert {path: path.read_bytes() for path in generate.generate()} == generate.generate()
