"""Passages that a search found, fused, merged and cut to what a prompt may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.answers.chunks import Chunk

RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009)."""
CHARACTERS_PER_TOKEN = 3
SLACK = 0.75
"""The model's tokenizer is not known here: three characters a token, of English prose some four, and a quarter of the context
left free, for what counts otherwise."""


@dataclass(frozen=True)
class Passage:
    """A part of a document, as a prompt shows it and an answer cites it."""

    chunks: tuple[Chunk, ...]
    """One, or neighbors that were merged, in their order."""
    text: str
    score: float

    @property
    def first(self) -> Chunk:
        """The chunk that it begins with."""
        return self.chunks[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its chunks."""
        return tuple(chunk.id for chunk in self.chunks)

    @property
    def source(self) -> str:
        """For people: `Teams > Marks, teams.md characters 460-689`."""
        last, first = self.chunks[-1], self.first
        place = f"page {first.page}" if first.page else f"characters {first.start:,}-{last.end:,}"
        heading = first.heading or first.title
        return f"{heading}, {first.document} {place}"


def fused(rankings: Mapping[str, Sequence[Chunk]], most: int) -> list[Passage]:
    """Merge rankings by reciprocal rank; ties keep the order of the first ranking.

    Args:
        rankings: by the way of searching, each best first.
        most: passages at most.
    """
    chunks, scores = dict[str, Chunk](), dict[str, float]()
    for ranking in rankings.values():
        for rank, chunk in enumerate(ranking, start=1):
            chunks.setdefault(chunk.id, chunk)
            scores[chunk.id] = scores.get(chunk.id, 0.0) + 1 / (RANK_CONSTANT + rank)
    best = sorted(chunks.values(), key=lambda chunk: -scores[chunk.id])[:most]
    return [Passage((chunk,), chunk.text, scores[chunk.id]) for chunk in best]


def merged(passages: Sequence[Passage]) -> list[Passage]:
    """Join passages that touch or overlap in one document; each takes the place of its best part."""
    ordered = sorted(passages, key=lambda passage: (passage.first.document, passage.first.start))
    joined: list[Passage] = []
    for passage in ordered:
        if joined and _touch(joined[-1], passage):
            joined[-1] = _joined(joined[-1], passage)
        else:
            joined.append(passage)
    rank = {id_: number for number, passage in enumerate(passages) for id_ in passage.ids}
    return sorted(joined, key=lambda passage: min(rank[id_] for id_ in passage.ids))


def within_budget(passages: Sequence[Passage], tokens: int) -> list[Passage]:
    """The best passages whose texts fit, in their order; a passage is taken whole or not at all.

    Args:
        passages: best first.
        tokens: what is left of the model's context.
    """
    room, chosen = tokens * SLACK, list[Passage]()
    for passage in passages:
        need = tokens_of(passage.text) + tokens_of(passage.source)
        if need <= room:
            chosen.append(passage)
            room -= need
    return chosen


def tokens_of(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


_GAP = 2
"""Characters between neighbors: the blank line that the splitter trims."""


def _touch(one: Passage, other: Passage) -> bool:
    last, first = one.chunks[-1], other.first
    return last.document == first.document and first.start <= last.end + _GAP


def _joined(one: Passage, other: Passage) -> Passage:
    last, first = one.chunks[-1], other.first
    between = "\n" * max(0, first.start - last.end)
    text = one.text + between + other.text[max(0, last.end - first.start) :]
    return replace(one, chunks=one.chunks + other.chunks, text=text, score=max(one.score, other.score))
