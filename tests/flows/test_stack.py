"""The local stack with its real parts: Prefect's server, the stand-ins, a worker. Every test in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.stack import api, key, processes, state
from flows.stack.processes import Process
from flows.stack.stack import SANDBOX, SERVER, WORKER, Stack, StackFailed
from tasks.errors import InvalidInput
from tests.polling import until

DUMMIES = Path(__file__).parent / "dummies"
ROOT = Path(__file__).parents[2]
DEPLOYMENTS = DUMMIES / "prefect.yaml"


def sleeper(tmp_path, code="import time; time.sleep(60)"):
    return processes.start(
        "sleeper", [sys.executable, "-c", code], environment=os.environ, folder=tmp_path, log=tmp_path / "log"
    )


def test_a_started_process_is_known_by_its_start_time_and_stopped(tmp_path):
    process = sleeper(tmp_path)
    assert process.is_alive
    assert not Process("other", process.pid, "another time", "").is_alive
    processes.stop([process])
    assert not process.is_alive


def test_what_its_predecessor_said_in_the_same_log_is_not_its_own(tmp_path):
    (tmp_path / "log").write_text("61 of 61 deployments\n")
    process = sleeper(tmp_path, "print('loading the flows')")
    until(lambda: not process.is_alive)
    assert process.tail(2) == "loading the flows"


def test_a_process_that_has_taken_over_an_id_is_left_alone(tmp_path):
    process = sleeper(tmp_path)
    processes.stop([Process("gone long ago", process.pid, "another time", "")])
    assert process.is_alive
    processes.stop([process])


def test_children_in_sessions_of_their_own_are_stopped_too(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(child.pid, flush=True)\ntime.sleep(60)"
    )
    process = sleeper(tmp_path, code)
    child = int(until(lambda: (tmp_path / "log").read_text().strip()))
    started = processes.started_at(child)
    assert started is not None
    processes.stop([process])
    assert processes.started_at(child) != started


def test_one_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.2)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    process = sleeper(tmp_path, code)
    until(lambda: "deaf" in (tmp_path / "log").read_text())
    processes.stop([process])
    assert not process.is_alive


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="names of processes are read from /proc")
def test_a_name_that_is_cut_inside_a_character_hides_no_process(tmp_path):
    code = (
        "import time\nopen('/proc/self/comm', 'wb').write(b'a' * 14 + 'é'.encode()[:1])\n"
        "print('named', flush=True)\ntime.sleep(60)"
    )
    process = sleeper(tmp_path, code)
    until(lambda: "named" in (tmp_path / "log").read_text())
    with pytest.raises(UnicodeDecodeError):
        Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
    assert process.is_alive
    assert process.pid in processes._descendants([Process("these tests", os.getpid(), "", "")])
    processes.stop([process])
    assert not process.is_alive


@pytest.mark.parametrize("content", [None, "", "{", '{"port": 1}', "[]"], ids=str)
def test_a_missing_or_broken_state_file_is_an_empty_state(content, tmp_path):
    file = tmp_path / "stack.json"
    if content is not None:
        file.write_text(content)
    assert state.read(file) == state.State()


def test_a_state_is_read_as_it_was_written(tmp_path):
    written = state.State(port=5, processes=(Process("worker", 1, "then", "log"),))
    state.write(tmp_path / "home" / "stack.json", written)
    assert state.read(tmp_path / "home" / "stack.json") == written
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["stack.json"]


def test_stand_ins_that_run_without_a_generator_are_not_taken_for_others(tmp_path):
    stack = Stack(tmp_path, generator="smollm2")
    ours = Process(SANDBOX, os.getpid(), processes.started_at(os.getpid()) or "", "log", ready=True)
    state.write(tmp_path / "stack.json", state.State(port=1, processes=(ours,)))
    with pytest.raises(
        InvalidInput, match=r"already run, with their defaults. Stop them with `vector-search down`"
    ):
        stack.up()
    state.write(tmp_path / "stack.json", state.State(port=1))


def test_nothing_of_the_users_own_prefect_gets_in(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    monkeypatch.setenv("VECTOR_SEARCH_SANDBOX", "/elsewhere")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:secret")
    state.write(tmp_path / "stack.json", state.State(port=4321))
    key.ensure(tmp_path)
    known = Stack(tmp_path).environment
    assert "PREFECT_API_KEY" not in known
    assert "VECTOR_SEARCH_SANDBOX" not in known
    assert known["PREFECT_API_URL"] == known["PREFECT_UI_API_URL"] == "http://127.0.0.1:4321/api"
    assert known["PREFECT_API_AUTH_STRING"] == known["PREFECT_SERVER_API_AUTH_STRING"] == key.read(tmp_path)
    assert known["NO_PROXY"] == "example.com,127.0.0.1,localhost"


@pytest.mark.slow
def test_a_part_that_dies_is_named_with_its_log(tmp_path):
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "ports.json").write_text("{")  # which the stand-ins read when they start
    stack = Stack(tmp_path)
    try:
        with pytest.raises(StackFailed, match="ended before it was ready") as failed:
            stack.up()
        assert failed.value.name == SANDBOX
        assert failed.value.log in str(failed.value)
        assert "JSONDecodeError" in Path(failed.value.log).read_text()
    finally:
        stack.down()


@pytest.mark.slow
def test_after_a_registration_that_failed_the_next_up_registers(tmp_path, monkeypatch):
    broken = tmp_path / "broken.yaml"
    broken.write_text(DEPLOYMENTS.read_text().replace("dummy_flow.dummy", "absent.dummy"))
    monkeypatch.setenv("PYTHONPATH", str(DUMMIES))
    try:
        with pytest.raises(StackFailed, match="registration of the deployments"):
            Stack(tmp_path, deployments=broken).up()
        stack = Stack(tmp_path, deployments=DEPLOYMENTS)
        assert not stack.state.alive(WORKER)
        assert stack.up()
        assert api.deployment_count(stack.api_url or "", stack.key) == 1
    finally:
        Stack(tmp_path).down()


@pytest.mark.slow
def test_up_down_and_up_again_after_parts_were_killed(tmp_path, monkeypatch):
    stack = Stack(tmp_path, deployments=DEPLOYMENTS)
    monkeypatch.setenv("PYTHONPATH", str(DUMMIES))  # the worker imports the dummy flow
    try:
        assert stack.up(), "the server that the pinned fastapi brings must start"
        assert not stack.up(), "up twice starts nothing"
        url = stack.api_url
        assert url is not None
        assert api.is_healthy(url)
        assert api.deployment_count(url, stack.key) == 1

        before = {process.name: process.pid for process in stack.state.processes}
        assert before.keys() == {SANDBOX, SERVER, WORKER}
        for name in (SANDBOX, WORKER):
            os.kill(before[name], signal.SIGKILL)
        until(lambda: not stack.state.alive(SANDBOX) and not stack.state.alive(WORKER))
        assert not stack.is_up
        assert stack.up()
        after = {process.name: process.pid for process in stack.state.processes}
        assert after[SERVER] == before[SERVER]
        assert stack.is_up

        assert stack.down()
        assert not any(process.is_alive for process in stack.state.processes)
        assert not api.is_healthy(url)
        assert not stack.down(), "down twice is fine"
        assert stack.up()
        assert stack.api_url == url, "a shell that has the address still works"
    finally:
        stack.down()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home folder of a stack without a worker, up for the tests of this module."""
    folder = tmp_path_factory.mktemp("home")
    with Stack(folder, with_worker=False).running():
        yield folder


