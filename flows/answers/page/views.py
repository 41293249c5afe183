"""An answer as a page shows it: statements with their citations, sources with the quoted words marked. No markup is made here.

Everything that comes out is text or a list of texts, which the template escapes. Links in an answer or in a source stay text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.answers.page.asking import Shown
from tasks.answers.citations import quoted
from tasks.answers.passages import Passage

_BEFORE_A_STOP = re.compile(r"\s+([.,;:!?])")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A passage of the prompt."""

    number: int
    heading: str
    document: str
    place: str
    text: tuple[tuple[str, bool], ...]
    """Its text in parts, with whether the answer quotes it."""

    @property
    def anchor(self) -> str:
        """Where a citation leads: the first quoted words, or the passage."""
        return f"{'quote' if any(is_quoted for _, is_quoted in self.text) else 'source'}-{self.number}"


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown of a question."""

    shown: Shown
    statements: tuple[tuple[str, tuple[int, ...]], ...]
    """The sentences of the answer, each with the numbers of its sources; none unless it is answered."""
    anchors: Mapping[int, str]
    """Where the citation of each number leads."""
    sources: tuple[Source, ...]
    """Those that the answer cites, in the order in which it does."""
    others: tuple[Source, ...]
    """Passages that were in the prompt too."""


def view_of(shown: Shown) -> View:
    """What to show of a question."""
    answer = shown.answer
    if answer is None:
        return View(shown=shown, statements=(), anchors={}, sources=(), others=())
    is_answered = shown.outcome == "answered"
    statements = answer.checked.statements if is_answered else ()
    cites = answer.checked.cites if is_answered else ()
    quotes = {n: [q for each in statements if n in each.cites for q in quoted(each.text)] for n in cites}
    sources = tuple(_source(n, answer.passages[n - 1], quotes[n]) for n in cites)
    rest = [n for n in range(1, len(answer.passages) + 1) if n not in cites]
    return View(
        shown=shown,
        statements=tuple((_BEFORE_A_STOP.sub(r"\1", each.text), each.cites) for each in statements),
        anchors={source.number: source.anchor for source in sources},
        sources=sources,
        others=tuple(_source(n, answer.passages[n - 1], ()) for n in rest),
    )


def marked(text: str, quotes: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """A text in parts: what is quoted, in whatever typography, and what is between."""
    words = [re.findall(r"\w+", quote) for quote in quotes]
    patterns = [r"\W+".join(map(re.escape, each)) for each in words if each]
    if not patterns:
        return ((text, False),)
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(patterns, key=len, reverse=True))})\b", re.IGNORECASE)
    parts, end = list[tuple[str, bool]](), 0
    for found in pattern.finditer(text):
        parts += [(text[end : found.start()], False), (found[0], True)]
        end = found.end()
    return tuple(part for part in (*parts, (text[end:], False)) if part[0])


def _source(number: int, passage: Passage, quotes: Sequence[str]) -> Source:
    first, last = passage.first, passage.chunks[-1]
    return Source(
        number=number,
        heading=first.heading or first.title,
        document=first.document,
        place=f"page {first.page}" if first.page else f"characters {first.start:,} to {last.end:,}",
        text=marked(passage.text, quotes),
    )
