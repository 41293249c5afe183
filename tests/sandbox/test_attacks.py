"""Attacks on the HTTP stand-ins, typed as an attacker would; each beside the same request as their owner sends it.

A stand-in is a row of STAND_INS: everything below is tried on each of them.
"""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from sandbox import process, write_log
from sandbox.elastic.options import ElasticOptions

pytestmark = pytest.mark.slow  # a stand-in of its own


@dataclass(frozen=True)
class StandIn:
    """One HTTP stand-in: how to start it, where it answers, and a read and a change for which it is enough to get in."""

    options: object
    variable: str
    """The variable that holds its address."""
    reads: tuple[str, str, bytes]
    changes: tuple[str, str, bytes]
    kind: str = "application/json"


STAND_INS = {
    "elastic": StandIn(
        ElasticOptions(),
        "ELASTIC_URL",
        reads=("GET", "/", b""),
        changes=("POST", "/films/_doc", b'{"plot": "a change"}'),
    )
}
PAGES = {
    "a page": {"Origin": "http://evil.example"},
    "a page in a sandboxed frame": {"Origin": "null"},
    "a page of another port": {"Origin": "http://127.0.0.1:1"},
    "an image or a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a page of the stand-in itself": {"Sec-Fetch-Site": "same-origin"},
}
NAMES = ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "10.0.0.1:{port}", ""]


@pytest.fixture(scope="module", params=STAND_INS)
def stand_in(request, tmp_path_factory):
    """A running stand-in; `stand_in.ask(("GET", "/", b""), Origin="null")` sends one request and returns its status and body."""
    chosen = STAND_INS[request.param]
    state = tmp_path_factory.mktemp(request.param)
    with process.running(state, chosen.options) as environment:
        yield Asked(chosen, state, urlsplit(environment[chosen.variable]))


@dataclass
class Asked:
    stand_in: StandIn
    state: object
    address: object

    def ask(self, request, **headers):
        method, path, body = request
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port)
        kind = {"Content-Type": self.stand_in.kind} if body else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, kind | named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert "access-control-allow-origin" not in answer.headers
        return answer.status, content

    def writes(self):
        return write_log.count(self.state)


def test_its_owner_reads_and_changes(stand_in):
    before = stand_in.writes()
    for host in ("127.0.0.1", "localhost", f"localhost:{stand_in.address.port}", "[::1]:1"):
        assert stand_in.ask(stand_in.stand_in.reads, Host=host)[0] == 200
        assert stand_in.ask(stand_in.stand_in.changes, Host=host)[0] in (200, 201)
    assert stand_in.writes() == before + 4


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_and_changes_nothing(page, stand_in):
    before = stand_in.writes()
    for request in (stand_in.stand_in.reads, stand_in.stand_in.changes):
        status, body = stand_in.ask(request, **PAGES[page])
        assert (status, json.loads(body)["status"]) == (403, 403)
    assert stand_in.writes() == before


def test_a_page_gets_no_permission_by_asking_first(stand_in):
    path = stand_in.stand_in.changes[1]
    status, _ = stand_in.ask(
        ("OPTIONS", path, b""), Origin="http://evil.example", Access_Control_Request_Method="POST"
    )
    assert status == 403


@pytest.mark.parametrize("host", NAMES)
def test_a_name_that_was_rebound_to_this_machine_reads_and_changes_nothing(host, stand_in):
    before = stand_in.writes()
    host = host.format(port=stand_in.address.port)
    for request in (stand_in.stand_in.reads, stand_in.stand_in.changes):
        assert stand_in.ask(request, Host=host)[0] == 421
    assert stand_in.writes() == before
