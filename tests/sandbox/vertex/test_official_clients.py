"""Whole programs against the stand-in, unmodified: processes of their own, since the TLS root is read only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.vertex.options import VertexOptions

SCRIPTS = Path(__file__).with_name("scripts")
SAMPLE = Path(__file__).parents[3] / "sandbox" / "data" / "glove-100-sample.hdf5"
pytestmark = pytest.mark.slow


def run(sandbox, folder, script, *arguments):
    command = [sys.executable, str(SCRIPTS / script), *arguments]
    environment = {**os.environ, **sandbox.environment}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def sandbox(fresh):
    # The second network is the notebook's, whose gcloud lines are left out.
    return fresh(VertexOptions(clock_factor=3000, peered_networks="sandbox,ucaip-haystack-vpc-network"))


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_the_high_level_sdk_goes_through_the_whole_life_of_indexes(sandbox, tmp_path, transport):
    assert "the SDK ran through" in run(sandbox, tmp_path, "official_sdk.py", transport)


def test_the_high_level_sdk_searches_sparse_and_hybrid_as_the_documentation_does(sandbox, tmp_path):
    assert "the hybrid search ran through" in run(sandbox, tmp_path, "hybrid_search.py")


def test_the_cells_of_the_stream_update_notebook_run_through(sandbox, tmp_path):
    told = run(sandbox, tmp_path, "stream_update_notebook.py", str(SAMPLE))
    assert "the notebook ran through" in told


@pytest.mark.parametrize("notebook", ["indexing", "embeddings", "maskless"])
def test_the_calls_of_google_s_notebooks_for_imports_run_through(sandbox, tmp_path, notebook):
    told = run(sandbox, tmp_path, "import_notebooks.py", notebook, str(SAMPLE))
    assert "the notebook ran through" in told


def test_a_gapic_client_speaks_tls_with_the_made_up_account(sandbox, tmp_path):
    program = """
import os
from google.cloud import aiplatform_v1 as v1
client = v1.IndexServiceClient(client_options={"api_endpoint": os.environ["VERTEX_API_ENDPOINT"]})
print(list(client.list_indexes(parent="projects/sandbox-project/locations/us-central1")))
"""
    (tmp_path / "program.py").write_text(program)
    assert run(sandbox, tmp_path, tmp_path / "program.py").strip() == "[]"
