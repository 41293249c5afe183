"""Every gate of the flows and their steps keeps its numbers: found in the source, so that a new one is looked at too."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.report import reporting
from flows.stack.api import free_port
from tasks.errors import GateNotMet

ROOT = Path(__file__).parents[2]
GATES = [
    pytest.param(node.exc, id=f"{file.relative_to(ROOT)}:{node.lineno}")
    for room in ("flows", "tasks")
    for file in sorted((ROOT / room).rglob("*.py"))
    for node in ast.walk(ast.parse(file.read_text()))
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") == "GateNotMet"
]  # fmt: skip


def test_gates_are_found():
    assert len(GATES) > 30


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_says_what_was_measured_and_what_is_required(gate):
    said = {one.arg for one in gate.keywords}
    assert said >= {"measured", "wanted"}
    measured = next(one.value for one in gate.keywords if one.arg == "measured")
    assert not (isinstance(measured, ast.Constant) and measured.value in ("", None))


@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow")
def test_a_report_keeps_what_came_before_the_gate_and_the_gates_own_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    nobody = temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"})
    gate = GateNotMet("The share of yes", measured="0.41", wanted="at least 0.5")

    def flow():
        with reporting("databricks verify", "films", "sandbox") as report:
            report.facts["rows"] = 9
            raise gate

    with nobody, pytest.raises(GateNotMet):
        flow()
    (file,) = (tmp_path / "reports").glob("*.json")
    assert json.loads(file.read_text())["facts"] == {
        "rows": 9,
        "gate": {"what": "The share of yes", "measured": "0.41", "required": "at least 0.5"},
    }
