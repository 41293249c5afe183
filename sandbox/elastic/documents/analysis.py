r"""Analyzers: text to terms. The standard one uses the word breaks of UAX #29, lower case, and at most 255 characters per term.

The breaks come from the `regex` module's `\b` with WORD; which stretches between them are words is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

MAX_TOKEN_LENGTH = 255
_BREAKS = regex.compile(r"\b", regex.WORD | regex.V1)
# A word contains a letter, digit or emoji. Ideographs and hiragana break one by one, as in UAX #29.
_WORD = regex.compile(r"[\p{Alphabetic}\p{Nd}\p{Extended_Pictographic}]")
# The module also breaks at apostrophes before vowels ("l'objectif"), which Lucene does not. A full stop follows the
# same rules otherwise.
_APOSTROPHES = {ord("'"): ".", ord("\u2019"): "."}
# The same rules in ASCII: . : ' join letters, . , ; ' join digits, underscores join everything.
_ASCII = re.compile(r"\w+(?:(?:(?<=[a-z])[.:'](?=[a-z])|(?<=[0-9])[.,;'](?=[0-9]))\w+)*", re.ASCII)
_LETTERS = regex.compile(r"\p{L}+")


def standard(text: str) -> list[str]:
    """The terms of the standard analyzer, in order."""
    words = _words(text)
    if any(len(word) > MAX_TOKEN_LENGTH for word in words):
        words = [part for word in words for part in _cut(word)]
    return words


def simple(text: str) -> list[str]:
    """Runs of letters, in lower case."""
    return _LETTERS.findall(text.lower())


def whitespace(text: str) -> list[str]:
    """The parts between spaces, unchanged."""
    return [part for word in text.split() for part in _cut(word)]


def keyword(text: str) -> list[str]:
    """The whole text as one term."""
    return [text]


_ANALYZERS: dict[str, Callable[[str], list[str]]] = {
    "standard": standard,
    "default": standard,
    "simple": simple,
    "whitespace": whitespace,
    "keyword": keyword,
}


def analyzer(name: str | None) -> Callable[[str], list[str]]:
    """The analyzer of this name; mappings refuse names that are not here."""
    return _ANALYZERS[name or "standard"]


@dataclass(frozen=True)
class Token:
    """A term, and where in the text it stands."""

    term: str
    start: int
    end: int


def tokens(name: str, text: str) -> list[Token]:
    """The terms of an analyzer with their places, in order.

    Raises:
        KeyError: there is no such analyzer.
    """
    return [
        Token(part.lower() if name in _LOWER else part, start + cut, start + cut + len(part))
        for start, word in _SPANS[name](text)
        for cut, part in _parts(name, word)
    ]


def _parts(name: str, word: str) -> Iterator[tuple[int, str]]:
    limit = MAX_TOKEN_LENGTH if name in ("standard", "default", "whitespace") else max(1, len(word))
    return ((cut, word[cut : cut + limit]) for cut in range(0, len(word), limit))


def _stretches(text: str) -> Iterator[tuple[int, str]]:
    if text.isascii():
        return ((found.start(), found[0]) for found in _ANY_CASE.finditer(text) if found[0].strip("_"))
    places = [found.start() for found in _BREAKS.finditer(text.translate(_APOSTROPHES))]
    return ((start, text[start:end]) for start, end in pairwise(places) if _WORD.search(text[start:end]))


_ANY_CASE = re.compile(_ASCII.pattern, re.ASCII | re.IGNORECASE)
_LOWER = ("standard", "default", "simple")
_SPANS: dict[str, Callable[[str], Iterator[tuple[int, str]]]] = {
    "standard": _stretches,
    "default": _stretches,
    "simple": lambda text: ((found.start(), found[0]) for found in _LETTERS.finditer(text)),
    "whitespace": lambda text: ((found.start(), found[0]) for found in re.finditer(r"\S+", text)),
    "keyword": lambda text: iter([(0, text)] if text else []),
}


def _words(text: str) -> list[str]:
    if not text.isascii():
        return segmented(text)
    words = _ASCII.findall(text.lower())
    return [word for word in words if word.strip("_")] if "_" in text else words


def segmented(text: str) -> list[str]:
    """The words of any text, in lower case. `standard` has a faster way for ASCII."""
    places = [found.start() for found in _BREAKS.finditer(text.translate(_APOSTROPHES))]
    parts = (text[start:end] for start, end in pairwise(places))
    return [part.lower() for part in parts if _WORD.search(part)]


def _cut(word: str) -> list[str]:
    return [word[start : start + MAX_TOKEN_LENGTH] for start in range(0, len(word), MAX_TOKEN_LENGTH)]
