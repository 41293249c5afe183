"""The clients of Compute Engine and Service Usage, and a session for Service Networking, which has none on PyPI.

All three speak HTTP with JSON, so that a sandbox needs no certificate of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import requests
from google.auth.credentials import AnonymousCredentials
from google.auth.credentials import Credentials as AnyCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import compute_v1, service_usage_v1
from google.oauth2.credentials import Credentials

from tasks.errors import InvalidInput
from tasks.vertex.connection.credentials import credentials
from tasks.vertex.connection.google_rest import GOOGLE, Addresses
from tasks.vertex.settings import VertexSettings


@dataclass(frozen=True)
class NetworkClients:
    """The clients of one target, each made at first use."""

    settings: VertexSettings

    @cached_property
    def networks(self) -> compute_v1.NetworksClient:
        """VPC networks."""
        return compute_v1.NetworksClient(**self._options)

    @cached_property
    def firewalls(self) -> compute_v1.FirewallsClient:
        """Firewall rules."""
        return compute_v1.FirewallsClient(**self._options)

    @cached_property
    def ranges(self) -> compute_v1.GlobalAddressesClient:
        """Global addresses, ranges for peerings among them."""
        return compute_v1.GlobalAddressesClient(**self._options)

    @cached_property
    def addresses(self) -> compute_v1.AddressesClient:
        """Regional addresses."""
        return compute_v1.AddressesClient(**self._options)

    @cached_property
    def forwarding_rules(self) -> compute_v1.ForwardingRulesClient:
        """Regional forwarding rules."""
        return compute_v1.ForwardingRulesClient(**self._options)

    # An ExtendedOperation of the other clients polls Google's own host, whatever their api_endpoint is (1.57).

    @cached_property
    def global_operations(self) -> compute_v1.GlobalOperationsClient:
        """Operations on networks, firewall rules and ranges."""
        return compute_v1.GlobalOperationsClient(**self._options)

    @cached_property
    def region_operations(self) -> compute_v1.RegionOperationsClient:
        """Operations on regional addresses and forwarding rules."""
        return compute_v1.RegionOperationsClient(**self._options)

    @cached_property
    def service_usage(self) -> service_usage_v1.ServiceUsageClient:
        """Which APIs are enabled."""
        return service_usage_v1.ServiceUsageClient(transport="rest", **self._options)

    @cached_property
    def session(self) -> requests.Session:
        """For what is read and sent without a client library."""
        return AuthorizedSession(self._credentials)

    @property
    def addresses_of_services(self) -> Addresses:
        """Where Service Networking answers."""
        own = self._own_endpoint
        return Addresses(service_usage=own, service_networking=own) if own else GOOGLE

    @property
    def _own_endpoint(self) -> str | None:
        own = self.settings.networks_endpoint
        if own is None and self.settings.is_sandbox:
            # Never Google's: its token is not theirs.
            raise InvalidInput(
                "This sandbox has no stand-in of networks: it announces no VERTEX_NETWORKS_ENDPOINT",
                remedy="Start it again with this version of the project.",
            )
        return own

    @property
    def _options(self) -> dict[str, Any]:
        own = self._own_endpoint
        return {
            "credentials": self._credentials,
            **({"client_options": {"api_endpoint": own}} if own else {}),
        }

    @property
    def _credentials(self) -> AnyCredentials:
        if not self.settings.is_sandbox:
            return credentials()
        token = self.settings.access_token
        return Credentials(token=token.get_secret_value()) if token else AnonymousCredentials()


@cache
def connect_networks(settings: VertexSettings) -> NetworkClients:
    """The clients of these settings, the same ones every time in this process."""
    return NetworkClients(settings)
