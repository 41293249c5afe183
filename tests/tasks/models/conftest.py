"""Model servers as processes, by their options, and the settings of each."""

import pytest

from sandbox import faults, process
from sandbox.announced import announcement
from sandbox.model_server.options import ModelServerOptions
from tasks.models.settings import model_settings


class ModelServerStandIn:
    """A model server, its settings and its faults."""

    def __init__(self, state, options):
        self.state = state
        self.process = process.start(state, options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(self.state)))
            self.settings = model_settings("sandbox")

    def fault(self, method, kind, when="before", **how):
        faults.add(self.state, method, kind, when, **how)

    @property
    def struck(self):
        return len(faults.struck(self.state))


@pytest.fixture(scope="session")
def _servers(tmp_path_factory):
    made = {}

    def of(options):
        if options not in made:
            made[options] = ModelServerStandIn(tmp_path_factory.mktemp("models"), options)
        return made[options]

    yield of
    for each in made.values():
        each.process.stop()


@pytest.fixture
def server_with(_servers):
    """The session's server of these options, its faults cleared afterwards: `server_with(error_shape="vllm")`."""
    used = []

    def of(**options):
        used.append(_servers(ModelServerOptions(**options)))
        return used[-1]

    yield of
    for each in used:
        faults.clear(each.state)
