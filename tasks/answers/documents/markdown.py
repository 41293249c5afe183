"""Markdown and plain text, as they are, without a front matter."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

import yaml

from tasks.answers.documents.documents import Document, checked_text, readers_of
from tasks.errors import InvalidInput

_FRONT = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_LIKE_FRONT = re.compile(r"\s*---[ \t]*\n(?:.+\n)*?readers[ \t]*:")
"""Blank lines before it, or no end of it. It ends at the first blank line, where a text begins."""
_MOST_FRONT = 10_000
_TITLE = re.compile(r"^# +(.+?)[ #]*$", re.MULTILINE)


def read_markdown(path: Path, data: bytes, id_: str) -> list[Document]:
    """The document of a Markdown file. Its front matter may have `title` and `readers`; other fields are left alone."""
    text = decoded(path, data)
    front, body = _parted(path, text)
    body = checked_text(body, str(path))
    heading = _TITLE.search(body)
    title = str(front.get("title") or (heading[1] if heading else path.stem))
    return [Document(id=id_, title=title, text=body, readers=readers_of(front.get("readers"), str(path)))]


def read_text(path: Path, data: bytes, id_: str) -> list[Document]:
    """The document of a text file: everybody may read it, since it has no place to say otherwise."""
    return [Document(id=id_, title=path.stem, text=checked_text(decoded(path, data), str(path)))]


def decoded(path: Path, data: bytes) -> str:
    """The text of a file.

    Raises:
        InvalidInput: it is not UTF-8.
    """
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"This file is not UTF-8 at byte {error.start + 1:,}", value=str(path), accepted="UTF-8"
        ) from error


def _parted(path: Path, text: str) -> tuple[dict[str, Any], str]:
    """Front matter and the rest.

    Raises:
        InvalidInput: it cannot be read, or looks like front matter with readers and is none: everybody would read the document.
    """
    found = _FRONT.match(text.replace("\r\n", "\n"))
    if found is None:
        if _LIKE_FRONT.match(text.replace("\r\n", "\n")):
            raise InvalidInput(
                "This looks like a front matter with readers, but is none, so everybody could read the document", source=str(path),
                accepted="a front matter that begins on the first line and ends with a line of its own, each ---",
            )  # fmt: skip
        return {}, text
    if len(found[1]) > _MOST_FRONT:
        raise InvalidInput(f"The front matter is longer than {_MOST_FRONT:,} characters", source=str(path))
    try:
        front: Any = yaml.safe_load(found[1])
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())
        raise InvalidInput(f"The front matter is not YAML ({said})", source=str(path)) from error
    if front is not None and not isinstance(front, dict):
        raise InvalidInput(
            "The front matter holds no fields", source=str(path), accepted="title: TEXT, readers: [NAME]"
        )
    return front or {}, text.replace("\r\n", "\n")[found.end() :]
