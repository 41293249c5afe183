"""Attacks on the HTTP stand-ins, typed as an attacker would; each beside the same request as their owner sends it.

A stand-in is a row of the table in stand_ins.py: everything below is tried on each of them.
"""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from sandbox import process, write_log
from tests.sandbox.stand_ins import STAND_INS, StandIn

pytestmark = pytest.mark.slow  # a stand-in of its own


PAGES = {
    "a page": {"Origin": "http://evil.example"},
    "a page in a sandboxed frame": {"Origin": "null"},
    "a page of another port": {"Origin": "http://127.0.0.1:1"},
    "an image or a link": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a page of the stand-in itself": {"Sec-Fetch-Site": "same-origin"},
}
NAMES = ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "10.0.0.1:{port}", ""]


@dataclass
class Attacked:
    """A running stand-in."""

    row: StandIn
    state: object
    address: object
    key: dict

    def ask(self, request, **headers):
        """Send one request with exactly these headers; returns its status."""
        method, path, body = request
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port)
        kind = {"Content-Type": self.row.kind} if body else {}
        connection.request(method, path, body, kind | headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert "access-control-allow-origin" not in answer.headers
        return answer.status

    def gives(self, status, **headers):
        """Whether a read and a change are both answered with this status, and nothing is changed."""
        before = write_log.count(self.state)
        found = {self.ask(request, **headers) for request in (self.row.reads, self.row.changes)}
        return found == {status} and write_log.count(self.state) == before


@pytest.fixture(scope="module", params=STAND_INS)
def stand_in(request, tmp_path_factory):
    row = STAND_INS[request.param]
    state = tmp_path_factory.mktemp(request.param)
    with process.running(state, row.options) as environment:
        yield Attacked(row, state, urlsplit(environment[row.variable]), row.key(environment))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:{port}", "[::1]:1"])
def test_its_owner_reads_and_changes_under_every_name_of_loopback(host, stand_in):
    before = write_log.count(stand_in.state)
    headers = stand_in.key | {"Host": host.format(port=stand_in.address.port)}
    assert stand_in.ask(stand_in.row.reads, **headers) == 200
    assert stand_in.ask(stand_in.row.changes, **headers) in (200, 201)
    assert write_log.count(stand_in.state) == before + 1


def test_a_stranger_without_the_key_reads_and_changes_nothing(stand_in):
    assert stand_in.gives(401)
    (name,) = stand_in.key
    for wrong in ("", stand_in.key[name][:-1], stand_in.key[name].swapcase(), "Basic YWRtaW46cGFzcw=="):
        assert stand_in.gives(401, **{name: wrong})


@pytest.mark.parametrize("with_key", [False, True], ids=["without the key", "with it"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_and_changes_nothing(page, with_key, stand_in):
    assert stand_in.gives(403, **PAGES[page], **(stand_in.key if with_key else {}))


def test_a_page_gets_no_permission_by_asking_first(stand_in):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    assert stand_in.ask(("OPTIONS", stand_in.row.changes[1], b""), **asked) == 403


@pytest.mark.parametrize("with_key", [False, True], ids=["without the key", "with it"])
@pytest.mark.parametrize("host", NAMES)
def test_a_name_that_was_rebound_to_this_machine_reads_and_changes_nothing(host, with_key, stand_in):
    headers = {"Host": host.format(port=stand_in.address.port)}
    assert stand_in.gives(421, **headers, **(stand_in.key if with_key else {}))
