"""A run in a process that a worker has started: without its worker it goes on, without Prefect's server it ends honestly."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from prefect.context import FlowRunContext
from prefect.settings import get_current_settings
from rich.console import Console

from flows.console import LEASE_LOST, PLUMBING
from flows.running.garbage import spare_what_is_loaded
from flows.running.outage import Watch
from tasks.redaction import redacted

_RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"
"""Set by a worker in the process of a run."""
_OUTAGE = "Prefect cannot show it: its API does not answer any more. Its automations start the run again when it does."
_WITH_HANDLERS = (None, "prefect", "prefect._internal", "prefect.flow_runs", "prefect.task_runs")
"""The loggers to which Prefect gives handlers of their own."""

_log = logging.getLogger("vector_search_ops")


@contextmanager
def watched() -> Generator[None]:
    """Watch Prefect's API while a flow's own function runs, if a worker has started this process for the run.

    If the API is gone at the end, so is the process: what Prefect would still do can only fail, minute after minute. In
    any other process, this does nothing.
    """
    if Watch.current is not None or not _is_of_a_worker():
        yield
        return
    spare_what_is_loaded()
    _silence_the_queues()
    _outlive_the_worker()
    watch = Watch(get_current_settings().api.url or "").start()
    try:
        yield
    except BaseException as error:
        watch.settle()
        if watch.is_gone:
            _log.error("The run failed: %s %s", redacted(" ".join(str(error).split())), _OUTAGE)
        watch.leave(1)
        raise
    watch.settle()
    if watch.is_gone:
        _log.warning("The run is done. %s", _OUTAGE)
    watch.leave(0)


def _is_of_a_worker() -> bool:
    run = FlowRunContext.get()
    if run is None or run.flow_run is None:
        return False
    return str(run.flow_run.id) == os.environ.get(_RUN_VARIABLE)


def _silence_the_queues() -> None:
    """Keep what Prefect's queues say about an outage out of the worker's log: the watch says it once, without their events."""
    logging.raiseExceptions = False
    for name in _WITH_HANDLERS:
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(_is_worth_a_line)


def _outlive_the_worker() -> None:
    """Go on when the worker is gone, which reads what is logged here: rich would end the process at the next line."""
    for name in _WITH_HANDLERS:
        for handler in logging.getLogger(name).handlers:
            if isinstance(console := getattr(handler, "console", None), Console):
                console.on_broken_pipe = partial(setattr, console, "quiet", True)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return not (record.name.startswith(PLUMBING) or str(record.msg).startswith(LEASE_LOST))
