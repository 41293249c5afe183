"""The command line where no server is needed: listing, help, wrong options, exit codes."""

from __future__ import annotations

import inspect
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest
from cyclopts import CycloptsError
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from rich.console import Console

from flows.command_line.endings import Interrupted, ending_of
from flows.command_line.tree import PLAIN, function, parse
from flows.console import Seen, Terminal
from flows.engines import ENGINES
from flows.stack.api import free_port
from tasks.errors import DeadlinePassed, InvalidInput, NotConfirmed, TransientError

DUMMIES = Path(__file__).parent / "dummies"
ROOT = Path(__file__).parents[2]


def run(*words, folder, dummies=False, **environment):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "VECTOR_SEARCH_"))
    }
    # Prefect's own home too: a developer's profile may name a server.
    kept |= {
        "VECTOR_SEARCH_HOME": str(folder / "home"),
        "PREFECT_HOME": str(folder / "prefect"),
        "COLUMNS": "200",
    }
    kept |= {"PYTHONPATH": f"{DUMMIES}{os.pathsep}{ROOT}"} | environment
    program = [str(DUMMIES / "with_dummies.py")] if dummies else ["-m", "flows"]
    return subprocess.run(
        [sys.executable, *program, *words], env=kept, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)], ids=["alone", "--help", "-h"])
def test_listing_names_every_flow_and_the_stacks_commands(words, tmp_path):
    ended = run(*words, folder=tmp_path)
    assert ended.returncode == 0
    for engine in ENGINES:
        assert engine.title in ended.stdout
        for entry in engine.flows:
            assert f"  {engine.command(entry)} " in ended.stdout
            assert entry.line in ended.stdout
    for command in ("up", "status", "down", "env", "demo"):
        assert f"\n  {command} " in ended.stdout


QUICK = {
    "alone": ([], 0),
    "--help": (["--help"], 0),
    "an engine": (["vertex"], 0),
    "up --help": (["up", "--help"], 0),
    "demo --help": (["demo", "--help"], 0),
    "help of a flow": (["vertex", "build", "--help"], 0),
    "help with a type of its own": (["elastic", "deploy", "--help"], 0),
    "an option that is unknown": (["databricks", "query", "--vektor", "1"], 2),
    "an option that is missing": (["answers", "ask", "--target", "sandbox"], 2),
    "a value of the wrong type": (["elastic", "search", "--size", "x"], 2),
}


