"""Attacks on the local Prefect server, typed as an attacker would: from a web page, a rebound name, another user's shell."""

from __future__ import annotations

import base64
import json
import os
import pty
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from flows.stack.prefect_settings import POOL
from flows.stack.stack import Stack
from tests.polling import until

pytestmark = pytest.mark.slow

DUMMIES = Path(__file__).parents[1] / "dummies"
STEP = "prefect.deployments.steps.run_shell_script"
RUN = "/deployments/{deployment}/create_flow_run"
PARAMETERS = {"name": "products", "target": "sandbox"}
ATTACKS = {
    "reads the deployments": ("POST", "/deployments/filter", {}),
    "reads the logs": ("POST", "/logs/filter", {}),
    "reads the settings": ("GET", "/admin/settings", None),
    "runs a command": ("POST", RUN, {"parameters": PARAMETERS, "job_variables": {"command": "touch {file}"}}),
    "sets the environment": ("POST", RUN, {"parameters": PARAMETERS, "job_variables": {"env": {"PYTHONPATH": "{file}"}}}),
    "sets the folder": ("POST", RUN, {"parameters": PARAMETERS, "job_variables": {"working_dir": "{file}"}}),
    "registers a pull step": (
        "POST",
        "/deployments/",
        {
            "name": "foreign",
            "flow_id": "{flow}",
            "entrypoint": "dummy_flow.dummy",
            "work_pool_name": POOL,
            "pull_steps": [{STEP: {"script": "touch {file}"}}],
        },
    ),
    "adds a pull step": ("PATCH", "/deployments/{deployment}", {"pull_steps": [{STEP: {"script": "true"}}]}),
    "changes the pool's command": ("PATCH", f"/work_pools/{POOL}", {"base_job_template": {"job_configuration": {"command": "true"}}}),
    "schedules a run": ("POST", "/deployments/{deployment}/schedule", {}),
    "creates a run of a flow": ("POST", "/flow_runs/", {"flow_id": "{flow}", "state": {"type": "SCHEDULED"}}),
    "creates a variable": ("POST", "/variables/", {"name": "foreign", "value": 1}),
}  # fmt: skip
SOCKETS = [
    "/events/in",
    "/events/out",
    "/logs/out",
    "/task_runs/subscriptions/scheduled",
    f"/work_pools/{POOL}/workers/connect",
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A whole stack with one deployment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(DUMMIES))  # the worker imports the dummy flow
        with Stack(tmp_path_factory.mktemp("home"), deployments=DUMMIES / "prefect.yaml").running() as stack:
            yield stack


@pytest.fixture(scope="module")
def owner(stack):
    """A client with the key."""
    with httpx.Client(base_url=stack.api_url, auth=tuple(stack.key.split(":")), trust_env=False) as client:
        yield client


