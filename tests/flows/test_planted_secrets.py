"""Marked secrets, malformed in every way, in every setting: nothing that is written shows one, Prefect's database included."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.blocks.targets import ElasticTarget
from sandbox.elastic.options import ElasticOptions
from tasks.elastic.settings import elastic_settings
from tests.client import VERSION
from tests.flows.client_settings import client_settings
from tests.flows.stand_ins import StandIn
from tests.polling import until

pytestmark = pytest.mark.slow

ELASTIC = ("elastic", "check", "--target", "elastic")
SEARCH = ("elastic", "search", "--name", "no-such-index", "--text", "x", "--target", "elastic")
ASK = ("answers", "ask", "--name", "handbook", "--question", "x", "--target", "elastic")
EMBED = (
    "elastic",
    "embed",
    "--name",
    "a",
    "--source",
    "b",
    "--source-remote",
    "--fields",
    "c",
    "--deployment",
    "d",
    "--target",
    "elastic",
)
PLANTED = ".env"
"""The only file that may show a secret."""
NOBODY = "http://127.0.0.1:1"
QUOTING = "the address of the quoting server"
AT_ONCE = 4
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


def new_mark():
    return f"MARK{uuid.uuid4().hex}"


@pytest.fixture
def mark():
    return new_mark()


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


@dataclass(frozen=True)
class Case:
    """A command that ends with an error, and the secrets that it is given: `{}` stands for the mark."""

    words: tuple[str, ...]
    code: int
    said: str
    environment: dict[str, str]
    file: str | None = None
    """The content of the file with Google's credentials."""


def key(value, code=2, said="ELASTIC_API_KEY"):
    return Case(SEARCH, code, said, {"ELASTIC_URL": QUOTING, "ELASTIC_API_KEY": value})


def setting(**environment):
    return Case(ELASTIC, 2, "ELASTIC_", environment)


def google(code=1, said="Google credentials", file=None, **environment):
    return Case(VERTEX, code, said, {"VERTEX_PROJECT": "p", "VERTEX_LOCATION": "l", **environment}, file)


CASES = {
    "a key with a line end": key("{}\r\n", 1, "refused:"),
    "a key with a line end within": key("{}\r\n{}"),
    "a key with a blank within": key("a {}"),
    "a key with a letter outside of latin-1": key("{}\u20ac"),
    "a key with a letter of latin-1": key("{}\u00e9"),
    "a key with half a surrogate": key("{}\udcff"),
    "a key with a byte order mark": key("\ufeff{}", 1, "refused:"),
    "a password that the server quotes": Case(
        SEARCH, 1, "refused:",
        {"ELASTIC_URL": QUOTING, "ELASTIC_USERNAME": "somebody", "ELASTIC_PASSWORD": "{}\u00e9 %/\r\n"},
    ),
    "a control character in the password": setting(ELASTIC_URL=NOBODY, ELASTIC_USERNAME="u", ELASTIC_PASSWORD="{}\x07"),
    "a password as a name": setting(ELASTIC_URL=NOBODY, ELASTIC_USERNAME="u:{}", ELASTIC_PASSWORD="x"),
    "a password in an address without a scheme": setting(ELASTIC_URL="user:{}@host:9200"),
    "a password in an address": setting(ELASTIC_URL="https://user:{}@host:9200"),
    "a password in the address of models": Case(
        ASK, 2, "OPENAI_BASE_URL", {"ELASTIC_URL": NOBODY, "OPENAI_BASE_URL": "https://user:{}@host/v1"}
    ),
    "a key for the address of models": Case(ASK, 2, "OPENAI_BASE_URL", {"ELASTIC_URL": NOBODY, "OPENAI_BASE_URL": "{}"}),
    "a blank in the key of models": Case(
        ASK, 2, "OPENAI_API_KEY", {"ELASTIC_URL": NOBODY, "OPENAI_BASE_URL": "http://host/v1", "OPENAI_API_KEY": "{} x"}
    ),
    "a blank in the key of another cluster": Case(
        EMBED, 2, "ELASTIC_REMOTE_API_KEY",
        {"ELASTIC_URL": NOBODY, "ELASTIC_REMOTE_URL": "https://host:9200", "ELASTIC_REMOTE_API_KEY": "{} x"},
    ),
    "a password in the address of another cluster": Case(
        EMBED, 2, "ELASTIC_REMOTE_URL", {"ELASTIC_URL": NOBODY, "ELASTIC_REMOTE_URL": "https://user:{}@host:9200"}
    ),
    "a key in an address": setting(ELASTIC_URL="https://host:9200/?api_key={}"),
    "a key for an address": setting(ELASTIC_URL="{}"),
    "a key for a Cloud id": setting(ELASTIC_CLOUD_ID="{}"),
    "two credentials": setting(ELASTIC_URL="https://h:1", ELASTIC_API_KEY="{}", ELASTIC_USERNAME="u", ELASTIC_PASSWORD="{}"),
    "the content of the CA file": setting(ELASTIC_URL="https://h:1", ELASTIC_CA_FILE="-----BEGIN PRIVATE KEY-----\n{}\n"),
    "Google credentials in place of their file": google(
        GOOGLE_APPLICATION_CREDENTIALS='{"type": "service_account", "private_key": "{}"}'
    ),
    "a file of Google credentials that is no JSON": google(file='{"private_key": "{}"'),
    "a file of Google credentials of another type": google(file='{"type": "{}"}'),
    "a file of Google credentials without a key": google(
        file='{"type": "service_account", "private_key": "{}", "client_email": "a@b", "token_uri": "http://127.0.0.1:1"}'
    ),
    "a malformed token": google(2, "VERTEX_JWT", VERTEX_JWT="{}\n{}"),
    "Prefect's own secrets": Case(
        ELASTIC, 1, "does not answer",
        {
            "PREFECT_API_URL": "http://user:{}@127.0.0.1:1/api", "PREFECT_API_AUTH_STRING": "user:{}",
            "PREFECT_CLIENT_MAX_RETRIES": "0",
        },
    ),
}  # fmt: skip