@pytest.mark.parametrize(("words", "code"), QUICK.values(), ids=QUICK)
def test_listing_help_and_wrong_options_import_neither_prefect_nor_a_services_client(words, code, tmp_path):
    # Installed google packages of the old kind put empty modules there when Python starts: those do not count.
    code = (
        "import sys\nat_start = set(sys.modules)\nfrom flows.command_line.main import main\n"
        f"assert main({words!r}) == {code}\n"
        "heavy = ('google', 'prefect', 'grpc', 'h5py', 'numpy', 'elasticsearch', 'elastic_transport', 'databricks', 'openai', "
        "'pydantic_settings', 'httpx')\n"
        "sys.exit(' '.join(name for name in set(sys.modules) - at_start if name.split('.')[0] in heavy) or None)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


IMPORTS = """
import os, sys
from flows.command_line import from_flow, main

def load(entrypoint):
    os.write(2, f"the imports begin, Prefect loaded: {'prefect' in sys.modules}".encode())
    os._exit(0)

from_flow.load = load
main.main(["vertex", "query", "--name", "a", "--target", "sandbox"])
"""


def test_a_command_gives_a_sign_of_life_on_a_terminal_before_it_imports_the_rest(tmp_path):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    program = [sys.executable, "-c", IMPORTS]
    with subprocess.Popen(program, cwd=tmp_path, env=environment, stderr=theirs) as command:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a pseudo-terminal says that nobody writes any more
            while part := os.read(ours, 65536):
                shown += part
    os.close(ours)
    assert command.returncode == 0, shown
    before, _, after = shown.decode().partition("the imports begin, ")
    assert "loading Prefect and the clients" in before
    assert after.startswith("Prefect loaded: False")


def test_without_a_terminal_there_is_no_sign_of_life(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr == "the imports begin, Prefect loaded: False"


@pytest.mark.parametrize(
    "entry", [one for group in PLAIN.values() for one in group], ids=lambda one: one.name
)
def test_a_command_of_no_engine_is_listed_with_the_first_line_of_its_help(entry):
    assert inspect.getdoc(function(entry)).partition("\n")[0] == entry.line


def test_help_is_made_from_the_flows_signature_and_docstring(tmp_path):
    ended = run("dummy", "end", "--help", folder=tmp_path, dummies=True)
    assert ended.returncode == 0
    for part in (
        "Ends as requested.",
        "What it does besides is nothing.",
        "--limit INT",
        "Rows at most.",
        "[choices: sandbox, google-cloud]",
        "[env var: VECTOR_SEARCH_TARGET]",
        "Example",
        "vector-search dummy end --name products --target sandbox",
    ):
        assert part in ended.stdout
    assert "--no-yes" not in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dummy", "end", "--target", "sandbox"], "--name is missing."),
        (["dummy", "end", "--name", "a"], "--target is missing."),
        (["dummy", "end", "--target", "sandbox", "--name"], "--name requires an argument"),
        (
            ["dummy", "end", "--name", "a", "--target", "moon"],
            "A target is sandbox, google-cloud or block:NAME",
        ),
        (["up", "--generator", "moon"], 'Choose from: "'),
        (
            ["dummy", "end", "--name", "a", "--target", "sandbox", "--limit", "x"],
            'unable to convert "x" into int',
        ),
        (["dummy", "end", "--nam", "a", "--target", "sandbox"], "Did you mean --name instead of --nam?"),
        (["dummy", "ende"], 'Did you mean "end"?'),
        (["dumy"], 'Did you mean "dummy"?'),
    ],
    ids=[
        "option missing",
        "target missing",
        "value missing",
        "target",
        "choice",
        "type",
        "unknown option",
        "unknown command",
        "unknown group",
    ],
)
def test_wrong_options_end_with_2_and_one_paragraph(words, said, monkeypatch):
    monkeypatch.syspath_prepend(str(DUMMIES))
    monkeypatch.setattr("flows.engines.ENGINES", (import_module("dummy_engine").DUMMY,))
    monkeypatch.delenv("VECTOR_SEARCH_TARGET", raising=False)
    with pytest.raises(CycloptsError) as wrong:
        parse(words, debug=False)
    ending = ending_of(wrong.value, again="AGAIN")
    assert ending.code == 2
    assert said in ending.paragraph
    assert "--help" in ending.paragraph
    assert "\n" not in ending.paragraph


def test_a_wrong_option_is_said_on_stderr_without_a_trace(tmp_path):
    ended = run("dummy", "end", "--name", "a", "--target", "moon", folder=tmp_path, dummies=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith('error: Invalid value "moon" for --target.')
    assert ended.stderr.count("\n") == 1


def test_without_any_api_a_flow_ends_with_2_and_names_up(tmp_path):
    ended = run("dummy", "end", "--name", "a", folder=tmp_path, dummies=True, VECTOR_SEARCH_TARGET="sandbox")
    assert ended.returncode == 2
    assert "`vector-search up`" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "prefect" / "prefect.db").exists(), "a server of Prefect's own making was started"


def test_an_api_that_does_not_answer_ends_with_1_and_is_named(tmp_path):
    ended = run(
        "dummy", "end", "--name", "a", "--target", "sandbox", folder=tmp_path, dummies=True,
        PREFECT_API_URL="http://127.0.0.1:9/api",
    )  # fmt: skip
    assert ended.returncode == 1
    assert "http://127.0.0.1:9/api does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("words", [["env"], ["status"]], ids=str)
def test_asking_for_a_stack_that_is_not_up_says_how_to_start_it(words, tmp_path):
    ended = run(*words, folder=tmp_path)
    assert ended.returncode == {"env": 2, "status": 1}[words[0]]
    assert "vector-search up" in ended.stderr + ended.stdout
    assert "export" not in ended.stdout