def command(home, *words, program=(str(DUMMIES / "with_dummies.py"),), **options):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "VECTOR_SEARCH_"))
    }
    kept |= {"VECTOR_SEARCH_HOME": str(home), "PYTHONPATH": f"{DUMMIES}{os.pathsep}{ROOT}", "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, *program, *words],
        env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def end(home, how, *more):
    words = ["dummy", "end", "--name", "products", "--target", "sandbox", "--how", how, *more]
    process = command(home, *words)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.slow
def test_a_flow_runs_against_the_stack_and_its_report_is_printed(home):
    code, out, err = end(home, "well", "--limit", "3", "--tags", "a", "b")
    assert (code, out) == (0, "the report of the dummy\n")
    assert err.splitlines() == [
        "wait for products: creating",
        "✓ wait for products: there",
        "limit 3, tags ['a', 'b'], on sandbox",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "expected", "said"),
    [
        ("gate", 1, "recall@10 is 0.5, required: 0.9."),
        ("transient", 1, "The service is unavailable. This may be temporary."),
        ("invalid", 2, "The data hold no rows: 'x.hdf5'."),
        ("paid", 2, "Confirm with --yes"),
        ("bug", 1, "run it again with --debug"),
    ],
)
def test_every_kind_of_failure_has_its_exit_code_and_one_paragraph(home, how, expected, said):
    code, out, err = end(home, how)
    assert (code, out) == (expected, "")
    assert said in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_debug_shows_the_stack_trace(home):
    code, _, err = end(home, "gate", "--debug")
    assert code == 1
    assert "Traceback" in err
    assert "GateNotMet" in err


