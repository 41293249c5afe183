"""Ctrl-C between two steps, where Prefect has not made the next one's run yet."""

from __future__ import annotations

import pytest
from prefect.task_engine import SyncTaskRunEngine

from tasks.steps import interruptions, step


@step("look")
def read_something() -> int:
    """Look."""
    return 1


def crashed():
    """What Prefect's engine makes of an interruption that comes before it has made the run."""
    try:
        raise KeyboardInterrupt("here")
    except BaseException as interruption:
        SyncTaskRunEngine(task=read_something).handle_crash(interruption)
        raise


def closed():
    """The same, after something else has failed on the way out."""
    try:
        crashed()
    except ValueError as error:
        raise RuntimeError("closed") from error


def test_prefect_itself_fails_over_the_run_that_it_misses():
    with pytest.raises(ValueError, match="Task run is not set"):
        crashed()


@pytest.mark.parametrize("ending", [crashed, closed])
def test_an_interruption_before_the_run_is_an_interruption(ending):
    with pytest.raises(KeyboardInterrupt, match="here"), interruptions():
        ending()


def test_any_other_error_is_itself():
    with pytest.raises(ValueError, match="wrong"), interruptions():
        raise ValueError("wrong")
