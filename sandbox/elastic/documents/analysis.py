r"""Text to terms, as the standard analyzer does it: word breaks of UAX #29, lower case, at most 255 characters a term.

The breaks are the `regex` module's `\b` with WORD; which stretches between them are words is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import regex

MAX_TOKEN_LENGTH = 255
_BREAKS = regex.compile(r"\b", regex.WORD | regex.V1)
# A word has a letter, digit or emoji; ideographs and hiragana break one by one, as UAX #29 leaves them.
_WORD = regex.compile(r"[\p{Alphabetic}\p{Nd}\p{Extended_Pictographic}]")
# The module breaks at apostrophes before vowels ("l'objectif"), a tailoring that Lucene does without; a full stop
# follows the same rules otherwise.
_APOSTROPHES = {ord("'"): ".", ord("\u2019"): "."}
# What the same rules come to in ASCII: marks join letters (. : ') or digits (. , ; '), underscores everything.
_ASCII = re.compile(r"\w+(?:(?:(?<=[a-z])[.:'](?=[a-z])|(?<=[0-9])[.,;'](?=[0-9]))\w+)*", re.ASCII)
_LETTERS = regex.compile(r"\p{L}+")


def standard(text: str) -> list[str]:
    """The terms of the standard analyzer, in their order."""
    words = _words(text)
    if any(len(word) > MAX_TOKEN_LENGTH for word in words):
        words = [part for word in words for part in _cut(word)]
    return words


def simple(text: str) -> list[str]:
    """Runs of letters, in lower case."""
    return _LETTERS.findall(text.lower())


def whitespace(text: str) -> list[str]:
    """What stands between spaces, as it is."""
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


def _words(text: str) -> list[str]:
    if not text.isascii():
        return segmented(text)
    words = _ASCII.findall(text.lower())
    return [word for word in words if word.strip("_")] if "_" in text else words


def segmented(text: str) -> list[str]:
    """The words of any text, in lower case; `standard` is quicker where all is ASCII."""
    places = [found.start() for found in _BREAKS.finditer(text.translate(_APOSTROPHES))]
    parts = (text[start:end] for start, end in pairwise(places))
    return [part.lower() for part in parts if _WORD.search(part)]


def _cut(word: str) -> list[str]:
    return [word[start : start + MAX_TOKEN_LENGTH] for start in range(0, len(word), MAX_TOKEN_LENGTH)]
