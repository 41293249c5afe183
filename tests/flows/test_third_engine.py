"""A third engine, added through the registry alone: everything that serves engines knows it."""

from __future__ import annotations

import io
from typing import Literal

import pytest
import yaml
from pydantic import Field
from rich.console import Console

from flows import engines, generate
from flows.command_line.tree import listing, parse
from flows.engine import Engine, Entry
from flows.engine_flow import engine_flow
from flows.options import Options
from flows.report import Report
from flows.stack import key, prefect_settings
from flows.work_pools import PROCESS
from tasks.program import PROGRAM

THIRD = Engine[None](
    name="third",
    title="A third engine",
    targets=("sandbox", "moon"),
    target_variable="VECTOR_SEARCH_THIRD_TARGET",
    read_settings=lambda _: None,
    settings_prefix="THIRD_",
    flows=(Entry("count", f"{__name__}:count", "Count what is there."),),
)


class CountOptions(Options, frozen=True):
    name: str = Field(description="The name that it was built under.")
    target: Literal["sandbox", "moon"] = Field(description="Where it was built.")


@engine_flow(THIRD, "count", run_name="count {name} on {target}")
def count(options: CountOptions) -> Report:
    """Count what is there.

    Example:
        vector-search third count --name stars --target moon
    """
    return Report(flow="third count", name=options.name, target=options.target)


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(engines, "ENGINES", (*engines.ENGINES, THIRD))


def test_it_is_listed_with_its_flows():
    console = Console(width=160, file=io.StringIO())
    console.print(listing())
    shown = console.file.getvalue()
    assert "A third engine\n  third count" in shown
    assert "Count what is there." in shown


def test_its_flow_has_help_with_its_targets_and_its_variable(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    parse(["third", "count", "--help"], debug=False)()
    shown = capsys.readouterr().out
    assert f"{PROGRAM} third count" in shown
    assert "[choices: sandbox, moon]" in shown
    assert "[env var: VECTOR_SEARCH_THIRD_TARGET]" in shown


def test_its_targets_variable_stands_in_for_the_option(monkeypatch):
    given = []
    monkeypatch.setattr(
        "flows.command_line.run.run", lambda flow, values, **_: given.append((flow.name, values))
    )
    monkeypatch.setenv("VECTOR_SEARCH_THIRD_TARGET", "moon")
    parse(["third", "count", "--name", "stars"], debug=False)()
    assert given == [("third count", {"name": "stars", "target": "moon"})]


def test_the_deployments_and_the_list_of_commands_have_it():
    made = yaml.safe_load(generate.deployments(PROCESS))["deployments"]
    (deployment,) = (one for one in made if one["name"] == "third-count")
    assert deployment["entrypoint"] == f"{__name__}.count"
    assert deployment["parameters"] == {"target": "{{ $VECTOR_SEARCH_THIRD_TARGET }}"}
    assert "| `third count` | Count what is there. |\n" in generate.command_tables()


def test_the_local_stack_works_with_it_on_its_stand_in(tmp_path):
    key.ensure(tmp_path)
    assert prefect_settings.environment(tmp_path, 4200)["VECTOR_SEARCH_THIRD_TARGET"] == "sandbox"
