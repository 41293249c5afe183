"""Files with one thing a line: JSON lines, ids. Read line by line within bounded memory, never whole."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tasks.errors import InvalidInput
from tasks.exact_json import BLANK

MOST_LINE_BYTES = 8_000_000
"""The longest line that is read. A parsed line takes up to thirty times its length in memory, and a flow has 512 MB."""
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_file(path: Path, *, source: str = "") -> None:
    """Refuse what is no ordinary file, before anything opens it: a pipe blocks, a device has no end.

    Args:
        path: what the user named; a link is followed.
        source: the option or setting that names it.

    Raises:
        InvalidInput: nothing is there, it cannot be looked at, or it is a folder, pipe, device or socket.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 -- also for what is no valid path
    except OSError as error:
        raise InvalidInput(
            f"This file cannot be read ({error.strerror})", value=str(path), source=source
        ) from error
    except ValueError as error:  # a NUL, or half of a surrogate pair
        raise InvalidInput("This is not the path of a file", value=str(path), source=source) from error
    if not stat.S_ISREG(mode):
        raise InvalidInput(
            f"This is {_KINDS.get(stat.S_IFMT(mode), 'no file')}, not a file", value=str(path), source=source,
            accepted="an ordinary file; it is read more than once",
        )  # fmt: skip


@contextmanager
def reading(path: Path, *, source: str = "") -> Generator[BinaryIO]:
    """Open a file that the user named.

    Raises:
        InvalidInput: it cannot be read, or is no ordinary file.
    """
    check_file(path, source=source)
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InvalidInput(
            f"This file cannot be read ({error.strerror})", value=str(path), source=source
        ) from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    r"""Every line with its number from 1, as it is except for its end (`\n` or `\r\n`) and a byte order mark before the first.

    Raises:
        InvalidInput: the file cannot be read, a line is longer than `MOST_LINE_BYTES`, or the text is UTF-16.
    """
    with reading(path) as file:
        refuse_utf16(file, path)
        number = 0
        while line := file.readline(MOST_LINE_BYTES + 2):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            if len(line) > MOST_LINE_BYTES:
                raise InvalidInput(
                    f"Line {number} is longer than {MOST_LINE_BYTES:,} bytes", source=str(path)
                )
            yield number, line


def filled_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, without the blanks around them, each with its number from 1.

    Raises:
        InvalidInput: as `lines`.
    """
    for number, line in lines(path):
        if stripped := line.strip(BLANK):
            yield number, stripped


def refuse_utf16(file: BinaryIO, path: Path) -> None:
    """Look at the beginning of an open file and go back to it.

    Raises:
        InvalidInput: it begins with the byte order mark of UTF-16 or UTF-32.
    """
    start = file.read(4)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise InvalidInput("This file is UTF-16 or UTF-32", value=str(path), accepted="UTF-8")
