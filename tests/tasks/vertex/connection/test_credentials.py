"""Credentials that expired look like an outage to gRPC; nobody is left waiting for that to pass."""

from __future__ import annotations

import google.auth
import grpc
import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request
from google.cloud import aiplatform_v1
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport

from tasks.calls import ServiceUnwell
from tasks.errors import InvalidInput
from tasks.vertex.connection.credentials import credentials
from tasks.vertex.connection.errors import calling


class Login(Credentials):
    """Credentials without a token, whose renewal ends as told."""

    def __init__(self, trouble=None):
        super().__init__()
        self.trouble = trouble

    def refresh(self, request):
        del request
        if self.trouble:
            raise self.trouble
        self.token = "new"


@pytest.fixture
def in_use(monkeypatch):
    """Makes credentials those of the process: `in_use(Login())`."""

    def use(login):
        monkeypatch.setattr(google.auth, "default", lambda **_: (login, "project"))
        return credentials()

    credentials.cache_clear()
    yield use
    credentials.cache_clear()


def unavailable():
    with calling("read index products"):
        raise ServiceUnavailable("Getting metadata from plugin failed")


def test_expired_credentials_are_told_when_a_call_finds_nobody(in_use):
    in_use(Login(RefreshError("invalid_grant: Token has been expired or revoked.")))
    with pytest.raises(InvalidInput, match=r"read index products.*invalid_grant.*application-default login"):
        unavailable()


@pytest.mark.parametrize(
    "login",
    [Login(), Login(TransportError("no route")), Login(RefreshError("503", retryable=True))],
    ids=["renewed", "nobody to ask", "an outage of the token server"],
)
def test_an_outage_stays_an_outage(login, in_use):
    in_use(login)
    with pytest.raises(ServiceUnwell):
        unavailable()


def test_where_no_credentials_are_in_use_none_are_looked_for(in_use, monkeypatch):
    del in_use
    monkeypatch.setattr(google.auth, "default", lambda **_: pytest.fail("looked for credentials"))
    with pytest.raises(ServiceUnwell):
        unavailable()


def test_a_real_channel_without_a_token_ends_in_the_same_sentence(in_use, settings):
    login = in_use(Login(RefreshError("invalid_grant")))
    trust = grpc.ssl_channel_credentials(settings.ca_file.read_bytes())
    asks = grpc.metadata_call_credentials(AuthMetadataPlugin(login, Request()))
    channel = grpc.secure_channel(settings.api_endpoint, grpc.composite_channel_credentials(trust, asks))
    client = aiplatform_v1.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=channel))
    with (
        channel,
        pytest.raises(InvalidInput, match="no usable Google credentials"),
        calling("list the indexes"),
    ):
        client.list_indexes(parent=settings.parent, timeout=30)
