"""The preconditions, asked of a real HTTP server on loopback in Google's place."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError

from tasks.vertex.connection.errors import calling
from tasks.vertex.connection.google_rest import Addresses
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.resources import preconditions
from tasks.vertex.resources.preconditions import APIS, read_preconditions
from tasks.vertex.settings import VertexSettings

PROJECT = "my-project"
NETWORK = "projects/12/global/networks/vectors"


class Google:
    """Answers as Google's REST services do; what is enabled and there is data."""

    def __init__(self):
        self.enabled, self.peerings, self.machine, self.status = (
            set(APIS),
            [{"reservedPeeringRanges": ["r1"]}],
            {},
            200,
        )
        self.asked = []
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, kind, body = google.answer(self.path)
                self.send_response(status)
                self.send_header("Metadata-Flavor", kind)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}"
        self.addresses = Addresses(*(f"{url}/{name}" for name in ("usage", "networking", "metadata")))

    def answer(self, path):
        parts = urlsplit(path)
        self.asked.append(parts.path)
        service, _, rest = parts.path.lstrip("/").partition("/")
        if service == "metadata":
            found = self.machine.get(rest.removeprefix("computeMetadata/v1/instance/"))
            return (200, "Google", found.encode()) if found else (404, "Google", b"")
        if self.status != 200:
            return self.status, "", json.dumps({"error": {"message": "not for you"}}).encode()
        if service == "usage":
            names = parse_qs(parts.query)["names"]
            states = [
                {"name": n, "state": "ENABLED" if n.rpartition("/")[2] in self.enabled else "DISABLED"}
                for n in names
            ]
            return 200, "", json.dumps({"services": states}).encode()
        assert parse_qs(parts.query) == {"network": [NETWORK]}
        return 200, "", json.dumps({"connections": self.peerings} if self.peerings else {}).encode()


@pytest.fixture
def google():
    google = Google()
    yield google
    google.server.shutdown()
    google.server.server_close()


@pytest.fixture
def mine(settings):
    """Settings of a real project whose Vertex AI and Cloud Storage are the sandbox's."""
    return VertexSettings(
        project=PROJECT,
        location="us-central1",
        network=NETWORK,
        storage_endpoint=settings.storage_endpoint,
        bucket="no-such-bucket",
    )


@pytest.fixture
def check(google, monkeypatch):
    # The official client reaches its own host over TLS only, so the call to Vertex AI itself is the sandbox's test.
    monkeypatch.setattr(
        preconditions, "_answers", lambda _: preconditions.Finding(what="x", state="ok", seen="x")
    )

    def look(mine, kind="vpc"):
        found = read_preconditions.fn(mine, kind, addresses=google.addresses, login=requests.Session)
        return {finding.what: finding for finding in found}

    return look


def test_with_everything_there_nothing_is_in_the_way(check, google, mine):
    google.machine = {
        "network-interfaces/0/network": "projects/12/networks/vectors",
        "zone": "projects/12/zones/us-central1-b",
    }
    found = check(mine)
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["network peered with Google's services"].seen == f"{NETWORK} through r1"
    assert "a build creates it" in found["bucket in the index's region"].seen


def test_an_api_that_is_off_comes_with_the_command_that_enables_it(check, google, mine):
    google.enabled = {"compute.googleapis.com"}
    found = check(mine)
    off = found["API aiplatform.googleapis.com enabled"]
    assert (off.state, off.is_in_the_way) == ("missing", True)
    assert off.command == "gcloud services enable aiplatform.googleapis.com --project=my-project"
    assert found["API servicenetworking.googleapis.com enabled"].state == "missing"
    assert check(mine, "public")["API servicenetworking.googleapis.com enabled"].state == "not needed"


@pytest.mark.parametrize("status", [403, 503])
def test_what_cannot_be_read_is_unknown_and_no_exception(check, google, mine, status):
    google.status = status
    found = check(mine)
    for what in ("API compute.googleapis.com enabled", "network peered with Google's services"):
        assert (found[what].state, f"{status}: not for you" in found[what].seen) == ("unknown", True)


