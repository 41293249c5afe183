"""Marked secrets, malformed in every way, in every setting: nothing that is written shows one, Prefect's database included."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.elastic.options import ElasticOptions
from tasks.elastic.settings import elastic_settings
from tests.client import VERSION
from tests.flows.stand_ins import StandIn

pytestmark = pytest.mark.slow

ELASTIC = ("elastic", "check", "--target", "elastic")
SEARCH = ("elastic", "search", "--name", "no-such-index", "--text", "x", "--target", "elastic")
PLANTED = ".env"
"""The only file that may show a secret."""
VERTEX = ("vertex", "check", "--target", "google-cloud")


class Quoting(BaseHTTPRequestHandler):
    """A server that passes for Elasticsearch and refuses everything with the credentials in its answer."""

    def do_GET(self):
        said = self.headers.get("Authorization", "")
        scheme, _, value = said.partition(" ")
        plain = base64.b64decode(value).decode() if scheme == "Basic" else value
        reason = f"refused: {said} {plain} {plain!r} {base64.b64encode(plain.encode()).decode()}"
        body = json.dumps({"error": {"type": "quoting", "reason": reason}, "status": 400}).encode()
        self.send_response(400, "Refused")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 -- the names that http.server looks for

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def quoting():
    with ThreadingHTTPServer(("127.0.0.1", 0), Quoting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def mark():
    return f"MARK{uuid.uuid4().hex}"


def forms(mark):
    """The mark as it may be written: as it is, or within base64 at each of the three offsets; other encodings leave it."""
    yield mark.encode()
    for before in range(3):
        yield base64.b64encode(b"x" * before + mark.encode())[4:-4]


def places(mark, *folders):
    """The files that show the mark."""
    found = []
    for folder in folders:
        for file in (each for each in folder.rglob("*") if each.is_file() and each.name != PLANTED):
            content = file.read_bytes()
            found += [str(file) for form in forms(mark) if form in content]
    return found


@pytest.fixture
def ends(begin, stack, command_line, home, mark):
    """Runs a command with --debug to the end, and looks through everything that was written."""

    def run(service, *words, code, said="", **environment):
        command = begin(service, *words, "--debug", **environment)
        assert command.code == code, command.err
        assert said in command.err + command.out, command.err
        assert places(mark, stack.home, command_line.folder, home) == []
        return command

    return run


KEYS = {
    "line end": ("{}\r\n", "refused:"),
    "line end within": ("{}\r\n{}", "ELASTIC_API_KEY"),
    "blank within": ("a {}", "ELASTIC_API_KEY"),
    "letter outside of latin-1": ("{}\u20ac", "ELASTIC_API_KEY"),
    "letter of latin-1": ("{}\u00e9", "ELASTIC_API_KEY"),
    "half a surrogate": ("{}\udcff", "ELASTIC_API_KEY"),
    "byte order mark": ("\ufeff{}", "refused:"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_malformed_key_is_stripped_or_refused(ends, quoting, mark, kind):
    value, said = KEYS[kind]
    ends(
        None, *SEARCH, code=1 if said == "refused:" else 2, said=said,
        ELASTIC_URL=quoting, ELASTIC_API_KEY=value.format(mark, mark),
    )  # fmt: skip


def test_a_password_that_the_server_quotes_is_hidden(ends, quoting, mark):
    ends(
        None, *SEARCH, code=1, said="refused:",
        ELASTIC_URL=quoting, ELASTIC_USERNAME="somebody", ELASTIC_PASSWORD=f"{mark}\u00e9 %/\r\n",
    )  # fmt: skip


SETTINGS = {
    "control character in the password": {
        "ELASTIC_URL": "http://127.0.0.1:1", "ELASTIC_USERNAME": "u", "ELASTIC_PASSWORD": "{}\x07",
    },
    "password as a name": {
        "ELASTIC_URL": "http://127.0.0.1:1", "ELASTIC_USERNAME": "u:{}", "ELASTIC_PASSWORD": "x",
    },
    "password in an address without a scheme": {"ELASTIC_URL": "user:{}@host:9200"},
    "password in an address": {"ELASTIC_URL": "https://user:{}@host:9200"},
    "key in an address": {"ELASTIC_URL": "https://host:9200/?api_key={}"},
    "key for an address": {"ELASTIC_URL": "{}"},
    "key for a Cloud id": {"ELASTIC_CLOUD_ID": "{}"},
    "two credentials": {"ELASTIC_URL": "https://h:1", "ELASTIC_API_KEY": "{}", "ELASTIC_USERNAME": "u", "ELASTIC_PASSWORD": "{}"},
    "content of the CA file": {"ELASTIC_URL": "https://h:1", "ELASTIC_CA_FILE": "-----BEGIN PRIVATE KEY-----\n{}\n"},
}  # fmt: skip


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_secret_in_the_wrong_place_is_refused(ends, mark, kind):
    settings = {name: value.format(mark) for name, value in SETTINGS[kind].items()}
    ends(None, *ELASTIC, code=2, said="ELASTIC_", **settings)


def test_google_credentials_in_place_of_their_file_are_refused(ends, mark):
    ends(
        None, *VERTEX, code=1, said="Google credentials", VERTEX_PROJECT="p", VERTEX_LOCATION="l",
        GOOGLE_APPLICATION_CREDENTIALS=json.dumps({"type": "service_account", "private_key": mark}),
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        '{{"private_key": "{}"',
        '{{"type": "{}"}}',
        '{{"type": "service_account", "private_key": "{}", "client_email": "a@b", "token_uri": "http://127.0.0.1:1"}}',
    ],
    ids=["no JSON", "another type", "no key"],
)
def test_a_damaged_file_of_google_credentials_is_not_quoted(ends, mark, tmp_path, content):
    file = tmp_path / "credentials.json"
    file.write_text(content.format(mark))
    ends(
        None, *VERTEX, code=1, said="Google credentials", VERTEX_PROJECT="p", VERTEX_LOCATION="l", GOOGLE_APPLICATION_CREDENTIALS=str(file)
    )  # fmt: skip


def test_a_malformed_token_is_refused(ends, mark):
    ends(
        None, *VERTEX, code=2, said="VERTEX_JWT", VERTEX_PROJECT="p", VERTEX_LOCATION="l",
        VERTEX_JWT=f"{mark}\n{mark}",
    )  # fmt: skip


def test_a_malformed_env_file_is_not_quoted(ends, command_line, mark):
    env = command_line.folder / PLANTED
    env.write_text(f'ELASTIC_URL=https://h:1\nELASTIC_API_KEY="{mark}\\nx"\n')
    try:
        ends(None, *ELASTIC, code=2, said=".env")
    finally:
        env.unlink()


def test_prefects_own_secrets_are_hidden(ends, mark):
    ends(
        None, *ELASTIC, code=1, said="does not answer",
        PREFECT_API_URL=f"http://user:{mark}@127.0.0.1:1/api", PREFECT_API_AUTH_STRING=f"user:{mark}",
        PREFECT_CLIENT_MAX_RETRIES="0",
    )  # fmt: skip


def test_a_flow_that_succeeds_writes_no_secret(ends, shared_stand_in, stack, home, mark):
    stand_in = shared_stand_in(StandIn, ElasticOptions(version=VERSION, api_key=mark))
    command = ends(
        None, *ELASTIC, code=0, ELASTIC_URL=stand_in.settings_by(elastic_settings).url, ELASTIC_API_KEY=mark, VERTEX_JWT=mark
    )  # fmt: skip
    # The search itself finds what was written.
    assert places("elastic check", stack.home)
    assert places("elastic check", home)
    assert "done in" in command.out


def test_a_key_over_plain_http_is_worth_a_warning(begin):
    # The address is one for documentation, which nobody has.
    command = begin(None, *ELASTIC, ELASTIC_URL="http://192.0.2.1:9200", ELASTIC_API_KEY="hush-hush")
    command.wait_for("cross the network unencrypted")
    command.signal()
