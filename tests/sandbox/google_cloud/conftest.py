"""Google's own clients for the stand-in of Compute Engine, Service Networking and Service Usage."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from google.auth.transport.requests import AuthorizedSession
from google.cloud import compute_v1, service_usage_v1
from google.oauth2.credentials import Credentials

from sandbox import faults
from tests.polling import until

PROJECT, NUMBER = "sandbox-project", "123456789012"
_numbers = itertools.count()


@dataclass
class Networks:
    """Unmodified clients, and what tests do with them again and again."""

    environment: dict[str, str]
    state: object

    def __post_init__(self):
        self.url = self.environment["VERTEX_NETWORKS_ENDPOINT"]
        credentials = Credentials(token=self.environment["VERTEX_ACCESS_TOKEN"])
        options = {"credentials": credentials, "client_options": {"api_endpoint": self.url}}
        self.networks = compute_v1.NetworksClient(**options)
        self.firewalls = compute_v1.FirewallsClient(**options)
        self.ranges = compute_v1.GlobalAddressesClient(**options)
        self.operations = compute_v1.GlobalOperationsClient(**options)
        self.usage = service_usage_v1.ServiceUsageClient(transport="rest", **options)
        self.session = AuthorizedSession(credentials)

    def fault(self, method, kind, when="before", **how):
        faults.add(self.state, method, kind, when, **how)

    def ended(self, begun):
        """The operation of Compute Engine once it is DONE, however it ended."""

        def look():
            found = self.operations.get(project=PROJECT, operation=begun.name)
            return found if found.status == compute_v1.Operation.Status.DONE else None

        return until(look, f"the end of {begun.name}")

    def network(self):
        """A new network's name."""
        name = f"network-{next(_numbers)}"
        body = {"name": name, "auto_create_subnetworks": True}
        self.ended(self.networks.insert_unary(project=PROJECT, network_resource=body))
        return name

    def range(self, network, prefix_length=20):
        """The name of a new range for peerings in a network."""
        name = f"range-{next(_numbers)}"
        body = {
            "name": name, "address_type": "INTERNAL", "purpose": "VPC_PEERING", "prefix_length": prefix_length,
            "network": f"global/networks/{network}",
        }  # fmt: skip
        self.ended(self.ranges.insert_unary(project=PROJECT, address_resource=body))
        return name

    def networking(self, verb, path="", body=None, **parameters):
        """(status, JSON) of a request to Service Networking, which has no client of its own on PyPI."""
        url = f"{self.url}/v1/services/servicenetworking.googleapis.com/connections{path}"
        answer = self.session.request(verb, url, json=body, params=parameters)
        return answer.status_code, answer.json()

    def connect(self, network, *ranges):
        """Connect a network to Google's services; the operation, once it is done."""
        body = {"network": full(network), "reservedPeeringRanges": list(ranges)}
        status, begun = self.networking("POST", body=body)
        assert status == 200, begun
        return self.done(begun)

    def done(self, begun):
        """The operation of Service Networking once it is done, however it ended."""

        def look():
            found = self.session.get(f"{self.url}/v1/{begun['name']}").json()
            return found if found.get("done") else None

        return until(look, f"the end of {begun['name']}")


def full(network):
    return f"projects/{NUMBER}/global/networks/{network}"


@pytest.fixture
def google(clients):
    """The session's sandbox, its faults cleared afterwards."""
    yield Networks(clients.environment, clients.state)
    faults.clear(clients.state)