def test_a_network_without_peering_comes_with_the_commands_that_peer_it(check, google, mine):
    google.peerings = []
    finding = check(mine)["network peered with Google's services"]
    assert finding.state == "missing"
    assert "--purpose=VPC_PEERING" in finding.command
    assert (
        "vpc-peerings connect --service=servicenetworking.googleapis.com --network=vectors" in finding.command
    )


@pytest.mark.parametrize("network", [None, "vectors", "projects/my-project/global/networks/vectors"])
def test_a_network_that_a_build_would_refuse_is_in_the_way_with_the_form_that_it_wants(check, mine, network):
    unset = check(mine.model_copy(update={"network": network}))["network peered with Google's services"]
    number = "$(gcloud projects describe my-project --format='value(projectNumber)')"
    wanted = f"export VERTEX_NETWORK=projects/{number}/global/networks/NAME"
    assert (unset.state, unset.command) == ("missing", wanted)


@pytest.mark.parametrize(
    ("machine", "state", "seen"),
    [
        ({}, "unknown", "not a Google Cloud machine"),
        (
            {"network-interfaces/0/network": "n/default", "zone": "z/us-central1-a"},
            "missing",
            "network default",
        ),
        (
            {"network-interfaces/0/network": "n/vectors", "zone": "z/europe-west4-a"},
            "missing",
            "region europe-west4",
        ),
    ],
    ids=["elsewhere", "another network", "another region"],
)
def test_a_machine_outside_the_network_or_region_is_told(check, google, mine, machine, state, seen):
    google.machine = machine
    finding = check(mine)["this machine in the network and region"]
    assert (finding.state, seen in finding.seen) == (state, True)
    assert check(mine, "public")["this machine in the network and region"].state == "not needed"
    assert check(mine, "private-service-connect")["this machine in the network and region"].state == "unknown"


def test_without_credentials_the_first_finding_says_how_to_log_in(google, mine, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    first, *others = read_preconditions.fn(mine, "vpc", addresses=google.addresses)
    assert (first.what, first.state) == ("Google credentials", "missing")
    assert first.command == "gcloud auth application-default login"
    assert {finding.state for finding in others} == {"unknown"}
    assert not [path for path in google.asked if not path.startswith("/metadata")]


def refused_by_an_outage():
    refused = RefreshError("no route to the metadata server")
    refused.__cause__ = TransportError()
    return refused


@pytest.mark.parametrize(
    "outage",
    [
        TransportError("no route to oauth2.googleapis.com"),
        RefreshError("no route to oauth2.googleapis.com: 503", retryable=True),
        refused_by_an_outage(),
    ],
    ids=["transport", "retryable", "outage as cause"],
)
def test_without_a_connection_nobody_is_told_to_log_in(outage, google, mine):
    def away():
        with calling("log in"):
            raise outage from outage.__cause__

    first, *others = read_preconditions.fn(mine, addresses=google.addresses, login=away)
    assert (first.what, first.state, first.command) == ("Google credentials", "unknown", "")
    assert "no route to" in first.seen
    assert {finding.state for finding in others} <= {"unknown", "not needed"}


def test_a_bucket_in_another_region_is_in_the_way(check, mine):
    bucket = mine.model_copy(update={"bucket": "bucket-of-preconditions"})
    ensure_bucket.fn(bucket)
    assert check(bucket)["bucket in the index's region"].state == "ok"
    finding = check(bucket.model_copy(update={"location": "europe-west4"}))["bucket in the index's region"]
    assert (finding.state, finding.command) == ("missing", "export VERTEX_BUCKET=ANOTHER_NAME")


def test_of_a_sandbox_only_what_it_has_is_looked_at(settings):
    found = read_preconditions.fn(settings, "vpc")
    assert [finding.state for finding in found[:2]] == ["ok", "ok"]
    assert {finding.seen for finding in found[2:]} == {"not needed in the sandbox"}
    away = settings.model_copy(update={"api_endpoint": "localhost:1"})
    assert read_preconditions.fn(away)[0].state == "unknown"