class Run:
    """A case under way, with a mark, a home and credentials of its own."""

    def __init__(self, case, stack, command_line, folder, quoting):
        self.case, self.home, self.mark = case, folder / "home", new_mark()
        given = {
            name: value.replace(QUOTING, quoting).replace("{}", self.mark)
            for name, value in case.environment.items()
        }
        if case.file is not None:
            file = folder / "credentials.json"
            file.write_text(case.file.replace("{}", self.mark))
            given["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
        known = stack.environment | {"VECTOR_SEARCH_HOME": str(self.home), "COLUMNS": "160"}
        self.command = command_line.start([*case.words, "--debug"], known | given)


@pytest.fixture(scope="module")
def runs(stack, command_line, quoting, tmp_path_factory):
    """Every case, run to its end, `AT_ONCE` of them at a time: most of a command is waiting for Prefect's server."""
    found, under_way = {}, []
    for name, case in CASES.items():
        until(
            lambda: len([each for each in under_way if not each.has_ended]) < AT_ONCE, "the end of a command"
        )
        found[name] = Run(case, stack, command_line, tmp_path_factory.mktemp("case"), quoting)
        under_way.append(found[name].command)
    for command in under_way:
        assert command.code in (1, 2), command.err
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_secret_that_is_malformed_misplaced_or_quoted_is_shown_nowhere(runs, stack, command_line, name):
    case, command = runs[name].case, runs[name].command
    assert command.code == case.code, command.err
    assert case.said in command.err + command.out, command.err
    assert places(runs[name].mark, stack.home, command_line.folder, runs[name].home) == []


@pytest.fixture
def ends(begin, stack, command_line, home, mark):
    """Runs a command with --debug to the end, and looks through everything that was written."""

    def run(*words, code, said="", **environment):
        command = begin(None, *words, "--debug", **environment)
        assert command.code == code, command.err
        assert said in command.err + command.out, command.err
        assert places(mark, stack.home, command_line.folder, home) == []
        return command

    return run


def test_a_malformed_env_file_is_not_quoted(ends, command_line, mark):
    env = command_line.folder / PLANTED
    env.write_text(f'ELASTIC_URL=https://h:1\nELASTIC_API_KEY="{mark}\\nx"\n')
    try:
        ends(*ELASTIC, code=2, said=".env")
    finally:
        env.unlink()


def test_a_flow_that_succeeds_writes_no_secret(ends, shared_stand_in, stack, home, mark):
    stand_in = shared_stand_in(StandIn, ElasticOptions(version=VERSION, api_key=mark))
    command = ends(
        *ELASTIC, code=0, ELASTIC_URL=stand_in.settings_by(elastic_settings).url, ELASTIC_API_KEY=mark, VERTEX_JWT=mark
    )  # fmt: skip
    # The search itself finds what was written.
    assert places("elastic check", stack.home)
    assert places("elastic check", home)
    assert "done in" in command.out


def test_a_block_keeps_its_secrets_to_itself(ends, stack, quoting, mark, name):
    """Encrypted in Prefect's database, and not in what a server quotes, a plan, or an error about the block."""
    with client_settings(stack):
        ElasticTarget(url=quoting, username="somebody", password=f"{mark} %/").save(name)
    target = f"block:{name}"
    ends(*SEARCH[:-1], target, code=1, said="refused:")
    ends("list", "--target", target, code=1, said="refused:")
    ends(*SEARCH[:-1], f"{target}-2", code=2, said=f"Accepted: {target}")
    shown = ends("blocks", "--json", code=0)
    assert target in {each for one in json.loads(shown.out) for each in one["targets"]}


def test_a_key_over_plain_http_is_worth_a_warning(begin):
    # The address is one for documentation, which nobody has.
    command = begin(None, *ELASTIC, ELASTIC_URL="http://192.0.2.1:9200", ELASTIC_API_KEY="hush-hush")
    command.wait_for("cross the network unencrypted")
    command.signal()
