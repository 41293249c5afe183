"""One changing run at a time for a name, in turn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from flows.running.slots import holding
from tasks.errors import DeadlinePassed
from tasks.waiting import Deadline
from tests.flows.client_settings import client_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def _api(stack):
    with client_settings(stack):
        yield


@pytest.mark.usefixtures("_api")
def test_a_second_run_waits_until_its_deadline_and_says_for_what(name):
    with (
        holding("vertex", name, Deadline.after(seconds=60), where="here"),
        pytest.raises(DeadlinePassed, match=f"slot of '{name}'; last seen: another run holds it"),
        holding("vertex", name, Deadline.after(seconds=0.5), where="here"),
    ):
        pass


@pytest.mark.usefixtures("_api")
def test_runs_that_begin_at_the_same_moment_all_get_their_turn(name):
    def hold():
        with holding("vertex", name, Deadline.after(seconds=60), where="here"):
            return True

    with ThreadPoolExecutor(4) as pool:
        turns = [pool.submit(copy_context().run, hold) for _ in range(4)]
        assert all(turn.result() for turn in turns)


@pytest.mark.usefixtures("_api")
def test_the_same_name_in_another_project_or_region_has_another_slot(name):
    with (
        holding("vertex", name, Deadline.after(seconds=60), where="a-us-central1"),
        holding("vertex", name, Deadline.after(seconds=60), where="b-us-central1"),
        holding("vertex", name, Deadline.after(seconds=60), where="a-europe-west4"),
    ):
        pass
