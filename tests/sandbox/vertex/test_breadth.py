"""Every generated method of the official clients: it answers, or says by its name that it is not imitated."""

import asyncio
import inspect
import re
from dataclasses import dataclass

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import aiplatform_v1beta1 as v1beta1
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2
from google.oauth2.credentials import Credentials

from protos import match_service as container
from sandbox import coverage
from sandbox.vertex.matching.container_match import CONTAINER_SERVICES
from sandbox.vertex.versions.rules import rules, services
from tests.vertex_channel import channel_to

PACKAGES = {"v1": v1, "v1beta1": v1beta1}
SHARED = {
    "google.longrunning.Operations": operations_pb2,
    "google.cloud.location.Locations": locations_pb2,
    "google.iam.v1.IAMPolicy": iam_policy_pb2,
}
OWN = [name for name in services() if name.startswith("google.cloud.aiplatform")]
TRANSPORTS = ["grpc", "grpc_asyncio", "rest"]


@dataclass(frozen=True)
class Generated:
    """One method of one client."""

    service: str
    """The service that has it, or has it mixed in: `google.cloud.aiplatform.v1.IndexService`."""
    method: str
    """Its full name, as in `google.longrunning.Operations.GetOperation`."""

    @property
    def name(self):
        return self.method.rpartition(".")[2]

    @property
    def version(self):
        return self.service.split(".")[3]

    def client(self, asyncio=""):
        return getattr(PACKAGES[self.version], f"{self.service.rpartition('.')[2]}{asyncio}Client")

    def call(self):
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    def request(self):
        """A request that names something that does not exist, wherever the method wants a name."""
        messages = SHARED.get(self.method.rpartition(".")[0], PACKAGES[self.version])
        request = getattr(messages, f"{self.name}Request")()
        template = next(rule.template for rule in rules() if rule.method == self.method)
        variable, path = re.search(r"\{([\w.]+)=([^}]+)\}", template).groups()
        *parents, last = variable.split(".")
        target = request
        for parent in parents:
            target = getattr(target, parent)
        name = path.replace("projects/*/locations/*", "projects/sandbox-project/locations/us-central1")
        setattr(target, last, name.replace("projects/*", "projects/sandbox-project").replace("*", "1"))
        return request


METHODS = [
    Generated(service, f"{owner}.{name}")
    for service in OWN
    for owner in (service, *SHARED)
    for name in services()[owner]
]


def listed():
    """What COVERAGE.md says of each method's full name: whether it is imitated."""
    found, service = {}, ""
    for line in coverage.FILE.read_text().splitlines():
        if line.startswith("### "):
            service = line.removeprefix("### ")
        elif entry := re.fullmatch(r"- \[([x ])\] (\w+)", line):
            found[f"{service}.{entry[2]}"] = entry[1] == "x"
    return found


def clients_over(transport, environment):
    """Makes an official client: `make(method)`."""
    if transport == "rest":
        return lambda method: method.client()(
            transport="rest",
            credentials=Credentials(environment["VERTEX_ACCESS_TOKEN"]),
            client_options={"api_endpoint": f"http://{environment['VERTEX_PLAINTEXT_ENDPOINT']}"},
        )
    if transport == "grpc":
        channel = channel_to(environment)
        return lambda method: method.client()(
            transport=method.client().get_transport_class("grpc")(channel=channel)
        )
    aio = channel_to(environment, grpc.aio)
    return lambda method: method.client("Async")(
        transport=method.client("Async").get_transport_class("grpc_asyncio")(channel=aio)
    )


async def answers(call, method):
    """Whether a call is answered, with a response or with a refusal of what it asks for."""
    try:
        answer = call(request=method.request(), timeout=60)
        if inspect.isawaitable(answer):
            await answer
    except exceptions.MethodNotImplemented as error:
        return method.method not in error.message
    except (exceptions.NotFound, exceptions.BadRequest) as error:
        return "Method not found" not in error.message
    return True


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_generated_method_answers_as_coverage_says(clients, transport):
    async def ask_all():
        make = clients_over(transport, clients.environment)
        return {method: await answers(getattr(make(method), method.call()), method) for method in METHODS}

    imitated = listed()
    assert asyncio.run(ask_all()) == {method: imitated[method.method] for method in METHODS}


def test_every_method_of_the_private_service_answers_as_coverage_says(clients):
    endpoint = clients.endpoint("network")
    deployed = clients.deploy(clients.index(), endpoint)
    shown = clients.endpoints.get_index_endpoint(name=endpoint).deployed_indexes[0].private_endpoints
    imitated = listed()
    with grpc.insecure_channel(f"{shown.match_grpc_address}:10000") as channel:
        for service in CONTAINER_SERVICES:
            for name in ("Match", "BatchMatch", "BatchGetEmbeddings"):
                request = getattr(container, f"{name}Request")()
                if "deployed_index_id" in request.DESCRIPTOR.fields_by_name:
                    request.deployed_index_id = deployed
                if name == "Match":
                    request.float_val.extend([1, 0, 0, 0])
                assert imitated[f"{service}.{name}"]
                channel.unary_unary(f"/{service}/{name}")(request.SerializeToString(), timeout=10)
            with pytest.raises(grpc.RpcError, match=f"{service}.Nothing") as refused:
                channel.unary_unary(f"/{service}/Nothing")(b"", timeout=10)
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
