"""What makes a function a step: a Prefect task with a readable run name and the project's one retry policy.

A step's result is never persisted or cached: what happened is read from the target, never remembered. Waits are steps
too: their deadline is absolute, so a retry does not extend it, and a passed deadline is not transient.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from tasks.errors import PermanentError, TransientError, without_secrets
from tasks.redaction import redact_log_records

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS = [1.0, 2.0, 4.0, 8.0, 16.0]
"""Seconds before each retry, plus up to 50% jitter: a restarting service is back by then."""


MOST_PLAIN_ATTEMPTS = 3
"""Of a step outside of a flow, some seconds in all: somebody waits for the answer."""
_PLAIN: ContextVar[bool] = ContextVar("_PLAIN", default=False)


@contextmanager
def plain_calls() -> Generator[None]:
    """Run the steps within as plain calls, for a server that answers people: no runs, and nothing of theirs is stored by Prefect.

    They are retried on transient errors too, `MOST_PLAIN_ATTEMPTS` times in all.
    """
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


@contextmanager
def interruptions() -> Generator[None]:
    """Raise an interruption as such: Prefect, interrupted before it has made a run, fails over the run that it misses."""
    try:
        yield
    except Exception as error:
        before = error.__context__
        while before is not None and not isinstance(before, KeyboardInterrupt):
            before = before.__context__
        if before is None:
            raise
        raise before from None


class Step(Task[P, R]):
    """A task in a flow, and a plain call within `plain_calls`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] -- Task's has an overload for each way of calling
        """Run it."""
        if not _PLAIN.get():
            with interruptions():
                return super().__call__(*args, **kwargs)
        attempts = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(MOST_PLAIN_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=2),
            reraise=True,
        )
        return attempts(self.fn, *args, **kwargs)


def is_transient(task: Task[..., object], run: TaskRun, state: State[object]) -> bool:  # noqa: ARG001 -- Prefect's signature
    """Whether a failed attempt may be tried again. It must stay a plain function: Prefect treats any other callable as "no"."""
    return isinstance(state.result(raise_on_failure=False), TransientError)


def step(run_name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task that is retried on transient errors.

    Args:
        run_name: what the timeline shows, with parameters in braces: `ensure index {spec.name}`.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            with without_secrets():
                return function(*args, **kwargs)

        return Step(
            guarded,
            task_run_name=run_name,
            retries=len(RETRY_DELAYS),
            retry_delay_seconds=RETRY_DELAYS,
            retry_jitter_factor=0.5,
            retry_condition_fn=is_transient,
            cache_policy=NO_CACHE,
            persist_result=False,
        )

    return decorate


class ExpectedFailuresWithoutTraces(logging.Filter):
    """Removes the stack trace from a record about an expected failure: the message is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, some without their stack trace."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (PermanentError, TransientError)):
            record.exc_info = None
            record.exc_text = None
        return True


redact_log_records()
for _name in ("prefect.task_runs", "prefect.flow_runs"):
    logging.getLogger(_name).addFilter(ExpectedFailuresWithoutTraces())
