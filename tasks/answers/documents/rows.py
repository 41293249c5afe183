"""JSON lines: one document a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from tasks.answers.documents.documents import Document, checked_text, readers_of
from tasks.errors import InvalidInput
from tasks.exact_json import BLANK, NotExact, exact, shortened

FIELDS = ("id", "text", "title", "readers")


def read_rows(path: Path, data: bytes, id_: str) -> list[Document]:
    """The documents of a file of JSON lines, with `id` and `text`, and perhaps `title` and `readers`; other fields are left alone.

    Raises:
        InvalidInput: a row is not such an object, or its id occurred before; names the line.
    """
    found: dict[str, Document] = {}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not (stripped := line.strip(BLANK)):
            continue
        place = f"{path}, line {number}"
        row = _row(stripped, place)
        name = f"{id_}#{_id(row, place)}"
        if name in found:
            raise InvalidInput("This id occurred before", value=row["id"], source=place)
        if not isinstance(row.get("text"), str):
            raise InvalidInput(
                f"The field text is missing or no text: {shortened(row.get('text'))}", source=place
            )
        title = row.get("title")
        if title is not None and not isinstance(title, str):
            raise InvalidInput(f"The field title is no text: {shortened(title)}", source=place)
        found[name] = Document(
            id=name,
            title=title or str(row["id"]),
            text=checked_text(row["text"], place),
            readers=readers_of(row.get("readers"), place),
        )
    if not found:
        raise InvalidInput("There is no document in this file", value=str(path))
    return list(found.values())


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row: Any = exact(line)
    except NotExact as error:
        raise InvalidInput(f"This row cannot be used: {error}", source=place) from error
    if not isinstance(row, dict):
        raise InvalidInput("This row is no object", source=place, accepted='{"id": "...", "text": "..."}')
    return cast("dict[str, Any]", row)


def _id(row: dict[str, Any], place: str) -> str:
    value = row.get("id")
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
        raise InvalidInput(f"The field id is missing, or no text or number: {shortened(value)}", source=place)
    return str(value)
