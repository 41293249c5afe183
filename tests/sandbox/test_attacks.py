"""Attacks on the HTTP stand-ins, typed as an attacker would; each beside the same request as their owner sends it.

A stand-in is a row of the table in stand_ins.py: everything below is tried on each of them.
"""

import pytest

from sandbox import process
from tests.sandbox.stand_ins import STAND_INS

pytestmark = pytest.mark.slow  # a stand-in of its own


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
    row, state = STAND_INS[request.param], tmp_path_factory.mktemp(request.param)
    with process.running(state, row.options) as environment:
        yield row.of(state, environment)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:{port}", "[::1]:1"])
def test_its_owner_reads_and_changes_under_every_name_of_loopback(host, stand_in):
    before = stand_in.writes
    headers = stand_in.key | {"Host": host.format(port=stand_in.address.port)}
    assert stand_in.ask(stand_in.row.reads, **headers) == 200
    assert stand_in.ask(stand_in.row.changes, **headers) in (200, 201)
    assert stand_in.writes == before + 1


def test_a_stranger_without_the_key_reads_and_changes_nothing(stand_in):
    assert stand_in.gives(stand_in.row.refuses, prefix="")
    for name, value in stand_in.key.items():
        for wrong in ("", value[:-1], value.swapcase(), "Basic YWRtaW46cGFzcw=="):
            assert stand_in.gives(stand_in.row.refuses, **{name: wrong})
    for prefix in {stand_in.address.path[:-1], stand_in.address.path.swapcase()} - {stand_in.address.path}:
        assert stand_in.gives(stand_in.row.refuses, prefix=prefix)


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
