"""`--json`, `--quiet` and `--report`: every flow's command has them, and failures are told in the same form."""

from __future__ import annotations

import inspect
import json
import shlex
import signal
from typing import get_type_hints

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import TypeAdapter

from flows.command_line import run as running
from flows.command_line.endings import ending_of
from flows.command_line.help_text import as_typed
from flows.command_line.main import main
from flows.command_line.output import print_json
from flows.command_line.tree import parse
from flows.commands import command_of, load, option_names
from flows.engines import ENGINES
from flows.options import RunOptions
from flows.report import Report, reporting
from flows.stack.api import free_port
from tasks.errors import GateNotMet, InvalidInput

FLOWS = [
    pytest.param(engine, entry, id=engine.command(entry)) for engine in ENGINES for entry in engine.flows
]
PROGRAMS = [
    pytest.param(engine, entry, id=engine.command(entry)) for engine in ENGINES for entry in engine.programs
]


def example(engine, entry):
    """The words of a command's own example."""
    written = command_of(engine, entry).docstring.partition("Example:\n")[2]
    return shlex.split(written)[1:]


@pytest.mark.parametrize(("engine", "entry"), FLOWS)
def test_every_flow_has_the_three_options(engine, entry, monkeypatch, tmp_path, capsys):
    got = []
    monkeypatch.setattr(running, "run", lambda _flow, _values, *, options, **_: got.append(options))
    file = tmp_path / "report.html"
    parse([*example(engine, entry), "--json", "--quiet", "--report", str(file)], debug=False)()
    assert got == [RunOptions(json=True, quiet=True, report=file)]
    parse([engine.name, entry.name, "--help"], debug=False)()
    told = capsys.readouterr().out
    assert all(option in told for option in ("--json", "--quiet", "--report"))


@pytest.mark.parametrize("entry", [pytest.param(one.values[1], id=one.id) for one in FLOWS])
def test_what_a_flow_returns_can_be_written_as_json(entry):
    returned = get_type_hints(inspect.unwrap(load(entry.entrypoint).fn))["return"]
    fields = TypeAdapter(returned).json_schema(mode="serialization")["properties"]
    assert {"flow", "name", "target", "outcome", "steps", "facts"} <= fields.keys()


@pytest.mark.parametrize(("engine", "entry"), PROGRAMS)
@pytest.mark.parametrize("option", ["--json", "--quiet", "--plan", "--report x.html"])
def test_a_command_that_runs_until_it_is_stopped_refuses_them_by_name(engine, entry, option, capsys):
    with pytest.raises(InvalidInput, match=f"^This command has no {option.split()[0]}: it runs until"):
        parse([*example(engine, entry), *option.split()], debug=False)()
    parse([engine.name, entry.name, "--help"], debug=False)()
    assert option.split()[0] not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "engine"),
    [(one, engine) for engine in ENGINES for one in engine.commands],
    ids=lambda one: one.name,
)
def test_help_and_refusals_call_options_as_they_are_typed(engine, entry):
    asked = command_of(engine, entry)
    names = [one.name for one in asked.options]
    text = as_typed(asked.docstring, names)
    for line in text.split("Example:")[0].splitlines():
        said = line.split(":", 1)[-1] if line.startswith("    ") else line
        assert not [name for name in names if "_" in name and name in said.replace("'", " ").split()]


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("With as_version, or as_.", "With --as-version, or --as."),
        ("    as_version: Together with as_version.", "    as_version: Together with --as-version."),
        ("'as_version' (from as_version)", "'as_version' (from --as-version)"),
        ("(from data, as_)", "(from --data, --as)"),
        ("(from data, in main)", "(from --data, in main)"),
        ("(from data of as_version)", "(from data of --as-version)"),
        ("(from data, name)", None),
        ('{"as_version": 1}, my_as_version, as_version_2, --as_version', None),
    ],
)
def test_only_the_name_of_an_option_is_spelled_as_it_is_typed(said, typed):
    assert as_typed(said, ("as_version", "as_", "data")) == (typed or said)


def test_a_refusal_of_a_flow_calls_its_option_as_it_is_typed():
    refused = InvalidInput("No", value="index_type", source="index_type", accepted="A with embed_with")
    options = option_names(ENGINES, ["databricks", "build", "--name", "films"])
    assert (
        ending_of(refused, again="", options=options).paragraph
        == "No: 'index_type' (from --index-type). Accepted: A with --embed-with."
    )


def test_a_field_of_a_file_keeps_its_name_though_another_command_has_an_option_of_this_name():
    assert "numeric_restricts" in option_names(ENGINES, ["vertex", "query"])
    refused = InvalidInput("No field", value="a", source="x.jsonl", accepted="id, numeric_restricts")
    options = option_names(ENGINES, ["vertex", "build"])
    assert (
        ending_of(refused, again="", options=options).paragraph
        == "No field: 'a' (from x.jsonl). Accepted: id, numeric_restricts."
    )


