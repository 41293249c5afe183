"""The cutting of texts into chunks.

Words and sentences are found by regular expressions, where the real service asks ICU: in text without spaces, and after
abbreviations, the cuts are elsewhere. Offsets count characters, where the real service counts UTF-16 units.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"\w+(?:['\u2019.\-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]+\s*|\n{2,}")

Span = tuple[int, int]
"""Where a piece of text starts, and where it ends; in characters."""


def by_words(text: str, most: int, overlap: int) -> Iterator[Span]:
    """Chunks of at most that many words, of which each repeats the last words of the one before."""
    return _windows(text, 0, len(text), most, overlap)


def by_sentences(text: str, most: int, overlap: int) -> Iterator[Span]:
    """Chunks of whole sentences with at most that many words; `overlap` sentences, 0 or 1, are repeated."""
    held: list[tuple[int, int, int]] = []
    for start, end in _sentences(text):
        words = _count(text, start, end)
        if words > most:
            if held:
                yield held[0][0], held[-1][1]
            yield from _windows(text, start, end, most, 0)
            held = []
            continue
        if held and sum(count for *_, count in held) + words > most:
            yield held[0][0], held[-1][1]
            again = overlap and len(held) > 1 and held[-1][2] + words <= most
            held = held[-1:] if again else []
        held.append((start, end, words))
    if held:
        yield held[0][0], held[-1][1]


def by_separators(text: str, most: int, separators: Sequence[re.Pattern[str]]) -> list[Span]:
    """Chunks that begin at separators, tried one after the other where a piece is still too long (`RecursiveChunker.java`).

    What has none of them is cut by sentences. Neighbors that fit together are one chunk.
    """
    if len(text) <= 1 or _count(text, 0, len(text)) <= most:
        return [(0, len(text))]
    if not separators:
        return list(by_sentences(text, most, 0))
    found: list[Span] = []
    for start, end in _merged(text, _pieces(text, separators[0]), most):
        within = by_separators(text[start:end], most, separators[1:])
        found += [(start + first, start + last) for first, last in within]
    return found


def _pieces(text: str, separator: re.Pattern[str]) -> list[Span]:
    """Pieces of a text, each with the separator before it."""
    starts = [found.start() for found in separator.finditer(text) if found.start() > 0]
    cuts = [0, *starts, len(text)]
    return [(start, end) for start, end in itertools.pairwise(cuts) if start < end]


def _merged(text: str, pieces: Sequence[Span], most: int) -> list[Span]:
    merged = [pieces[0]]
    for start, end in pieces[1:]:
        if _count(text, merged[-1][0], end) <= most:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for found in _SENTENCE_END.finditer(text):
        yield start, found.end()
        start = found.end()
    if start < len(text):
        yield start, len(text)


def _windows(text: str, start: int, end: int, most: int, overlap: int) -> Iterator[Span]:
    """Runs of words; a piece without any word is one run."""
    words = [found.start() for found in _WORD.finditer(text, start, end)] or [start]
    for first in range(0, max(1, len(words) - overlap), most - overlap):
        last = first + most
        yield start if first == 0 else words[first], words[last] if last < len(words) else end


def _count(text: str, start: int, end: int) -> int:
    return sum(1 for _ in _WORD.finditer(text, start, end))
