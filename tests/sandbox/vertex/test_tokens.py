"""Whom the gRPC ports of the Vertex stand-in answer: unmodified clients with the made-up account, and its own token."""

import base64
import json
import time
from pathlib import Path

import google.auth.crypt
import google.auth.jwt
import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud import aiplatform_v1 as v1
from google.cloud.aiplatform_v1.services.index_service.transports import IndexServiceGrpcTransport

from sandbox import process, write_log
from sandbox.tls import private_pem
from sandbox.vertex import errors
from sandbox.vertex.options import VertexOptions
from sandbox.vertex.service_account import service_account
from sandbox.vertex.tokens import Tokens
from tests.vertex_channel import channel_to

OWN = "x" * 43


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    return service_account(tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def key(account):
    return json.loads(account.read_text())["private_key"]


@pytest.fixture(scope="module")
def other_key():
    return private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()


def signed(key, **claims):
    now = int(time.time())
    signer = google.auth.crypt.RSASigner.from_string(key, "sandbox")
    whole = {"iss": "sandbox", "sub": "sandbox", "iat": now - 10, "exp": now + 3600, **claims}
    return google.auth.jwt.encode(signer, whole).decode()


def unsigned():
    parts = [{"alg": "none", "typ": "JWT"}, {"iss": "sandbox", "iat": 0, "exp": 2**33}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts) + "."


def test_its_own_token_and_those_of_the_account_are_accepted(account, key):
    tokens = Tokens(OWN, account)
    for accepted in (
        f"Bearer {OWN}",
        f"bearer {OWN}",
        f"Bearer {signed(key)}",
        f"Bearer {signed(key, aud='any')}",
    ):
        tokens.check(accepted)


def test_others_are_refused(account, key, other_key):
    tokens = Tokens(OWN, account)
    good = signed(key)
    wrong = [
        f"Bearer {signed(other_key)}",
        f"Bearer {signed(key, exp=int(time.time()) - 60)}",
        f"Bearer {signed(key, iat=int(time.time()) + 600)}",
        f"Bearer {good[:-5]}",
        f"Bearer {unsigned()}",
        f"Basic {OWN}",
        f"Bearer: {OWN}",
        f"Bearer {OWN[:-1]}",
        "Bearer ",
        "Bearer \xff.\xff.\xff",
        "Bearer a.b.c",
        OWN,
    ]
    for authorization in wrong:
        with pytest.raises(errors.Refusal, match="invalid authentication credentials"):
            tokens.check(authorization)
    with pytest.raises(errors.Refusal, match="missing required authentication credential"):
        tokens.check("")


def test_an_open_sandbox_accepts_whatever_comes(account):
    for authorization in ("", "Bearer x"):
        Tokens("", account).check(authorization)


def listed(channel):
    client = v1.IndexServiceClient(transport=IndexServiceGrpcTransport(channel=channel))
    return list(client.list_indexes(parent="projects/sandbox-project/locations/us-central1", timeout=30))


@pytest.mark.slow
@pytest.mark.parametrize("port", ["VERTEX_API_ENDPOINT", "VERTEX_PLAINTEXT_ENDPOINT"])
@pytest.mark.parametrize("token", [None, "Bearer wrong"])
def test_without_a_token_no_method_reads_or_changes_anything(clients, port, token):
    environment = clients.environment
    if port == "VERTEX_API_ENDPOINT":
        authority = Path(environment["VERTEX_CA_FILE"]).read_bytes()
        channel = grpc.secure_channel(environment[port], grpc.ssl_channel_credentials(authority))
    else:
        channel = grpc.insecure_channel(environment[port])
    metadata = (("authorization", token),) if token else ()
    before = write_log.count(clients.state)
    with channel:
        for method in (
            "google.cloud.aiplatform.v1.IndexService/CreateIndex",
            "google.cloud.aiplatform.v1.IndexService/ListIndexes",
            "google.cloud.aiplatform.v1.IndexEndpointService/DeleteIndexEndpoint",
            "google.cloud.aiplatform.v1.MatchService/FindNeighbors",
            "google.longrunning.Operations/ListOperations",
            "nothing.Nowhere/Get",
        ):
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(f"/{method}")(b"", metadata=metadata, timeout=30)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED, method
    assert write_log.count(clients.state) == before
    with channel_to(environment) as ours:
        listed(ours)


@pytest.mark.slow
def test_an_open_sandbox_announces_no_token_and_asks_for_none(tmp_path):
    options = VertexOptions()
    with process.running(tmp_path, options, without_keys=True) as environment:
        assert "VERTEX_ACCESS_TOKEN" not in environment
        with grpc.insecure_channel(environment["VERTEX_PLAINTEXT_ENDPOINT"]) as channel:
            assert listed(channel) == []
