"""Which protocol a connection speaks, told from what real clients send first."""

import socket
import ssl
import time

import grpc
import httpx
import pytest
from google.cloud import aiplatform_v1 as v1
from google.cloud.aiplatform_v1.services.match_service.transports import MatchServiceGrpcTransport

from sandbox.vertex.wire.first_bytes import is_grpc
from tests.vertex_channel import channel_to


def hello(*protocols):
    """The ClientHello of OpenSSL with these protocols."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(arriving, leaving, server_hostname="localhost").do_handshake()
    return leaving.read()


@pytest.mark.parametrize(
    ("protocols", "expected"),
    [
        (["h2"], True),
        (["grpc-exp", "h2"], True),
        (["h2", "http/1.1"], False),
        (["http/1.1"], False),
        ([], False),
    ],
    ids=["gRPC", "an older gRPC", "curl", "requests", "Python's http.client"],
)
def test_a_client_with_tls_is_known_by_what_it_offers(protocols, expected):
    whole = hello(*protocols)
    assert is_grpc(whole, tls=True) is expected
    assert {is_grpc(whole[:size], tls=True) for size in range(len(whole))} == {None}


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00", True),
        (b"PRI * HT", None),
        (b"POST /v1", False),
        (b"P", None),
        (b"GET / HTTP/1.1", False),
    ],
)
def test_a_client_without_tls_is_known_by_its_first_line(first, expected):
    assert is_grpc(first, tls=False) is expected


@pytest.mark.parametrize("cut", [0x2C, 0x40, 0x60])
def test_a_hello_that_ends_early_is_nobodys(cut):
    whole = hello("h2")
    damaged = whole[:3] + cut.to_bytes(2, "big") + whole[5 : 5 + cut]
    assert is_grpc(damaged, tls=True) is False


@pytest.mark.parametrize("variable", ["VERTEX_API_ENDPOINT", "VERTEX_PLAINTEXT_ENDPOINT"])
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", b"\x00" * 64, b"GET"], ids=repr)
def test_a_connection_that_says_nothing_of_use_disturbs_nobody(clients, variable, sent):
    host, port = clients.environment[variable].split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.sendall(sent)
        assert list(clients.indexes.list_indexes(parent=clients.parent, timeout=10)) is not None


def test_one_port_answers_both_protocols_at_the_same_time(clients):
    port = clients.environment["VERTEX_PLAINTEXT_ENDPOINT"]
    call = "/google.cloud.aiplatform.v1.IndexService/ListIndexes"
    request = v1.ListIndexesRequest.serialize(v1.ListIndexesRequest(parent=clients.parent))
    token = {"authorization": f"Bearer {clients.environment['VERTEX_ACCESS_TOKEN']}"}
    with grpc.insecure_channel(port) as channel, httpx.Client(headers=token) as http:
        for _ in range(5):
            waiting = channel.unary_unary(call).future(request, timeout=10, metadata=list(token.items()))
            assert http.get(f"http://{port}/v1/{clients.parent}/indexes").status_code == 200
            waiting.result()


def test_a_large_message_passes_whole_in_both_directions(clients):
    channel = channel_to(clients.environment, options=[("grpc.max_receive_message_length", -1)])
    match = v1.MatchServiceClient(transport=MatchServiceGrpcTransport(channel=channel))
    index = clients.index(768)
    points = [{"datapoint_id": str(row), "feature_vector": [row % 7 + 0.25] * 768} for row in range(2000)]
    clients.indexes.upsert_datapoints(request={"index": index, "datapoints": points}, timeout=60)
    endpoint, deployed = clients.public(index)
    request = {
        "index_endpoint": endpoint,
        "deployed_index_id": deployed,
        "ids": [str(row) for row in range(2000)],
    }
    read = match.read_index_datapoints(request=request, timeout=60).datapoints
    assert [each.datapoint_id for each in read] == request["ids"]
    assert read[1999].feature_vector[767] == 1999 % 7 + 0.25


@pytest.mark.slow
def test_a_stopped_sandbox_hangs_up_on_both(fresh):
    sandbox = fresh()
    address = sandbox.environment["VERTEX_PLAINTEXT_ENDPOINT"]
    host, port = address.split(":")
    with grpc.insecure_channel(address) as channel, socket.create_connection((host, int(port))) as http:
        grpc.channel_ready_future(channel).result(10)
        http.sendall(b"GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert http.recv(100)
        started = time.monotonic()
        assert sandbox.stop() == 0
        assert time.monotonic() - started < 10
        http.settimeout(5)
        while http.recv(4096):
            pass