@pytest.fixture
def stranger(stack):
    """A client without it."""
    with httpx.Client(base_url=stack.api_url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def deployment(owner):
    (found,) = owner.post("/deployments/filter", json={}).json()
    return found


@pytest.fixture
def attack(deployment, tmp_path):
    """Sends one of the attacks; a command in it would touch the file `attack.file`."""
    known = {
        "{deployment}": deployment["id"],
        "{flow}": deployment["flow_id"],
        "{file}": str(tmp_path / "touched"),
    }

    def fill(text):
        for word, value in known.items():
            text = text.replace(word, value)
        return text

    def send(client, name, **headers):
        method, path, body = ATTACKS[name]
        content = None if body is None else fill(json.dumps(body))
        return client.request(method, fill(path), content=content, headers=headers)

    send.file = tmp_path / "touched"
    return send


def held(owner):
    """All that the attacks would change."""
    return (
        [owner.post(f"/{kind}/count", json={}).json() for kind in ("flow_runs", "deployments", "variables")],
        owner.get(f"/work_pools/{POOL}").json()["base_job_template"],
        [each["pull_steps"] for each in owner.post("/deployments/filter", json={}).json()],
    )


def token(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("name", ATTACKS)
def test_without_the_key_nothing_is_read_started_or_changed(name, attack, stranger, owner, stack):
    before = held(owner)
    key = stack.key
    for headers in (
        {},  # a simple POST: no Content-Type, no preflight
        {"Content-Type": "application/json"},
        {"Origin": stack.ui_url},
        {"Authorization": f"Basic {token('admin:pass')}"},
        {"Authorization": f"Basic {token(key[:-1])}"},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"Basic {key}"},
    ):
        assert attack(stranger, name, **headers).status_code == 401, headers
    assert held(owner) == before
    assert not attack.file.exists()


def test_with_the_key_these_attacks_run_commands_which_is_why_there_is_one(attack, owner):
    assert attack(owner, "runs a command").status_code == 201
    until(attack.file.exists)
    attack.file.unlink()
    foreign = attack(owner, "registers a pull step").json()
    assert (
        owner.post(
            f"/deployments/{foreign['id']}/create_flow_run", json={"parameters": PARAMETERS}
        ).status_code
        == 201
    )
    until(attack.file.exists)
    # 503 is a busy database, and 404 that its answer came too late.
    until(lambda: owner.delete(f"/deployments/{foreign['id']}").status_code in (204, 404))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]:{port}",
        "",
    ],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host, stack, owner, stranger, attack):
    host = host.format(port=stack.state.port)
    before = held(owner)
    for client in (owner, stranger):
        for name in ("reads the deployments", "runs a command"):
            answer = attack(client, name, Host=host)
            assert (answer.status_code, stack.ui_url in answer.text) == (421, True)
        assert client.get(f"{stack.ui_url}/", headers={"Host": host}).status_code == 421
    assert held(owner) == before


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:{port}",
        "http://127.0.0.1:1",
        "https://127.0.0.1:{port}",
        "",
    ],
)
def test_a_page_of_another_origin_is_refused(origin, stack, owner, stranger, attack):
    origin = origin.format(port=stack.state.port)
    before = held(owner)
    for client in (owner, stranger):
        preflight = client.options(
            "/deployments/filter", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        health = client.get("/health", headers={"Origin": origin})
        for answer in (preflight, health, attack(client, "runs a command", Origin=origin)):
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers
    assert held(owner) == before


def test_what_a_browser_loads_for_another_sites_page_is_refused_and_a_link_is_followed(stranger, stack):
    def get(site, mode, dest):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        return stranger.get(f"{stack.ui_url}/", headers=headers).status_code

    assert get("cross-site", "no-cors", "image") == 403
    assert get("same-site", "no-cors", "script") == 403
    assert get("cross-site", "navigate", "iframe") == 403
    assert get("cross-site", "navigate", "document") == 200
    assert get("same-origin", "cors", "script") == 200
    assert get("none", "navigate", "document") == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/docs", "/api/redoc"])
def test_no_page_of_the_origin_that_holds_the_key_runs_the_scripts_of_others(path, owner, stack):
    answer = owner.get(f"{stack.ui_url}{path}")
    assert (answer.status_code, "<script" in answer.text) == (404, False)


@pytest.mark.parametrize("path", SOCKETS)
def test_a_websocket_needs_the_name_the_origin_and_the_key(path, stack):
    def say(key, name="127.0.0.1", **options):
        with (
            socket.create_connection(("127.0.0.1", stack.state.port)) as connection,
            connect(f"ws://{name}:{stack.state.port}/api{path}", sock=connection, subprotocols=["prefect"], proxy=None, **options) as there,
        ):  # fmt: skip
            there.send(json.dumps({"type": "auth", "token": key}))
            return json.loads(there.recv(timeout=30))["type"]

    key = stack.key
    assert say(key) == say(key, origin=stack.ui_url) == "auth_success"
    for other in (None, "", "admin:pass", key[:-1]):
        with pytest.raises(ConnectionClosed) as closed:
            say(other)
        assert closed.value.rcvd.code == 1008
    for refused, options in ((421, {"name": "localhost"}), (403, {"origin": "http://evil.example"}), (403, {"origin": "null"})):  # fmt: skip
        with pytest.raises(InvalidStatus) as status:
            say(key, **options)
        assert status.value.response.status_code == refused


def command(stack, word, **options):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-m", "flows", word],
        env=kept | {"VECTOR_SEARCH_HOME": str(stack.home)}, check=True, timeout=60, **options,
    )  # fmt: skip


def test_the_key_is_shown_at_a_terminal_only(stack):
    ours, theirs = pty.openpty()
    command(stack, "status", stdout=theirs)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert f"UI:         {stack.ui_url}\r\nLog in:     {stack.key}\r\n" in shown

    kept = command(stack, "status", capture_output=True, text=True)
    assert f"Log in:     with the line in {stack.key_file}\n" in kept.stdout
    assert stack.key not in kept.stdout + kept.stderr


def test_the_key_is_in_its_file_and_nowhere_else(stack, owner, deployment):
    path = RUN.format(deployment=deployment["id"])
    run = owner.post(path, json={"parameters": PARAMETERS}).json()
    until(lambda: owner.get(f"/flow_runs/{run['id']}").json()["state"]["type"] == "COMPLETED")

    secret = stack.key.removeprefix("admin:").encode()
    forms = (secret, token(stack.key).encode(), base64.b64encode(secret))
    listed = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, check=True).stdout
    assert b"flows.stack.server" in listed
    assert not any(form in listed for form in forms)
    files = [file for file in stack.home.rglob("*") if file.is_file()]
    assert {
        "stack.json",
        "prefect.db",
        "prefect-server.log",
        "worker.log",
        "registration-of-the-deployments.log",
    } <= {file.name for file in files}
    assert [file for file in files if any(form in file.read_bytes() for form in forms)] == [stack.key_file]


def test_of_runs_that_many_clients_create_at_a_time_none_is_refused(owner):
    flow = owner.post("/flows/", json={"name": "created at a time"}).json()["id"]

    def create(_):
        return owner.post("/flow_runs/", json={"flow_id": flow, "state": {"type": "PENDING"}}).status_code

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(create, range(64))) == {201}
