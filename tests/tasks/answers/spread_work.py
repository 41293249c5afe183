"""Work that a test spreads over processes, in a module of its own that they can import quickly."""

import os
import signal
from multiprocessing import parent_process
from pathlib import Path

from tasks.errors import InvalidInput


def squared(number):
    return number, number * number


def squared_once_killed(mark, number):
    """The process of the fourth part is killed the first time."""
    if number == 3 and parent_process() and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return squared(number)


def always_killed(_number):
    os.kill(os.getpid(), signal.SIGKILL)


def refused(number):
    if number == 2:
        raise InvalidInput("This number is even", value=number, source="a test")
    return number