def test_a_home_folder_in_brackets_is_named_as_it_is(tmp_path):
    home = tmp_path / "[bold]" / ":key:"
    ended = run("status", folder=tmp_path, VECTOR_SEARCH_HOME=str(home))
    assert f"The local stack in {home} is not running" in ended.stdout


def test_what_is_asked_before_something_is_removed_names_it_as_it_is(monkeypatch):
    from flows.command_line.run import _agreed

    error = NotConfirmed("remove the index [/b] user:key:5", consequence="It is lost.")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=200)
    flow = Mock(side_effect=error)
    with pytest.raises(NotConfirmed):
        _agreed(flow, {}, Terminal(console), may_confirm=True)
    assert "remove the index [/b] user:key:5. It is lost. Continue?" in console.file.getvalue()


def test_down_of_nothing_is_fine(tmp_path):
    ended = run("down", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "The local stack was not running.\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("no rows", value="x"), 2, "no rows"),
        (NotConfirmed("deploy", consequence="It costs."), 2, "--yes"),
        (DeadlinePassed("a build", seconds=3, last_seen="queued"), 1, "queued"),
        (TransientError("unavailable."), 1, "To resume: AGAIN"),
        (KeyError("surprise"), 1, "--debug"),
        (KeyboardInterrupt(), 130, "AGAIN"),
        (Interrupted(None), 130, "continues by itself"),
        (
            Interrupted(Seen("deploy index a", "queued", elapsed=61)),
            130,
            "deploy index a: queued, after 1 min 1 s",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_kind_of_error_has_its_code_and_paragraph(error, code, said):
    ending = ending_of(error, again="AGAIN")
    assert ending.code == code
    assert said in ending.paragraph
    assert "\n" not in ending.paragraph


def test_an_answer_of_prefects_server_that_its_database_is_locked_is_temporary_and_not_unexpected():
    answer = httpx.Response(
        503,
        json={"exception_message": "Service Unavailable"},
        request=httpx.Request("POST", "http://127.0.0.1/api/"),
    )
    with pytest.raises(httpx.HTTPStatusError) as raised:
        answer.raise_for_status()
    ending = ending_of(PrefectHTTPStatusError.from_httpx_error(raised.value), again="AGAIN")
    assert ending.code == 1
    assert ending.paragraph.startswith(
        "Prefect's API could not answer (Server error '503 Service Unavailable'"
    )
    assert "resume with: AGAIN" in ending.paragraph
    assert "developer.mozilla.org" not in ending.paragraph


@pytest.mark.parametrize("said", [["Why?"], ["--question", "Why?"]], ids=["bare", "named"])
def test_a_question_is_asked_with_or_without_its_option(said):
    bound = parse(["answers", "ask", "--name", "handbook", *said, "--target", "sandbox"], debug=False)
    assert "Why?" in (*bound.args, *bound.keywords.values())


# Found by `make chaos`: random kills | elastic deploy | Prefect server by SIGKILL | after 1.93 s.
def test_a_server_that_dies_before_prefect_has_asked_for_its_version_is_gone_and_not_unexpected():
    nowhere = temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"})
    with nowhere, pytest.raises(RuntimeError) as raised, get_client(sync_client=True) as client:
        client.raise_for_api_version_mismatch()
    ending = ending_of(raised.value, again="AGAIN")
    assert ending.code == 1
    assert "Prefect's API stopped responding" in ending.paragraph
    assert "resume with: AGAIN" in ending.paragraph


def test_status_is_one_json_object_for_scripts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    assert parse(["status", "--json"], debug=False)() == 1
    told = json.loads(capsys.readouterr().out)
    assert told == {"running": False, "home": str(tmp_path), "api": None, "ui": None, "parts": []}
    parse(["down", "--json"], debug=False)()
    assert json.loads(capsys.readouterr().out) == {"stopped": []}


@pytest.mark.parametrize(
    "entry",
    [one for group in PLAIN.values() for one in group],
    ids=lambda one: one.name,
)
def test_every_command_of_no_engine_has_json_too(entry):
    assert "json" in inspect.signature(function(entry)).parameters
