"""Operations as a service of the test's own tells of them, read by the official client."""

from concurrent import futures

import grpc
import pytest
from google.api_core.operations_v1 import OperationsClient
from google.cloud import aiplatform_v1 as v1
from google.longrunning import operations_pb2

from tasks.calls import ServiceUnwell
from tasks.errors import DeadlinePassed
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.errors import OperationFailed
from tasks.vertex.operations.operations import cancel, follow, list_operations, read_operation
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline

INDEX = "projects/1/locations/us-central1/indexes/7"
NAME = f"{INDEX}/operations/1"


def operation(metadata, **fields):
    """A finished operation with this metadata, as it travels."""
    shown = operations_pb2.Operation(name=NAME, done=True, **fields)
    shown.metadata.Pack(type(metadata).pb(metadata))
    return shown


class Scripted:
    """A service of operations that answers every read with one of them."""

    def __init__(self):
        self.operation = operations_pb2.Operation(name=NAME)
        answers = {
            "GetOperation": lambda *_: self.operation,
            "ListOperations": lambda *_: operations_pb2.ListOperationsResponse(operations=[self.operation]),
        }
        handlers = {
            method: grpc.unary_unary_rpc_method_handler(
                answer, response_serializer=lambda message: message.SerializeToString()
            )
            for method, answer in answers.items()
        }
        self.server = grpc.server(futures.ThreadPoolExecutor(1))
        generic = grpc.method_handlers_generic_handler("google.longrunning.Operations", handlers)
        self.server.add_generic_rpc_handlers((generic,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()


@pytest.fixture
def service():
    scripted = Scripted()
    yield scripted
    scripted.server.stop(None)


@pytest.fixture
def settings(service):
    """Settings whose operations are read from that service."""
    known = VertexSettings(project=f"scripted-{service.port}", location="us-central1")
    channel = grpc.insecure_channel(f"127.0.0.1:{service.port}")
    connect(known).__dict__["operations"] = OperationsClient(channel)
    yield known
    channel.close()


@pytest.mark.filterwarnings("ignore:Unrecognized RecordErrorType")
def test_a_record_error_that_this_client_does_not_know_is_told_by_its_number(service, settings):
    error = {
        "error_type": 19,
        "error_message": "too large",
        "embedding_id": "a",
        "source_gcs_uri": "gs://b/f",
    }
    details = {"content_validation_stats": [{"partial_errors": [error]}]}
    metadata = v1.CreateIndexOperationMetadata(nearest_neighbor_search_operation_metadata=details)
    service.operation = operation(metadata, error={"code": 9, "message": "There are invalid records"})
    with pytest.raises(
        OperationFailed, match=r"ended with FAILED_PRECONDITION: There are.*\n  gs://b/f, id a: 19: too large"
    ):
        follow(settings, NAME, "create index products", Deadline.after(seconds=30))
    (listed,) = list_operations(settings, settings.parent, kinds={"CreateIndex"})
    assert (listed.resource, listed.code) == (INDEX, 9)


def test_where_nothing_answers_a_call_ends_at_once_and_the_wait_at_its_deadline(service, settings):
    service.server.stop(None)
    for call in (
        lambda: read_operation(settings, NAME),
        lambda: list_operations(settings, settings.parent, kinds=()),
        lambda: cancel(settings, NAME),
    ):
        with pytest.raises(ServiceUnwell):
            call()
    with pytest.raises(DeadlinePassed, match="no answer"):
        follow(settings, NAME, "create index products", Deadline.after(seconds=1))
