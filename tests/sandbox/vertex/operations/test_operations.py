"""Long-running operations, faults and restarts: what happens on the way."""

import json
import subprocess
import sys
from dataclasses import replace

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.longrunning import operations_pb2

from protos import match_service as container
from sandbox import faults, write_log
from sandbox.announced import SandboxError
from sandbox.vertex.options import VertexOptions
from tests.polling import SOON, until

OPTIONS = VertexOptions(clock_factor=20_000, upsert_delay=0.05)
SLOW_CLOCK = VertexOptions(clock_factor=1, upsert_delay=0.05)


def upsert(clients, index, **fields):
    datapoint = {"datapoint_id": "a", "feature_vector": [1, 2, 3, 4], **fields}
    clients.indexes.upsert_datapoints(request={"index": index, "datapoints": [datapoint]})


def test_operations_are_listed_under_their_resource_and_their_location(clients):
    operation = clients.begin_index()
    index = operation.result(timeout=60, polling=SOON).name
    listed = list(clients.operations.list_operations(index, ""))
    assert [each.name for each in listed] == [operation.operation.name]
    everywhere = [each.name for each in clients.operations.list_operations(clients.parent, "")]
    assert operation.operation.name in everywhere
    assert len(everywhere) == len(set(everywhere))


def test_a_finished_operation_can_be_waited_for_and_forgotten(clients):
    operation = clients.begin_index()
    request = operations_pb2.WaitOperationRequest(name=operation.operation.name)
    wait = clients.channel.unary_unary(
        "/google.longrunning.Operations/WaitOperation",
        request_serializer=operations_pb2.WaitOperationRequest.SerializeToString,
        response_deserializer=operations_pb2.Operation.FromString,
    )
    assert wait(request, timeout=60).done
    clients.operations.delete_operation(operation.operation.name)
    with pytest.raises(exceptions.NotFound):
        clients.operations.get_operation(operation.operation.name)


def test_a_cancelled_create_leaves_nothing(fresh, connect):
    clients = connect(fresh(SLOW_CLOCK))
    operation = clients.begin_index()
    assert not operation.done()
    assert len(list(clients.indexes.list_indexes(parent=clients.parent))) == 1
    operation.cancel()
    with pytest.raises(exceptions.Cancelled):
        operation.result(timeout=10, polling=SOON)
    assert list(clients.indexes.list_indexes(parent=clients.parent)) == []


def test_what_is_being_created_can_be_left_out_of_listings(fresh, connect):
    clients = connect(fresh(replace(SLOW_CLOCK, list_while_creating=False)))
    operation = clients.begin_index()
    index = operation.operation.name.rsplit("/operations/", 1)[0]
    assert clients.indexes.get_index(name=index).name == index
    assert list(clients.indexes.list_indexes(parent=clients.parent)) == []
    assert [each.name for each in clients.operations.list_operations(clients.parent, "")] == [
        operation.operation.name
    ]
    with pytest.raises(exceptions.FailedPrecondition, match="not ready"):
        upsert(clients, index)


@pytest.mark.slow
@pytest.mark.parametrize("listed", [True, False], ids=["listed while created", "listed when done"])
def test_listings_can_lag_behind(fresh, connect, listed):
    clients = connect(fresh(replace(OPTIONS, list_while_creating=listed, listing_delay=5)))
    name = clients.index()
    assert list(clients.indexes.list_indexes(parent=clients.parent)) == []
    found = until(
        lambda: list(clients.indexes.list_indexes(parent=clients.parent)), "the index in its listing"
    )
    assert [each.name for each in found] == [name]


def test_operations_can_advance_by_looks(fresh, connect):
    clients = connect(fresh(replace(OPTIONS, advance="reads", reads=3)))
    name = clients.begin_index().operation.name
    assert [clients.operations.get_operation(name).done for _ in range(2)] == [False, False]
    # The third look is enough, once what an index is made of is prepared.
    until(lambda: clients.operations.get_operation(name).done, "the end of the operation")


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill_and_operations_go_on(fresh, connect):
    sandbox = fresh()
    clients = connect(sandbox)
    index = clients.index()
    upsert(clients, index)
    stub, deployed = clients.private(index)
    operation = clients.begin_index()
    address = sandbox.environment
    sandbox.kill()
    again = fresh()
    assert again.environment == address
    clients = connect(again)
    clients.operations.get_operation(operation.operation.name)
    clients.indexes.get_index(name=operation.operation.name.rsplit("/operations/", 1)[0])
    assert clients.indexes.get_index(name=index).deployed_indexes[0].deployed_index_id == deployed
    request = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2, 3, 4])
    assert [each.id for each in stub.Match(request, wait_for_ready=True, timeout=10).neighbor] == ["a"]


