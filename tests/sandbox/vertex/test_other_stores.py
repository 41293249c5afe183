"""Other people's stores on Vertex AI Vector Search, their real packages unmodified (`make compat` installs them)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.vertex.options import VertexOptions

SCRIPTS = Path(__file__).with_name("scripts")
PACKAGES = Path(os.environ.get("VERTEX_CLIENTS", Path(sys.prefix) / "vertex-clients"))
pytestmark = [pytest.mark.compat, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", ["LangChain", "LlamaIndex"])
def test_a_store_of_others_runs_through_unmodified(fresh, tmp_path, name):
    sandbox = fresh(VertexOptions(clock_factor=3000))
    ended = subprocess.run(
        [sys.executable, SCRIPTS / f"{name.lower()}_store.py"],
        cwd=tmp_path,
        env={**os.environ, **sandbox.environment, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{name} ran through" in ended.stdout
