"""The key of the Elasticsearch stand-in: who has none gets nothing, and nobody but its owner gets to see it."""

import stat
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from elasticsearch import AuthenticationException, Elasticsearch

from sandbox import process, write_log
from sandbox.elastic.options import ElasticOptions
from tests.client import client_of

pytestmark = pytest.mark.slow  # servers of their own

CHOSEN = b64encode(b"mine:a-key-that-i-chose").decode()


@pytest.fixture
def start(tmp_path):
    """Starts a stand-in on a folder: `start("state", api_key="x")`; all are stopped at the end."""
    started = []

    def running(folder="state", *, without_keys=False, **options):
        sandbox = process.start(tmp_path / folder, ElasticOptions(**options), without_keys=without_keys)
        started.append(sandbox)
        return sandbox

    yield running
    for each in started:
        each.stop()


WRONG = {
    "none": {},
    "another key": {"api_key": b64encode(b"sandbox:another").decode()},
    "the key's end cut off": {"api_key": "{key}"},
    "a user": {"basic_auth": ("elastic", "changeme")},
    "a token": {"bearer_auth": "token"},
    "no ASCII": {"headers": {"authorization": "ApiKey \xe9"}},
}


@pytest.mark.parametrize("credentials", WRONG)
def test_without_the_right_key_nothing_is_read_or_changed(shared, credentials):
    environment = shared.sandbox.environment
    given = dict(WRONG[credentials])
    if given.get("api_key") == "{key}":
        given["api_key"] = environment["ELASTIC_API_KEY"][:-4]
    before = write_log.count(shared.state)
    with Elasticsearch(environment["ELASTIC_URL"], max_retries=0, **given) as stranger:
        for call in (stranger.info, stranger.cluster.health, lambda: stranger.indices.create(index="mine")):
            with pytest.raises(AuthenticationException) as refused:
                call()
    error = refused.value.body["error"]
    assert refused.value.body["status"] == 401
    assert (error["type"], error["root_cause"][0]["type"]) == ("security_exception", "security_exception")
    assert error["header"]["WWW-Authenticate"] == ['Basic realm="security" charset="UTF-8"', "ApiKey"]
    assert refused.value.meta.headers["WWW-Authenticate"] == 'Basic realm="security" charset="UTF-8", ApiKey'
    assert ("missing authentication credentials" in error["reason"]) == (credentials == "none")
    assert environment["ELASTIC_API_KEY"] not in str(refused.value.body)
    assert write_log.count(shared.state) == before


def test_a_key_is_random_has_the_services_form_and_survives_a_restart(start):
    first, other = start(), start("other")
    key = first.environment["ELASTIC_API_KEY"]
    id_, secret = b64decode(key, validate=True).decode().split(":")
    assert (id_, len(secret)) == ("sandbox", 43)
    assert key != other.environment["ELASTIC_API_KEY"]
    first.kill()
    again = start()
    assert again.environment["ELASTIC_API_KEY"] == key
    with client_of(again.environment) as client:
        assert client.info()["tagline"] == "You Know, for Search"
    with Elasticsearch(
        again.environment["ELASTIC_URL"], headers={"authorization": f"apikey {key}"}
    ) as client:
        assert client.ping(), "the scheme may be written in small letters"


def test_a_chosen_key_takes_its_place_and_is_in_no_argument(start):
    sandbox = start(api_key=CHOSEN)
    assert sandbox.environment["ELASTIC_API_KEY"] == CHOSEN
    with client_of(sandbox.environment) as client:
        assert client.ping()
    assert CHOSEN.encode() not in Path(f"/proc/{sandbox.pid}/cmdline").read_bytes()
    assert CHOSEN not in repr(ElasticOptions(api_key=CHOSEN))
    sandbox.stop()
    assert start().environment["ELASTIC_API_KEY"] != CHOSEN, "it was chosen for one start"


@pytest.mark.parametrize("chosen", ["", CHOSEN])
def test_a_key_is_in_no_log_and_in_no_file_that_others_can_read(start, chosen):
    sandbox = start(api_key=chosen)
    key = sandbox.environment["ELASTIC_API_KEY"]
    with client_of(sandbox.environment) as client:
        client.index(index="films", document={"plot": "x"})
        assert not client.options(headers={"authorization": f"ApiKey {key}x"}).ping()
    secret = b64decode(key).decode().partition(":")[2]
    sandbox.stop()
    assert not (sandbox.state / "sandbox.json").exists()
    holding = [
        file
        for file in sandbox.state.rglob("*")
        if file.is_file() and any(text.encode() in file.read_bytes() for text in (key, secret))
    ]
    assert holding == ([] if chosen else [sandbox.state / "keys" / "elastic"])
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in holding)


def test_open_asks_for_no_key_and_says_so(start):
    sandbox = start(without_keys=True)
    assert "ELASTIC_API_KEY" not in sandbox.environment
    with Elasticsearch(sandbox.environment["ELASTIC_URL"]) as client:
        assert client.info()["tagline"] == "You Know, for Search"
    said = (sandbox.state / "sandbox.log").read_text()
    assert "--open: no stand-in asks for a key. Every program and every user of this machine can" in said


def test_open_contradicts_a_chosen_key(start):
    with pytest.raises(
        process.SandboxError, match="With --open no key is asked for, but an API key was chosen"
    ):
        start(without_keys=True, api_key=CHOSEN)


def test_a_key_file_with_something_else_is_refused_without_showing_it(start):
    sandbox = start()
    sandbox.stop()
    (sandbox.state / "keys" / "elastic").write_text("truncat")
    with pytest.raises(
        process.SandboxError, match=r"keys/elastic holds something else\. Delete it"
    ) as refused:
        start()
    assert "truncat" not in str(refused.value)
