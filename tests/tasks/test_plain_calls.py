"""Steps outside of a flow, as a server calls them: plain calls with a few retries, which need no Prefect server."""

from __future__ import annotations

import pytest

from tasks.errors import PermanentError, TransientError
from tasks.steps import MOST_PLAIN_ATTEMPTS, plain_calls, step


@pytest.fixture
def failing():
    """A step that raises these errors, one at each call, and then returns how often it was called."""

    def of(*errors):
        left, calls = list(errors), []

        @step("fail")
        def read_something(value: str) -> int:
            """Look."""
            calls.append(value)
            if left:
                raise left.pop(0)
            return len(calls)

        return read_something, calls

    return of


def test_a_transient_error_is_tried_again(failing):
    read_something, calls = failing(TransientError("gone"))
    with plain_calls():
        assert read_something("x") == 2
    assert calls == ["x", "x"]


def test_it_ends_with_the_error_after_a_few_attempts_or_at_once_if_nothing_would_help(failing):
    always, calls = failing(*(TransientError("gone") for _ in range(MOST_PLAIN_ATTEMPTS)))
    with plain_calls(), pytest.raises(TransientError, match="gone"):
        always("x")
    assert len(calls) == MOST_PLAIN_ATTEMPTS
    never, calls = failing(PermanentError("wrong"))
    with plain_calls(), pytest.raises(PermanentError, match="wrong"):
        never("x")
    assert len(calls) == 1
