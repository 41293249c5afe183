"""Long work that is shown: whatever happens in it, its line ends with it."""

from __future__ import annotations

import ast
import logging
import os
import pty
import select
from pathlib import Path

import pytest
from rich.console import Console

from flows.console import Terminal
from tasks.batches import attempt_each
from tasks.errors import DeadlinePassed, PermanentError
from tasks.progress import Progress
from tasks.waiting import Deadline, Look, wait_until

ROOT = Path(__file__).parents[2]
SOURCES = [file for room in ("flows", "tasks") for file in sorted((ROOT / room).rglob("*.py"))]
REFRESHES = 0.5
"""Seconds in which a live line is drawn four times."""


class Broken(PermanentError):
    pass


@pytest.fixture
def records():
    """What is reported."""
    kept = []

    class Keep(logging.Handler):
        def emit(self, record):
            kept.append(record)

    logger, handler = logging.getLogger("vector_search_ops"), Keep()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield kept
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def terminal():
    """A terminal on a pseudo-terminal that shows what is reported, and the end from which it can be read."""
    ours, theirs = pty.openpty()
    logger = logging.getLogger("vector_search_ops")
    before = logger.level
    with os.fdopen(theirs, "w") as file:
        handler = Terminal(Console(file=file, force_terminal=True, width=100))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        yield handler, ours
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.end()
    os.close(ours)


def drawn(terminal, seconds):
    """What appears on it until nothing has come for that long."""
    text = b""
    while select.select([terminal], [], [], seconds)[0]:
        text += os.read(terminal, 65536)
    return text.decode()


def batches_that_are_all_accepted():
    done = Look(seen="accepted", value=True, done=True)
    attempt_each(
        "upsert", [["a"], ["b"]], lambda _: done, Deadline.after(minutes=1), total=2, outcome="accepted", unit="rows"
    )  # fmt: skip


def batches_of_which_one_is_refused():
    def attempt(part):
        if part == ["b"]:
            raise Broken("b is refused")
        return Look(seen="accepted", value=True, done=True)

    attempt_each(
        "upsert", [["a"], ["b"]], attempt, Deadline.after(minutes=1), total=2, outcome="accepted", unit="rows"
    )  # fmt: skip


def a_wait_that_ends():
    looks = iter([Look(seen="queued", value=None), Look(seen="there", value=True, done=True)])
    wait_until("wait", lambda: next(looks), Deadline.after(minutes=1))


def a_wait_that_takes_too_long():
    wait_until("wait", lambda: Look(seen="queued", value=None), Deadline.after(minutes=0.001))


def a_wait_that_fails():
    looks = iter([Look(seen="queued", value=None)])

    def look():
        if found := next(looks, None):
            return found
        raise Broken("it failed for good")

    wait_until("wait", look, Deadline.after(minutes=1))


def counted_work():
    with Progress("write") as progress:
        for number in range(1, 4):
            progress.count(number, 3)


FAILING = [batches_of_which_one_is_refused, a_wait_that_takes_too_long, a_wait_that_fails]
WORKS = [batches_that_are_all_accepted, a_wait_that_ends, counted_work, *FAILING]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__.replace("_", " "))
def test_nothing_spins_on_a_terminal_when_the_work_is_over(work, terminal):
    handler, ours = terminal
    try:
        work()
    except (Broken, DeadlinePassed):
        assert work in FAILING
    else:
        assert work not in FAILING
    drawn(ours, 0.05)
    assert drawn(ours, REFRESHES) == ""
    assert handler.last is None


def test_a_line_is_drawn_again_and_again_as_long_as_the_work_goes_on(terminal):
    _, ours = terminal
    with Progress("write") as progress:
        progress.count(1, 3)
        wait_until_drawn(ours, "write")
        wait_until_drawn(ours, "write")


def wait_until_drawn(terminal, words):
    """One line comes in as many pieces as the terminal hands out."""
    drawn = ""
    while words not in drawn:
        assert select.select([terminal], [], [], 10)[0], f"only {drawn!r} is drawn"
        drawn += os.read(terminal, 65536).decode()


def test_work_that_nobody_has_ended_is_done_as_last_seen(records):
    with Progress("write") as progress:
        progress.count(1, 2)
        progress.count(2, 2)
    assert [record.getMessage() for record in records] == ["write: 1 of 2 rows", "write: 2 of 2 rows"]
    assert [record.progress.done for record in records] == [False, True]


def cut_short(error):
    with Progress("write") as progress:
        progress.count(1, 2)
        raise error


def test_work_that_fails_says_where_it_stopped(records):
    with pytest.raises(Broken):
        cut_short(Broken("the disk is full"))
    last = records[-1]
    assert (last.getMessage(), last.progress.done, last.progress.failed) == (
        "write: stopped at 1 of 2 rows",
        False,
        True,
    )


def test_work_of_which_nothing_was_seen_is_not_reported(records):
    with Progress("write"):
        pass
    assert records == []


def test_interrupted_work_stays_what_was_last_seen(terminal):
    handler, _ = terminal
    with pytest.raises(KeyboardInterrupt):
        cut_short(KeyboardInterrupt())
    assert (handler.last.what, handler.last.seen) == ("write", "1 of 2 rows")


def test_all_long_work_is_a_block_that_ends_its_line():
    made, blocks = set(), set()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Progress":
                made.add((file, node.lineno, node.col_offset))
            if isinstance(node, ast.With):
                blocks |= {(file, one.context_expr.lineno, one.context_expr.col_offset) for one in node.items}
    assert len(made) > 8
    assert made - blocks == set()
