"""Every document of a folder, in the order of paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.answers.documents.documents import Document
from tasks.answers.documents.docx import read_docx
from tasks.answers.documents.html import read_html
from tasks.answers.documents.markdown import read_markdown, read_text
from tasks.answers.documents.pdf import read_pdf
from tasks.answers.documents.rows import read_rows
from tasks.errors import InvalidInput
from tasks.lines import check_file

Reader = Callable[[Path, bytes, str], list[Document]]
FORMATS: Mapping[str, Reader] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".txt": read_text,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".jsonl": read_rows,
}
MOST_FILE_BYTES = 50_000_000
"""A file is read whole, and a flow has 512 MB."""
PART_BYTES, PART_FILES = 250_000, 10
"""Of a part that one process reads at a time: a second of work or two, if it is a PDF."""


@dataclass(frozen=True)
class Folder:
    """The files of a folder that hold documents, and those that do not."""

    path: Path
    files: tuple[Path, ...]
    others: tuple[str, ...]
    """Files of other formats, by their paths within the folder. They are left out."""


def read_folder(path: Path) -> Folder:
    """Find the files of a folder and its folders. What begins with a dot is left out.

    Raises:
        InvalidInput: it is no folder, or has no documents; or a link leads out of it, to what nobody meant to publish; or a folder
            within it cannot be read, whose documents would leave the answers without a word.
    """
    source = "--documents"
    if not os.path.isdir(path):  # noqa: PTH112 -- Path.is_dir raises for what may not be looked at, or has too long a name
        raise InvalidInput(
            "This is no folder", value=str(path), source=source, accepted="a folder of documents"
        )
    root, files, others = path.resolve(), list[Path](), list[str]()
    for folder, folders, names in os.walk(root, onerror=_refuse_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in (*folders, *names):
            _refuse_way_out(Path(folder, name), root)
        for name in sorted(name for name in names if not name.startswith(".")):
            file = Path(folder, name)
            if file.suffix.lower() in FORMATS:
                files.append(file)
            else:
                others.append(file.relative_to(root).as_posix())
    if not files:
        raise InvalidInput(
            "There are no documents in this folder", value=str(path), source=source, accepted=f"files that end in {', '.join(FORMATS)}",
        )  # fmt: skip
    return Folder(
        root, tuple(sorted(files, key=lambda file: file.relative_to(root).as_posix())), tuple(others)
    )


def parts(folder: Folder) -> list[Folder]:
    """A folder as parts of at most `PART_BYTES` or one file, in the same order: equal folders have equal parts."""
    found, size = list[list[Path]](), PART_BYTES
    for file in folder.files:
        bytes_ = (
            file.lstat().st_size
        )  # of a link itself: it may lead nowhere, which is said when the file is read
        if size + bytes_ > PART_BYTES or len(found[-1]) == PART_FILES:
            found.append([])
            size = 0
        found[-1].append(file)
        size += bytes_
    return [Folder(folder.path, tuple(files), ()) for files in found]


def documents(folder: Folder) -> Iterator[Document]:
    """The documents of a folder, one file after the other.

    Raises:
        InvalidInput: a file cannot be used; names it.
    """
    for file in folder.files:
        check_file(file)
        if (size := file.stat().st_size) > MOST_FILE_BYTES:
            raise InvalidInput(
                f"This file has {size:,} bytes", value=str(file), accepted=f"at most {MOST_FILE_BYTES:,}"
            )
        try:
            data = file.read_bytes()
        except OSError as error:
            raise InvalidInput(f"This file cannot be read ({error.strerror})", value=str(file)) from error
        yield from FORMATS[file.suffix.lower()](file, data, file.relative_to(folder.path).as_posix())


def _refuse_unreadable(error: OSError) -> None:
    raise InvalidInput(
        f"This folder cannot be read ({error.strerror})", value=str(error.filename), source="--documents",
        remedy="Make it readable, or move it elsewhere: its documents would be missing from the answers.",
    ) from error  # fmt: skip


def _refuse_way_out(found: Path, root: Path) -> None:
    if found.is_symlink() and not found.resolve().is_relative_to(root):
        raise InvalidInput(
            "This link leads out of the folder", value=str(found), source="--documents", accepted="links within the folder",
            remedy="Put a copy in its place, if others may read it.",
        )  # fmt: skip
