"""How long texts are cut into chunks that a model can read: the settings, and the cutting.

Words and sentences are found by regular expressions, where the real service asks ICU: in text without spaces, and after
abbreviations, the cuts are elsewhere. Offsets count characters, where the real service counts UTF-16 units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.errors import Answer

DEFAULT = {"strategy": "sentence", "max_chunk_size": 250, "sentence_overlap": 1}
"""What an endpoint without settings uses; sizes are words."""
UNKNOWN_STRATEGY = Answer(
    400,
    "illegal_argument_exception",
    "Invalid chunkingStrategy {strategy}",
    "ChunkingStrategy.java",
)
NOT_IMITATED = Answer(
    400, "illegal_argument_exception", "the sandbox does not imitate the chunking strategy [{strategy}]"
)
INVALID = Answer(
    400, "validation_exception", "Validation Failed: 1: {problem};", "ChunkingSettings.java, from memory"
)
_KEYS = {
    "sentence": {"strategy", "max_chunk_size", "sentence_overlap"},
    "word": {"strategy", "max_chunk_size", "overlap"},
    "none": {"strategy"},
}
_LEAST = {"sentence": 20, "word": 10}
_WORD = re.compile(r"\w+(?:['\u2019.\-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]+\s*|\n{2,}")

Span = tuple[int, int]
"""Where a piece of text starts, and where it ends; in characters."""


@dataclass(frozen=True)
class Chunking:
    """Checked settings."""

    strategy: str
    most: int = 0
    """Words in a chunk."""
    overlap: int = 0
    """Words (strategy `word`) or sentences (`sentence`) that a chunk repeats of the one before."""

    def spans(self, text: str) -> list[Span]:
        """The chunks of a text, in order; none of a blank one."""
        if not text.strip():
            return []
        if self.strategy == "none":
            return [(0, len(text))]
        return list(
            _windows(text, 0, len(text), self.most, self.overlap)
            if self.strategy == "word"
            else self._sentences(text)
        )

    def _sentences(self, text: str) -> Iterator[Span]:
        held: list[tuple[int, int, int]] = []
        for start, end in _sentences(text):
            words = _count(text, start, end)
            if words > self.most:
                if held:
                    yield held[0][0], held[-1][1]
                yield from _windows(text, start, end, self.most, 0)
                held = []
                continue
            if held and sum(count for *_, count in held) + words > self.most:
                yield held[0][0], held[-1][1]
                again = self.overlap and len(held) > 1 and held[-1][2] + words <= self.most
                held = held[-1:] if again else []
            held.append((start, end, words))
        if held:
            yield held[0][0], held[-1][1]


def read(settings: Mapping[str, Any] | None) -> Chunking:
    """Check `chunking_settings`; without any, the default.

    Raises:
        Refusal: the strategy is unknown, or a setting is unknown, missing or out of its limits.
    """
    given = settings or DEFAULT
    strategy = str(given.get("strategy", "sentence")).lower()
    if strategy == "recursive":
        raise NOT_IMITATED.refusal(strategy=strategy)
    if strategy not in _KEYS:
        raise UNKNOWN_STRATEGY.refusal(strategy=strategy)
    unknown = sorted(set(given) - _KEYS[strategy])
    if unknown:
        name = strategy.capitalize()
        problem = (
            f"{name} based chunking settings can not have the following settings: [{', '.join(unknown)}]"
        )
        raise INVALID.refusal(problem=problem)
    if strategy == "none":
        return Chunking(strategy)
    most = _whole(given, "max_chunk_size", _LEAST[strategy], None)
    if strategy == "word":
        return Chunking(strategy, most, _whole(given, "overlap", 0, most // 2))
    return Chunking(strategy, most, _whole({"sentence_overlap": 1, **given}, "sentence_overlap", 0, 1))


def _whole(given: Mapping[str, Any], name: str, least: int, most: int | None) -> int:
    if name not in given:
        raise INVALID.refusal(problem=f"[chunking_settings] does not contain the required setting [{name}]")
    value = given[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise INVALID.refusal(
            problem=f"field [{name}] is not of the expected type. The value [{value}] is no integer"
        )
    bounds = (("greater", least, value < least), ("less", most, most is not None and value > most))
    for relation, limit, broken in bounds:
        if broken:
            problem = f"[chunking_settings] Invalid value [{value}]. [{name}] must be a {relation} than or equal to [{limit}]"
            raise INVALID.refusal(problem=problem)
    return value


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
