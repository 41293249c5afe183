"""A sandbox for the session, as a process of its own."""

import itertools

import pytest

from sandbox import process
from sandbox.announced import announcement
from sandbox.vertex.options import VertexOptions
from tasks.vertex.settings import vertex_settings
from tasks.waiting import Deadline

_names = itertools.count()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    running = process.start(tmp_path_factory.mktemp("sandbox"), VertexOptions(clock_factor=20_000))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def settings(sandbox):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VECTOR_SEARCH_SANDBOX", str(announcement(sandbox.state)))
        return vertex_settings("sandbox")


@pytest.fixture
def deadline():
    return Deadline.after(seconds=60)


@pytest.fixture
def name():
    return f"films-{next(_names)}"
