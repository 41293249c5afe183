"""Files with one thing a line: JSON lines, ids. Read line by line, never whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tasks.errors import InvalidInput


@contextmanager
def reading(path: Path) -> Generator[BinaryIO]:
    """Open a file that the user named.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"This file cannot be read ({error.strerror})", value=str(path)) from error


def filled_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, stripped, each with its number from 1.

    Raises:
        InvalidInput: the file cannot be read.
    """
    with reading(path) as file:
        for number, line in enumerate(file, start=1):
            if stripped := line.strip():
                yield number, stripped
