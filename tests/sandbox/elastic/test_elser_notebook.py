"""The ELSER notebook, as a program, against a stand-in like the cluster that it was written for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client import GENERATION

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("elser_notebook.py")
DATA = Path(__file__).parents[3] / "sandbox" / "data"


@pytest.mark.parametrize("version", [{8: "8.13", 9: "9.5"}[GENERATION]])
def test_the_cells_of_the_elser_notebook_run(elastic_server, version):
    elastic = elastic_server(version=version, ml_nodes=1, refresh_seconds=1.0, download_seconds=1.0)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), str(DATA)],
        env={**os.environ, **elastic.sandbox.environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr
    assert "the notebook ran through" in ended.stdout
