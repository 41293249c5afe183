"""One document, whatever file it comes from, and who may read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput
from tasks.exact_json import shortened

MOST_READERS = 100
MOST_READER_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text that answers may cite."""

    id: str
    """The file's path within its folder, with slashes; of a row also its id: `faq.jsonl#17`."""
    title: str
    text: str
    """What offsets count in: the file's own text without its front matter, or what was extracted from it."""
    readers: tuple[str, ...] = ()
    """Who may read it, sorted; empty for everybody."""
    pages: tuple[int, ...] = ()
    """Where each page begins in the text, if it has pages."""

    def page(self, offset: int) -> int | None:
        """The page that an offset is on, from 1; None without pages."""
        return sum(1 for start in self.pages if start <= offset) or None


def checked_text(text: str, place: str) -> str:
    """A text with plain line ends that says something.

    Raises:
        InvalidInput: it is blank, or contains NUL.
    """
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if not plain.strip():
        raise InvalidInput("This document has no text", source=place, accepted="a document with text")
    if "\0" in plain:
        raise InvalidInput("This document contains NUL, so it is no text", source=place)
    return plain


def readers_of(value: Any, place: str) -> tuple[str, ...]:
    """Who may read a document, from its field `readers`.

    Args:
        value: a list of names, or None if there is no such field.
        place: where it was found.

    Raises:
        InvalidInput: it is anything else. An empty list is refused too: it may mean nobody, and would mean everybody.
    """
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= MOST_READERS:  # pyright: ignore[reportUnknownArgumentType]
        raise _no_readers(value, place)  # pyright: ignore[reportUnknownArgumentType]
    names: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name) > MOST_READER_CHARACTERS:
            raise _no_readers(name, place)
    return tuple(sorted({name.strip() for name in names}))


def _no_readers(value: object, place: str) -> InvalidInput:
    return InvalidInput(
        f"This is not a list of readers: {shortened(value)}",
        source=f"{place}, field readers",
        accepted=f"a list of 1 to {MOST_READERS} names; without the field, everybody may read the document",
    )
