"""docs/python.md: its program is run as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.announced import announcement

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
