"""Files with one thing a line, whatever a file can be."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import InvalidInput
from tasks.lines import MOST_LINE_BYTES, check_file, filled_lines, lines


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"a\nb\n", [b"a", b"b"], id="lf"),
        pytest.param(b"a\r\nb\r\n", [b"a", b"b"], id="crlf"),
        pytest.param(b"a\nb", [b"a", b"b"], id="no end of the last line"),
        pytest.param(b"\xef\xbb\xbfa\nb", [b"a", b"b"], id="a byte order mark"),
        pytest.param(b" a \n\n\tb\x0b\n", [b" a ", b"", b"\tb\x0b"], id="blanks stay"),
        pytest.param(b"a\rb\n", [b"a\rb"], id="a carriage return within"),
        pytest.param(b"", [], id="empty"),
    ],
)
def test_a_line_is_taken_as_it_is_without_its_end(
    tmp_path: Path, content: bytes, expected: list[bytes]
) -> None:
    assert [line for _, line in lines(written(tmp_path, content))] == expected


def test_blank_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    assert list(filled_lines(written(tmp_path, b"\r\n a \n \t \nb"))) == [(2, b"a"), (4, b"b")]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_may_have_the_greatest_length_and_not_a_byte_more(tmp_path: Path, end: bytes) -> None:
    assert [len(line) for _, line in lines(written(tmp_path, b"x" * MOST_LINE_BYTES + end))] == [
        MOST_LINE_BYTES
    ]
    with pytest.raises(InvalidInput, match=r"Line 2 is longer than 8,000,000 bytes"):
        list(lines(written(tmp_path, b"a\n" + b"x" * (MOST_LINE_BYTES + 1) + end)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_another_encoding_with_a_byte_order_mark_is_named(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"
    with pytest.raises(InvalidInput, match="UTF-16 or UTF-32"):
        list(lines(written(tmp_path, f"{mark}a\n".encode(encoding))))


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def broken_link(path: Path) -> Path:
    path.symlink_to("nowhere")
    return path


def circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


def listening(path: Path) -> Path:
    # A socket's path is at most some hundred bytes long.
    here = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)
    return path


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (folder, "a folder, not a file"),
        (pipe, "a pipe, not a file"),
        (listening, "a socket, not a file"),
        (broken_link, "No such file"),
        (circle, "symbolic links"),
        (lambda _: Path("/dev/zero"), "a device, not a file"),
        (lambda path: path / "below", "No such file"),
        (lambda path: Path(f"{path}\0"), "not the path of a file"),
        (lambda path: Path(f"{path}\ud800"), "not the path of a file"),
        (lambda path: path.with_name("n" * 300), "File name too long"),
    ],
)
def test_what_is_no_file_is_refused_before_it_is_opened(
    tmp_path: Path, made: Callable[[Path], Path], said: str
) -> None:
    path = made(tmp_path / "it")
    with pytest.raises(InvalidInput, match=said):
        check_file(path)
    with pytest.raises(InvalidInput, match=said):
        list(lines(path))


def test_an_error_shows_the_beginning_of_a_long_value() -> None:
    error = InvalidInput("Too long", value="x" * 100_000)
    assert len(str(error)) < 1_200
    assert "characters)" in str(error)