@pytest.mark.slow
def test_what_was_not_confirmed_runs_with_yes(home):
    assert end(home, "paid", "--yes")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_command_says_what_goes_on_and_how_to_go_on(home, number):
    process = command(home, "dummy", "end", "--name", "my products", "--target", "sandbox", "--how", "slow")
    assert process.stderr is not None
    assert process.stderr.readline() == "wait for my products: creating\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Last seen: wait for my products: creating" in err
    assert "vector-search dummy end --name 'my products' --target sandbox --how slow" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_env_tells_a_shell_all_that_it_needs(home):
    out, _ = command(home, "env", program=("-m", "flows")).communicate(timeout=60)
    shell = subprocess.run(
        ["sh", "-c", f"{out}\nenv"], env={}, capture_output=True, text=True, check=True, timeout=60
    )
    told = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    assert told["PREFECT_API_URL"] == Stack(home).api_url
    assert told["PREFECT_API_AUTH_STRING"] == Stack(home).key
    assert told["VECTOR_SEARCH_HOME"] == str(home)
    assert told["VECTOR_SEARCH_TARGET"] == told["VECTOR_SEARCH_ELASTIC_TARGET"] == "sandbox"


@pytest.mark.slow
@pytest.mark.parametrize("held", [None, "admin:of-an-earlier-stack"], ids=["no key", "an old key"])
def test_a_shell_that_knows_only_the_address_gets_the_key_of_its_home_folder(held, home):
    assert run_with(home, home, held).returncode == 0


@pytest.mark.slow
def test_credentials_that_a_server_refuses_are_told_in_one_paragraph(home, tmp_path):
    ended = run_with(home, tmp_path, "admin:wrong")
    assert ended.returncode == 2
    assert f"{Stack(home).api_url} refuses our credentials (401)" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "admin:wrong" not in ended.stderr


def run_with(home, known_home, key):
    """Run the dummy with the address of the stack in `home`, in a shell that knows another folder or key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= {"VECTOR_SEARCH_HOME": str(known_home), "PREFECT_API_URL": Stack(home).api_url or ""}
    environment |= {"PYTHONPATH": f"{DUMMIES}{os.pathsep}{ROOT}"} | (
        {"PREFECT_API_AUTH_STRING": key} if key else {}
    )
    words = ["dummy", "end", "--name", "products", "--target", "sandbox"]
    return subprocess.run(
        [sys.executable, str(DUMMIES / "with_dummies.py"), *words],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_ui_is_told_where_its_api_is(home):
    stack = Stack(home)
    settings = api._call(f"{stack.ui_url}/ui-settings", key=None)
    assert settings["api_url"] == stack.api_url
    assert "amplitude" not in json.dumps(settings)
    assert re.match(r"http://127\.0\.0\.1:\d+$", stack.ui_url or "")
