"""Over TLS, by Cloud id, with somebody else at the address or nobody."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from elasticsearch import BadRequestError

from sandbox.tls import identity
from tasks.calls import ServiceUnwell
from tasks.elastic.cluster.cluster import read_cluster
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import NotElasticsearch
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def tls(settings, tmp_path_factory):
    """The stand-in behind TLS, as a real cluster is: (port, certificate authority), with the key of `settings`."""
    files = identity(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    backend = urlsplit(settings.url)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                threading.Thread(target=forward, args=(raw,), daemon=True).start()

    def forward(raw):
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(raw, server_side=True) as near,
            socket.create_connection((backend.hostname, backend.port)) as far,
        ):
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
            pump(near, far)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], files.ca
    listener.close()


@pytest.fixture
def stranger():
    """The address of a server that is not Elasticsearch."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_cluster_answers_over_tls_with_its_own_authority(tls, settings):
    port, authority = tls
    found = read_cluster.fn(
        ElasticSettings(url=f"https://127.0.0.1:{port}", ca_file=authority, api_key=settings.api_key)
    )
    assert found.name == "sandbox"


def test_a_cluster_answers_by_the_fingerprint_of_its_certificate_and_by_no_other(tls, settings):
    port, _ = tls
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))
    digest = hashlib.sha256(certificate).hexdigest().upper()
    there = {"url": f"https://127.0.0.1:{port}", "api_key": settings.api_key}
    spelled = ":".join(digest[place : place + 2] for place in range(0, 64, 2))
    found = read_cluster.fn(ElasticSettings(**there, ca_fingerprint=spelled))
    assert found.name == "sandbox"
    with pytest.raises(InvalidInput, match=r"not trusted.*ELASTIC_CA_FINGERPRINT"):
        read_cluster.fn(ElasticSettings(**there, ca_fingerprint="0" * 64))


def test_a_node_that_does_not_answer_leaves_the_others_to_ask(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    both = ElasticSettings(url=f"{gone}, {settings.url}", api_key=settings.api_key)
    assert both.addresses == (gone, settings.url)
    for _ in range(3):  # the step's retries, which go on with the node that answers
        with contextlib.suppress(ServiceUnwell):
            assert read_cluster.fn(both).name == "sandbox"
            break
    assert read_cluster.fn(both).name == "sandbox"


def test_a_path_before_the_cluster_is_kept(settings):
    client = connect(ElasticSettings(url=f"{settings.url}/search/", api_key=settings.api_key))
    with pytest.raises(BadRequestError, match="/search"):
        client.perform_request("GET", "/_license")


def test_a_cluster_answers_by_its_cloud_id(tls, settings):
    port, authority = tls
    # A Cloud id names a domain with its port, and the cluster's part of the host name before it.
    cloud_id = "name:" + base64.b64encode(f"0.0.1:{port}$127$".encode()).decode()
    found = ElasticSettings(cloud_id=cloud_id, ca_file=authority, api_key=settings.api_key)
    assert read_cluster.fn(found).name == "sandbox"


def test_a_certificate_that_is_not_trusted_says_which_setting_trusts_it(tls):
    port, _ = tls
    with pytest.raises(InvalidInput, match=r"not trusted.*ELASTIC_CA_FILE"):
        read_cluster.fn(ElasticSettings(url=f"https://127.0.0.1:{port}"))


def test_a_file_without_an_authority_is_named(tls, tmp_path):
    port, _ = tls
    for wrong in (tmp_path / "absent.pem", Path(__file__)):
        with pytest.raises(InvalidInput, match=rf"{wrong.name}.*ELASTIC_CA_FILE"):
            read_cluster.fn(ElasticSettings(url=f"https://127.0.0.1:{port}", ca_file=wrong))


def test_tls_to_a_cluster_without_it_says_to_leave_it_out(settings):
    with pytest.raises(InvalidInput, match="begin ELASTIC_URL with http://"):
        read_cluster.fn(ElasticSettings(url=settings.url.replace("http://", "https://")))


def test_no_tls_to_a_cluster_with_it_says_to_use_it(tls):
    port, _ = tls
    with pytest.raises(ServiceUnwell, match="with https where it speaks TLS"):
        read_cluster.fn(ElasticSettings(url=f"http://127.0.0.1:{port}"))


def test_somebody_else_at_the_address_is_not_taken_for_a_cluster(stranger):
    with pytest.raises(NotElasticsearch, match="not Elasticsearch"):
        read_cluster.fn(ElasticSettings(url=stranger))
