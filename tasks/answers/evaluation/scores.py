"""How near an answer is to a known one, as SQuAD measures it (Rajpurkar et al., 2016; its official evaluation script)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CITATIONS = re.compile(r"\[\d+\]")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’")  # noqa: RUF001 -- quotation marks


def normalized(text: str) -> str:
    """Lower case, without citations, punctuation, articles and more than single blanks."""
    bare = _CITATIONS.sub(" ", text).lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1 if it is one of the known answers, else 0."""
    return float(any(normalized(answer) == normalized(gold) for gold in golds))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of its words, of the best known answer."""
    return max((_f1(normalized(answer).split(), normalized(gold).split()) for gold in golds), default=0.0)


def contains(answer: str, golds: Sequence[str]) -> float:
    """1 if a known answer is part of it: a whole sentence may be right without being short."""
    padded = f" {normalized(answer)} "
    return float(any(f" {normalized(gold)} " in padded for gold in golds))


def _f1(one: list[str], other: list[str]) -> float:
    if not one or not other:
        return float(one == other)
    shared = sum((Counter(one) & Counter(other)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(one), shared / len(other)
    return 2 * precision * recall / (precision + recall)
