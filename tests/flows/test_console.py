"""What a person sees: rendered to a string, as a terminal and as a file."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
from rich.console import Console

from flows.console import Seen, Terminal, duration, take_over

ENGINE_RETRY = "Task run failed with %s: %r - Retry %s/%s will start %s"


@pytest.fixture(autouse=True)
def _logging_as_before():
    loggers = [
        logging.getLogger(name) for name in (None, "prefect._internal", "flows", "tasks", "vector_search_ops")
    ]
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)


def record(
    message,
    *args,
    name="prefect.task_runs",
    level=logging.INFO,
    path="tasks/somewhere.py",
    progress=None,
    exc_info=None,
):
    made = logging.LogRecord(name, level, path, 1, message, args, exc_info)
    if progress is not None:
        made.progress = progress
    return made


def shown(*records, terminal=False, debug=False, quiet=False) -> str:
    out = io.StringIO()
    handler = Terminal(Console(file=out, force_terminal=terminal, width=100), debug=debug, quiet=quiet)
    for one in records:
        handler.handle(one)
    handler.end()
    return out.getvalue()


def test_progress_in_a_file_is_a_line_only_when_something_changed():
    looks = [Seen("deploy index glove", "queued"), Seen("deploy index glove", "queued", elapsed=1.0)]
    looks += [Seen("deploy index glove", "deploying", elapsed=2.0, left=61.0)]
    looks += [Seen("deploy index glove", "deployed", elapsed=63.0, done=True)]
    assert shown(*(record("", progress=look) for look in looks)).splitlines() == [
        "deploy index glove: queued",
        "deploy index glove: deploying (2 s, about 1 min 1 s left)",
        "✓ deploy index glove: deployed (1 min 3 s)",
    ]


@pytest.mark.parametrize("whole", [9, None], ids=["of a known whole", "of an unknown whole"])
def test_a_count_in_a_file_is_a_line_now_and_then_and_at_its_end(whole):
    looks = [
        Seen("load", f"{number} of 9", fraction=number / whole if whole else None) for number in range(9)
    ]
    looks += [Seen("load", "9 of 9", fraction=1.0, done=True)]
    assert shown(*(record("", progress=look) for look in looks)).splitlines() == [
        "load: 0 of 9",
        "✓ load: 9 of 9",
    ]


def test_a_file_gets_no_control_codes():
    look = Seen("upload", "1 of 2 files", fraction=0.5)
    error = record("no such index", level=logging.ERROR)
    assert "\x1b" not in shown(record("", progress=look), record("a [bold]line"), error)


def test_a_terminal_gets_a_live_line_with_a_bar_and_the_time_left():
    out = shown(
        record("", progress=Seen("upload", "1 of 2 files", fraction=0.5, elapsed=3, left=4)), terminal=True
    )
    assert "\x1b[" in out
    for part in ("upload", "1 of 2 files", "━", "3 s", "about 4 s left"):
        assert part in out


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = shown(record("broken", level=logging.ERROR), terminal=True)
    assert "\x1b[31m" not in out
    assert "1;31" not in out


def test_a_tasks_own_lines_are_printed_as_they_are():
    assert shown(record("found [2] of %s", 3)) == "found [2] of 3\n"


@pytest.mark.parametrize(
    "chatter",
    [
        record("Beginning flow run 'a' for flow 'b'", name="prefect.engine", path="prefect/flow_engine.py"),
        record("View at http://127.0.0.1", name="prefect.flow_runs", path="prefect/flow_engine.py"),
        record("Finished in state Completed()", path="prefect/task_engine.py"),
        record("Finished in state Failed('x')", level=logging.ERROR, path="prefect/task_engine.py"),
        record(
            "Crash detected! x", name="prefect.flow_runs", level=logging.ERROR, path="prefect/flow_engine.py"
        ),
        record("Still processing items: 1 items remaining...", name="EventsWorker", level=logging.WARNING),
        record(
            "Service %r failed to process item %r",
            "ConcurrencySlotAcquisitionWithLeaseService",
            1,
            name="prefect._internal.concurrency",
            level=logging.ERROR,
        ),
    ],
    ids=lambda chatter: chatter.getMessage()[:20],
)
def test_prefects_chatter_is_not_shown(chatter):
    assert shown(chatter) == ""


def test_prefects_warnings_are_shown():
    assert (
        shown(record("API is old", name="prefect.client", level=logging.WARNING)) == "warning: API is old\n"
    )


def test_a_retried_attempt_says_why_and_when_again():
    retry = record(
        ENGINE_RETRY,
        "exception",
        OSError("reset"),
        1,
        5,
        "2.1701460554461125 second(s) from now",
        path="prefect/task_engine.py",
    )
    assert shown(retry) == "reset Trying again (1 of 5) in 2 s.\n"


def test_stack_traces_are_for_debug_only():
    try:
        raise KeyError("x")
    except KeyError as error:
        failed = record("failed", level=logging.ERROR, exc_info=(KeyError, error, error.__traceback__))
    assert "Traceback" not in shown(failed)
    assert "Traceback" in shown(failed, debug=True)


def test_taking_over_replaces_prefects_console_handler():
    import prefect.main  # noqa: F401 -- sets logging up
    from prefect.logging.handlers import PrefectConsoleHandler

    terminal = take_over(Console(file=io.StringIO()))
    root = logging.getLogger()
    assert root.handlers == [terminal]
    assert not any(isinstance(handler, PrefectConsoleHandler) for handler in root.handlers)


def test_the_last_thing_seen_is_kept_for_an_interruption():
    terminal = Terminal(Console(file=io.StringIO()))
    terminal.handle(record("", progress=Seen("deploy", "queued")))
    terminal.end()
    assert terminal.last is not None
    assert terminal.last.seen == "queued"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.7, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (3840, "1 h 4 min")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_quiet_shows_errors_only_and_still_knows_what_was_last_seen(terminal):
    looks = [
        record("", progress=Seen("load", "1 of 2")),
        record("", progress=Seen("load", "2 of 2", done=True)),
    ]
    lines = [record("The cost is shown."), record("careful", level=logging.WARNING)]
    retry = record(ENGINE_RETRY, "", "gone", 1, 5, "1.5 second(s) from now", level=logging.ERROR)
    assert shown(*looks, *lines, retry, terminal=terminal, quiet=True) == ""
    assert shown(record("lost", level=logging.ERROR), quiet=True).strip() == "error: lost"
    handler = Terminal(Console(file=io.StringIO()), quiet=True)
    handler.handle(looks[0])
    assert handler.last.seen == "1 of 2"
