"""Other people's clients and stores on Elasticsearch, their real packages unmodified (`make compat` installs them)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).with_name("scripts")
PACKAGES = Path(os.environ.get("ELASTIC_CLIENTS", Path(sys.prefix) / "elastic-clients"))
pytestmark = [pytest.mark.compat, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "name", ["LangChain", "LlamaIndex", "Haystack", "eland", "elasticsearch_dsl", "helpers"]
)
def test_a_client_of_others_runs_through_unmodified(with_model, tmp_path, name):
    elastic = with_model(ml_nodes=1)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", SCRIPTS / f"{name.lower()}_client.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            **elastic.sandbox.environment,
            "PYTHONPATH": str(PACKAGES),
            "HAYSTACK_TELEMETRY_ENABLED": "False",
            "LANGSMITH_TRACING": "false",
            "MPLBACKEND": "agg",
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-6000:]
    assert f"{name} ran through" in ended.stdout