@pytest.mark.slow
def test_an_operation_goes_on_after_a_restart(fresh, connect):
    slow = replace(OPTIONS, clock_factor=1800 / 3)  # creation lasts three seconds
    sandbox = fresh(slow)
    operation = connect(sandbox).begin_index()
    sandbox.kill()
    clients = connect(fresh(slow))
    wait = clients.channel.unary_unary(
        "/google.longrunning.Operations/WaitOperation",
        request_serializer=operations_pb2.WaitOperationRequest.SerializeToString,
        response_deserializer=operations_pb2.Operation.FromString,
    )
    done = wait(operations_pb2.WaitOperationRequest(name=operation.operation.name), timeout=60)
    assert done.done
    created = v1.Index.deserialize(done.response.value)
    assert clients.indexes.get_index(name=created.name).update_time


def test_a_lost_reply_is_a_create_that_happened(fresh, connect):
    sandbox = fresh()
    clients = connect(sandbox)
    faults.add(sandbox.state, "CreateIndex", "unavailable", when="after")
    with pytest.raises(exceptions.ServiceUnavailable):
        clients.begin_index()
    assert len(list(clients.indexes.list_indexes(parent=clients.parent))) == 1
    assert [write.method for write in write_log.read(sandbox.state)] == ["CreateIndex"]
    assert faults.pending(sandbox.state) == []
    assert [(each.method, each.when) for each in faults.struck(sandbox.state)] == [("CreateIndex", "after")]


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("unavailable", exceptions.ServiceUnavailable),
        ("aborted", exceptions.Aborted),
        ("internal", exceptions.InternalServerError),
        ("throttled", exceptions.ResourceExhausted),
        ("reset", exceptions.ServiceUnavailable),
    ],
)
def test_a_fault_before_the_effect_changes_nothing_and_strikes_as_often_as_told(clients, kind, raised):
    index = clients.index()
    before = write_log.count(clients.state)
    faults.add(clients.state, "UpsertDatapoints", kind, times=2)
    for _ in range(2):
        with pytest.raises(raised):
            upsert(clients, index)
    assert write_log.count(clients.state) == before
    upsert(clients, index)
    assert write_log.count(clients.state) == before + 1


def test_a_stalled_call_runs_into_the_callers_deadline(clients):
    name = clients.index()
    faults.add(clients.state, "GetIndex", "stall", seconds=30)
    with pytest.raises(exceptions.DeadlineExceeded):
        clients.indexes.get_index(
            name=name, timeout=2
        )  # on a busy machine, less may pass before the call arrives
    assert clients.indexes.get_index(name=name).name == name


def test_a_fault_of_a_method_that_nobody_answers_is_refused(clients):
    for method, nearest in (("CreateIndx", "CreateIndex"), ("Nonsense", "nearest")):
        with pytest.raises(ValueError, match=nearest):
            faults.add(clients.state, method, "unavailable")
    assert faults.pending(clients.state) == []


@pytest.mark.slow
def test_a_second_sandbox_on_a_live_folder_is_refused_in_one_line(fresh):
    sandbox = fresh()
    with pytest.raises(SandboxError, match="runs on"):
        fresh()
    assert sandbox.stop() == 0
    assert not (sandbox.state / "sandbox.json").exists()


@pytest.mark.slow
def test_the_command_line_prints_what_a_shell_must_export(fresh):
    sandbox = fresh()
    command = [sys.executable, "-m", "sandbox", "env", "--state", str(sandbox.state)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"export VERTEX_API_ENDPOINT={sandbox.environment['VERTEX_API_ENDPOINT']}" in told.stdout
    sandbox.kill()
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


@pytest.mark.slow
def test_storage_ends_with_a_killed_sandbox_and_keeps_its_objects(fresh, connect):
    sandbox = fresh()
    bucket = connect(sandbox).bucket()
    blob = bucket.blob("folder/data.json", chunk_size=256 * 1024)
    blob.upload_from_string(b"x" * 600_000)  # resumable
    generation = blob.generation
    sandbox.kill()
    found = connect(fresh()).bucket().client.bucket(bucket.name).get_blob("folder/data.json")
    assert (found.size, found.generation) == (600_000, generation)


def test_private_servers_ask_for_a_token_when_the_deployment_says_so(clients):
    import base64

    auth = {"auth_provider": {"audiences": ["us"], "allowed_issuers": ["them"]}}
    stub, deployed = clients.private(clients.index(), deployed_index_auth_config=auth)
    request = container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2, 3, 4])

    def bearer(**claims):
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return (("authorization", f"Bearer: head.{body}.signature"),)

    stub.Match(request, metadata=bearer(aud="us", iss="them"))
    for metadata in (None, bearer(aud="others", iss="them"), bearer(aud="us", iss="others")):
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            stub.Match(request, metadata=metadata)
    stub, deployed = clients.private(clients.index(), deployed_index_auth_config={"auth_provider": {}})
    stub.Match(container.MatchRequest(deployed_index_id=deployed, float_val=[1, 2, 3, 4]))  # empty is none
