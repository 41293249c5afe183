"""A sandbox for the session, as a process of its own."""

import pytest

from sandbox import faults, process
from sandbox.announced import announcement
from sandbox.databricks.options import DatabricksOptions
from tasks.databricks.settings import databricks_settings


@pytest.fixture(scope="session")
def _sandbox(tmp_path_factory):
    running = process.start(tmp_path_factory.mktemp("sandbox"), DatabricksOptions(clock_factor=20_000))
    yield running
    running.stop()


@pytest.fixture
def sandbox(_sandbox):
    yield _sandbox
    faults.clear(_sandbox.state)


@pytest.fixture(scope="session")
def settings(_sandbox):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(_sandbox.state)))
        return databricks_settings("sandbox")
