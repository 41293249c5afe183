"""Answers by quotation: the sentences of the given passages that share most with the question. It is no language model.

A prompt gives passages between tags that carry their number, `<passage-1f n="2"> ... </passage-1f>` for any name of the tag,
and the question after the last `Question:` outside of them. What it is to say when nothing fits follows `reply exactly:`
in the instructions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NOTHING_TO_QUOTE = "I am an extractive stand-in, not a language model: I only quote numbered passages, and the prompt has none."
NOTHING_FITS = "The passages do not say."
LEAST_SHARE = 0.55
"""Of the question's weight that a sentence and its passage must cover; below, it abstains."""
_PASSAGE_SHARE = 0.5
"""A word of the question that only the rest of the passage has counts for half."""
_PASSAGE = re.compile(r'<([\w-]+) n="(\d+)"[^>]*>\n?(.*?)</\1>', re.DOTALL)
_QUESTION = re.compile(r"Question:\s*(.+)", re.DOTALL)
_ABSTENTION = re.compile(r"reply exactly: *(.+)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"“`(]?[A-Z0-9])|\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.)\s?)")
_NO_PROSE = re.compile(r"^```.*?(?:^```|\Z)|^#+ [^\n]*$", re.DOTALL | re.MULTILINE)
"""Blocks of code, and headings: they answer nothing."""
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ed", "es", "er", "s", "e")
_COMMON = frozenset(
    _WORD.findall(
        "a an and any are as at be been but by can could did do does for from had has have how i if in into is it its long many "
        "may me much my no not of on one or our out shall should so than that the their them then there these they this to up us "
        "was we were what when where which while who whom whose why will with would you your"
    )
)


@dataclass(frozen=True)
class Prompt:
    """What a prompt gives."""

    question: str
    passages: tuple[tuple[int, str], ...]
    """Number and text."""
    abstention: str
    """What to say when nothing fits."""


@dataclass(frozen=True)
class Quotation:
    """A sentence of a passage."""

    number: int
    sentence: str

    def __str__(self) -> str:
        plain = self.sentence.replace("“", '"').replace("”", '"')
        return f"“{plain}” [{self.number}]"


def read_prompt(system: str, user: str) -> Prompt:
    """Take a prompt apart.

    Args:
        system: the instructions.
        user: the passages and the question.
    """
    passages = tuple((int(number), text.strip()) for _, number, text in _PASSAGE.findall(user))
    rest = _PASSAGE.sub("", user)
    question = _QUESTION.search(rest)
    abstention = _ABSTENTION.search(system) or _ABSTENTION.search(rest)
    return Prompt(
        question=(question[1] if question else rest).strip(),
        passages=passages,
        abstention=abstention[1].strip() if abstention else NOTHING_FITS,
    )


def best_quotation(prompt: Prompt) -> Quotation | None:
    """The sentence that shares most with the question, or None if none shares enough."""
    wanted = frozenset(terms(prompt.question))
    if not wanted:
        return None
    sentences = [(number, sentence) for number, text in prompt.passages for sentence in _sentences(text)]
    seen = Counter(term for _, sentence in sentences for term in frozenset(terms(sentence)))
    weight = {term: math.log(1 + (len(sentences) + 1) / (seen[term] + 0.5)) for term in wanted}
    around = {number: frozenset(terms(text)) for number, text in prompt.passages}
    scored = [
        (_share(wanted, frozenset(terms(sentence)), around[number], weight), -place)
        for place, (number, sentence) in enumerate(sentences)
    ]
    if not scored:
        return None
    (share, place) = max(scored)
    return Quotation(*sentences[-place]) if share >= LEAST_SHARE else None


def first_sentence(prompt: Prompt) -> Quotation | None:
    """The first sentence of the first passage, whatever was asked: what a model must at least be better than."""
    number, text = prompt.passages[0]
    return next((Quotation(number, sentence) for sentence in _sentences(text)), None)


def terms(text: str) -> Iterator[str]:
    """The words of a text that carry meaning, without their endings."""
    for word in _WORD.findall(text.lower()):
        if word not in _COMMON:
            yield _stem(word)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _share(
    wanted: frozenset[str], here: frozenset[str], around: frozenset[str], weight: dict[str, float]
) -> float:
    """The part of the question's weight that a sentence covers, and for half its passage."""
    covered = sum(
        weight[term] * (1 if term in here else _PASSAGE_SHARE if term in around else 0) for term in wanted
    )
    own = wanted & here
    return covered / sum(weight.values()) if own else 0.0


def _sentences(text: str) -> Sequence[str]:
    prose = _NO_PROSE.sub("\n\n", text)
    found = (" ".join(part.split()).lstrip("#-*| ") for part in _SENTENCE.split(prose))
    return [sentence for sentence in found if len(_WORD.findall(sentence)) >= 3]
