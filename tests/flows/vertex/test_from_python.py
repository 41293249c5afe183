"""docs/python.md and the notebook beside it: what they say is run as it stands."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from sandbox.announced import announcement
from tests.flows.client_settings import client_settings

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_program_of_the_document_builds_queries_and_removes_as_subflows(service, stack, data, tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
    (tmp_path / "program.py").write_text(program)
    shutil.copy(data, tmp_path / "products.hdf5")
    known = {"VECTOR_SEARCH_SANDBOX": str(announcement(service.state)), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path, env=os.environ | stack.environment | known | {"VECTOR_SEARCH_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert said[0].startswith("done projects/")
    assert said[-1].startswith("['42', ")
    assert service.indexes("from-python") == []


def values_of(cells):
    """Run cells one after the other, in one namespace; the value of each that ends with an expression."""
    names = {}
    for cell in cells:
        *statements, last = ast.parse("".join(cell["source"])).body
        ends_with_value = isinstance(last, ast.Expr)
        exec(
            compile(ast.Module(statements if ends_with_value else [*statements, last], []), "cell", "exec"),
            names,
        )
        if ends_with_value:
            yield eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.slow
def test_the_notebook_builds_queries_measures_and_removes(service, stack, tmp_path, monkeypatch):
    cells = json.loads((ROOT / "docs" / "build-and-query.ipynb").read_text())["cells"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(service.state)))
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))
    with client_settings(stack), temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        index, changes, neighbors, recall, outcome = values_of(
            cell for cell in cells if cell["cell_type"] == "code"
        )
    assert index.startswith("projects/")
    assert changes == []
    assert "42" in [each["id"] for each in neighbors]
    assert recall == 1.0
    assert outcome == "done"
    assert service.indexes("notebook") == []


def test_the_notebook_comes_without_outputs():
    cells = json.loads((ROOT / "docs" / "build-and-query.ipynb").read_text())["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