@pytest.mark.parametrize("words", [[], ["vertex"], ["vertex", "fly"], ["up"], ["list", "--target"]])
def test_what_is_no_command_of_an_engine_has_no_options_to_spell(words):
    assert option_names(ENGINES, words) == frozenset()


@pytest.mark.parametrize("file", ["folder", "nowhere/report.html"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(file, tmp_path):
    (tmp_path / "folder").mkdir()
    words = ["vertex", "check", "--target", "sandbox", "--report", str(tmp_path / file)]
    with pytest.raises(InvalidInput, match="report cannot be written there"):
        parse(words, debug=False)()


@pytest.fixture
def signals():
    """The handlers that a command line sets are those of the tests again."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vertex", "check"], "--target is missing"),
        (["vertex", "chek", "--target", "sandbox"], "Did you mean"),
        (["vertex", "query", "--name", "a", "--target", "sandbox"], "Give exactly one of the first three"),
        (["elastic", "search", "--name", "a", "--target", "sandbox", "--text", " "], "This text is blank"),
        (["list", "--target", "moon"], "There is no such target"),
    ],
)
def test_a_wrong_option_is_an_object_on_standard_output_and_a_paragraph_on_standard_error(
    words, said, capsys, monkeypatch
):
    def ask(flow, values, **_):
        return flow.fn(**values)

    monkeypatch.setattr(running, "run", ask)
    monkeypatch.setattr(Report, "last", None)
    assert main([*words, "--json"]) == 2
    told = capsys.readouterr()
    error = json.loads(told.out)["error"]
    assert (error["kind"], error["exit_code"]) == ("InvalidInput", 2)
    assert said in error["message"]
    assert error["message"] in told.err


class Flow:
    """A flow that ends as a test wants, without a server."""

    def __init__(self, end):
        self.end = end

    def __call__(self, name):
        with reporting("vertex verify", name, "sandbox") as report, report.step("measure") as step:
            step.saw("20 queries")
            report.facts["recall"] = 0.5
            self.end()
        return report


def refused():
    raise GateNotMet("recall@10", measured=0.5, wanted=0.9, facts={"p50": float("nan")})


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Runs such a flow as the command line does: `ran(end, json=True)`."""
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(running, "use_api", lambda: "nowhere")
    monkeypatch.setattr(running.Watch, "start", lambda self: self)
    monkeypatch.setattr(running, "standing", lambda flow, *_: flow)
    monkeypatch.setattr(running, "take_over", lambda console, **_: running.Terminal(console))

    def of(end, **options):
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
            running.run(
                Flow(end), {"name": "films"}, options=RunOptions(**options), debug=False, may_confirm=False
            )

    return of


pytestmark = pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow")


def test_a_result_is_one_json_object_with_the_fields_of_its_report(ran, capsys, tmp_path):
    ran(lambda: None, json=True, report=tmp_path / "mine.json")
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == Report.model_fields.keys()
    assert (told["flow"], told["outcome"], told["facts"]) == ("vertex verify", "done", {"recall": 0.5})
    assert json.loads((tmp_path / "mine.json").read_text()) == told


def test_a_report_is_a_page_where_the_name_says_so_and_is_written_beside_the_usual_one(ran, tmp_path, capsys):
    ran(lambda: None, report=tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text().lower().startswith("<!doctype html>")
    assert len(list((tmp_path / "home" / "reports").glob("*.json"))) == 1
    assert "vertex verify films on sandbox" in capsys.readouterr().out


@pytest.mark.usefixtures("signals")
def test_a_gate_that_is_not_met_leaves_its_report_and_its_error_in_one_object(
    ran, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "flows.command_line.main.parse",
        lambda *_, **__: lambda: ran(refused, json=True, report=tmp_path / "mine.json"),
    )
    assert main(["vertex", "verify", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["error"]["kind"], told["error"]["exit_code"]) == ("GateNotMet", 1)
    assert told["facts"].pop("gate")["measured"]
    assert told["facts"] == {"recall": 0.5, "p50": None}
    assert told["outcome"].startswith("failed: ")
    assert json.loads((tmp_path / "mine.json").read_text())["facts"].items() >= told["facts"].items()


def test_json_has_neither_nan_nor_letters_that_a_terminal_may_not_know(capsys):
    print_json({"score": float("inf"), "title": "Amélie"})
    assert capsys.readouterr().out == '{\n  "score": null,\n  "title": "Am\\u00e9lie"\n}\n'
