"""Credentials that expired look like an outage to gRPC; nobody is left waiting for that to pass."""

from __future__ import annotations

import json
import traceback

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
from tasks.redaction import HIDDEN, redacted
from tasks.vertex.connection.credentials import credentials, find_credentials
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


PLANTED = "planted-secret-of-the-file"
DAMAGED = {
    "no JSON": f'{{"type": "authorized_user", "refresh_token": "{PLANTED}"',
    "an unknown type": json.dumps({"type": PLANTED}),
    "a field too few": json.dumps({"type": "authorized_user", "refresh_token": PLANTED}),
    "no key": json.dumps({"type": "service_account", "client_email": "a@b", "token_uri": "c", "private_key": PLANTED}),
    "no object": json.dumps([PLANTED]),
    "no text": json.dumps({"type": "service_account", "client_email": PLANTED, "token_uri": "c", "private_key": 7}),
    "nested too deeply": "[" * 100_000,
    "another encoding": f"\udce9{PLANTED}",
}  # fmt: skip


@pytest.fixture
def no_login(monkeypatch, tmp_path):
    """Nobody has logged in on this machine, whose gcloud keeps its settings in a folder of the test."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    return tmp_path / "application_default_credentials.json"


@pytest.mark.parametrize("named", [False, True], ids=["of gcloud", "of the variable"])
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_credentials_file_is_named_and_never_quoted(no_login, monkeypatch, content, named):
    no_login.write_text(content, errors="surrogateescape")
    if named:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(no_login))
    with pytest.raises(InvalidInput, match=f"No Google credentials can be read .*{no_login}") as told:
        find_credentials()
    said = "".join(traceback.format_exception(told.value))
    assert PLANTED not in said
    assert ("GOOGLE_APPLICATION_CREDENTIALS" in said) == named


def test_without_any_login_the_way_to_log_in_is_told(no_login):
    assert not no_login.exists()
    with pytest.raises(InvalidInput, match="gcloud auth application-default login"), calling("log in"):
        find_credentials()


def test_the_secrets_of_a_good_credentials_file_are_hidden_from_every_text(no_login):
    held = {"type": "authorized_user", "client_id": "id", "client_secret": f"{PLANTED}-1", "refresh_token": f"{PLANTED}-2"}  # fmt: skip
    no_login.write_text(json.dumps(held))
    assert find_credentials().refresh_token == f"{PLANTED}-2"
    key = f"-----BEGIN PRIVATE KEY-----\n{PLANTED}-3\n{PLANTED}-4\n-----END PRIVATE KEY-----\n"
    source = {"type": "service_account", "private_key": key}
    no_login.write_text(json.dumps({"type": "impersonated_service_account", "source_credentials": source}))
    with pytest.raises(InvalidInput):
        find_credentials()
    shown = str(ValueError(f"could not post {PLANTED}-1 and {PLANTED}-2 with the line {PLANTED}-4"))
    assert redacted(shown) == f"could not post {HIDDEN} and {HIDDEN} with the line {HIDDEN}"
