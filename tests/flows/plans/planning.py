"""Plans made and flows run by their commands, in this process and without a server of Prefect's, against one sandbox for all engines."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest

from flows.commands import load
from flows.engines import ENGINES
from flows.plan import plan_of
from flows.report import Report
from sandbox import process, write_log
from sandbox.announced import announcement
from sandbox.databricks.options import DatabricksOptions
from sandbox.elastic.options import ElasticOptions
from sandbox.model_server.options import ModelServerOptions
from sandbox.vertex.options import VertexOptions
from tasks.steps import plain_calls

ENTRIES = {engine.command(entry): (engine, entry) for engine in ENGINES for entry in engine.flows}
OPTIONS = (
    VertexOptions(clock_factor=20_000, upsert_delay=0.02),
    ElasticOptions(download_seconds=0.1, start_seconds=0.05),
    DatabricksOptions(clock_factor=20_000, write_delay=0.02),
    ModelServerOptions(),
)


class Flows:
    """`flows.plan("vertex build", ...)` and `flows.do(...)` on the target sandbox."""

    def __init__(self, state):
        self.state = state

    def plan(self, command, **options):
        """The plan, seen to change nothing."""
        before = write_log.read(self.state)
        plan = plan_of(load(ENTRIES[command][1].entrypoint), {"target": "sandbox", **options})
        assert write_log.read(self.state) == before
        assert plan.flow == command
        return plan

    def do(self, command, **options):
        """Runs it; the number of changing calls."""
        before = write_log.count(self.state)
        with plain_calls():
            load(ENTRIES[command][1].entrypoint).fn(target="sandbox", **options)
        return write_log.count(self.state) - before


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """Stand-ins of every engine."""
    started = process.start(tmp_path_factory.mktemp("sandbox"), *OPTIONS)
    yield started
    started.stop()


@contextmanager
def working(state, home):
    """Flows on the stand-ins of a state folder, without slots and published reports, which Prefect's server keeps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(state)))
        patch.setenv("VECTOR_SEARCH_HOME", str(home))
        patch.setattr("flows.runs.holding", lambda *_, **__: nullcontext())
        patch.setattr(Report, "publish", lambda _: None)
        yield Flows(state)


@pytest.fixture
def flows(sandbox, tmp_path):
    """Plans and runs flows by their commands: `flows.plan("vertex build", ...)`, `flows.do(...)`."""
    with working(sandbox.state, tmp_path / "home") as found:
        yield found


def acts(plan):
    """What would become of what: `{"index": "create"}`."""
    return {one.kind: one.action for one in plan.resources}
