"""Whether two knowledge bases hold the same documents, however these are cut: only then do their numbers compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tasks.answers.chunks import Chunk, is_only_headings
from tasks.errors import InvalidInput
from tasks.plurals import counted

_GAP = "\0"
"""Stands for a character that no passage holds: what the splitter trims, and headings without text under them."""
_SHOWN = 3


def refuse_other_documents(
    first: Sequence[Chunk], other: Sequence[Chunk], *, names: tuple[str, str], source: str
) -> None:
    """See that two knowledge bases were made from the same documents with the same titles and readers.

    Args:
        first: every passage of the one.
        other: every passage of the other.
        names: what the two are called.
        source: where the other comes from.

    Raises:
        InvalidInput: they were not; names the first documents that differ, and how.
    """
    found = list(_differing(first, other, names))
    if found:
        more = f" and {counted(len(found) - _SHOWN, 'other')}" if len(found) > _SHOWN else ""
        raise InvalidInput(
            f"Only what holds the same documents can be compared. {names[1]} differs from {names[0]}", value=", ".join(found[:_SHOWN]) + more,
            source=source, remedy="Index the same folder under both names with `answers index`.",
        )  # fmt: skip


def _differing(first: Sequence[Chunk], other: Sequence[Chunk], names: tuple[str, str]) -> Iterator[str]:
    """Each document that differs, with the reason."""
    ours, theirs = _by_document(first), _by_document(other)
    for document in sorted(ours.keys() | theirs.keys()):
        if document not in theirs or document not in ours:
            yield f"{document} (only in {names[document not in ours]})"
        elif not _has_same_text(ours[document], theirs[document]):
            yield f"{document} (another text)"
        elif ours[document][0].title != theirs[document][0].title:
            yield f"{document} (another title)"
        elif set(ours[document][0].readers) != set(theirs[document][0].readers):
            yield f"{document} (other readers)"


def _by_document(chunks: Sequence[Chunk]) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for chunk in sorted(chunks, key=lambda one: (one.document, one.start)):
        found.setdefault(chunk.document, []).append(chunk)
    return found


def _has_same_text(first: Sequence[Chunk], other: Sequence[Chunk]) -> bool:
    """Whether the same characters are in the same places; where only one has any, they are blanks or headings without text."""
    one, two = _text(first), _text(other)
    length = max(len(one), len(two))
    one, two = one.ljust(length, _GAP), two.ljust(length, _GAP)
    return (
        _filled(one, two) == _filled(two, one)
        and _has_only_headings_more(one, two)
        and _has_only_headings_more(two, one)
    )


def _text(chunks: Sequence[Chunk]) -> str:
    """The text of a document up to the last passage, with gaps. Chunks are in their order, and may overlap."""
    parts, end = list[str](), 0
    for chunk in chunks:
        parts += [_GAP * (chunk.start - end), chunk.text[max(0, end - chunk.start) :]]
        end = max(end, chunk.end)
    return "".join(parts)


def _gaps(text: str) -> Iterator[re.Match[str]]:
    return re.finditer(f"{_GAP}+", text)


def _filled(text: str, other: str) -> str:
    return re.sub(f"{_GAP}+", lambda gap: other[gap.start() : gap.end()], text)


def _has_only_headings_more(text: str, other: str) -> bool:
    """Whether the other has nothing but blanks and headings where a text has gaps."""
    return all(
        is_only_headings(other[gap.start() : gap.end()].replace(_GAP, "\n").lstrip()) for gap in _gaps(text)
    )
