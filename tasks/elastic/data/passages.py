"""Long texts in passages of whole sentences, each short enough for a model that reads a few hundred tokens.

A text without sentence ends is cut between words, and one without spaces between characters, so that no passage is longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Kana, Han and Hangul, which have no spaces between words: each character counts as one."""
_LONGEST_WORD = 20
"""Characters; what has no space for longer, such as a base64 text, counts as several words."""
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\s{_IDEOGRAPHS}]{{1,{_LONGEST_WORD}}}")
_SENTENCE_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]+\s*|\n\s*\n")


def passages(text: str, words: int) -> Iterator[str]:
    """The passages of a text, in their order; none of a blank one.

    Args:
        text: of any length.
        words: in a passage at most. As many whole sentences as fit; only a sentence that is longer itself is cut.
    """
    held, count = "", 0
    for piece, length in _pieces(text, words):
        if held.strip() and count + length > words:
            yield held.strip()
            held, count = "", 0
        held, count = held + piece, count + length
    if held.strip():
        yield held.strip()


def texts_at(document: Any, path: str) -> Iterator[str]:
    """The texts at a path of a document: of a list each, also within a list of objects, and where dots are part of a name."""
    if isinstance(document, list):
        for each in document:  # pyright: ignore[reportUnknownVariableType]
            yield from texts_at(each, path)
    elif not path:
        if isinstance(document, str | int | float) and not isinstance(document, bool):
            yield str(document)
    elif isinstance(document, dict):
        for name, value in document.items():  # pyright: ignore[reportUnknownVariableType]
            if path == name:
                yield from texts_at(value, "")
            elif path.startswith(f"{name}."):
                yield from texts_at(value, path[len(name) + 1 :])  # pyright: ignore[reportUnknownArgumentType]


def _pieces(text: str, words: int) -> Iterator[tuple[str, int]]:
    """Sentences with what follows them, each with its number of words; cut where they have more than a passage may have."""
    for sentence in _sentences(text):
        ends = [found.end() for found in _WORD.finditer(sentence)]
        start = 0
        for first in range(0, len(ends), words):
            length = min(words, len(ends) - first)
            end = len(sentence) if first + length == len(ends) else ends[first + length - 1]
            yield sentence[start:end], length
            start = end


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for found in _SENTENCE_END.finditer(text):
        yield text[start : found.end()]
        start = found.end()
    yield text[start:]
