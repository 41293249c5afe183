"""What an answer claims, checked against the passages that it cites. Nothing here asks a model.

A statement is a sentence of the answer with the numbers behind it. It holds if it cites something, if all that it cites was
in the prompt, if the words between its quotation marks are there, and if its numbers and names are there too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.answers.passages import Passage
from tasks.answers.prompts import ABSTENTION

_CITED = re.compile(r"\[(\d{1,4})\]")
_GROUP = re.compile(r"(?:\s*\[\d{1,4}\])+")
_QUOTED = re.compile(r"“([^”]*)”")
_PLAIN_QUOTED = re.compile(r'"([^"]*)"')
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER = re.compile(r"\d[\d.,:/-]*\d|\d")
_NAME = re.compile(r"(?<![.!?“\"] )(?<!^)\b[A-Z][\w'-]+", re.MULTILINE)
_HIDDEN = "\0"
_TYPOGRAPHY = str.maketrans("\u201c\u201d\u2019\u2018\u2013\u2014", "\"\"''--")


@dataclass(frozen=True)
class Statement:
    """A sentence of an answer."""

    text: str
    """Without its citations."""
    cites: tuple[int, ...]
    problems: tuple[str, ...]
    """Why it does not hold; empty if it does."""


@dataclass(frozen=True)
class Checked:
    """An answer, sentence by sentence."""

    text: str
    abstains: bool
    """It says that the passages do not contain the answer, and nothing else."""
    statements: tuple[Statement, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the answer must not be shown as one; empty if it holds."""
        return tuple(problem for statement in self.statements for problem in statement.problems)

    @property
    def cites(self) -> tuple[int, ...]:
        """The numbers of the passages, in the order in which they are first cited."""
        return tuple(dict.fromkeys(number for statement in self.statements for number in statement.cites))


def checked(text: str, question: str, passages: Sequence[Passage]) -> Checked:
    """Check an answer.

    Args:
        text: as the model gave it.
        question: whose names an answer may repeat.
        passages: those of the prompt; the first has the number 1.
    """
    if _words(text) == _words(ABSTENTION):
        return Checked(text, abstains=True, statements=())
    statements = tuple(_checked(sentence, question, passages) for sentence in _sentences(text))
    return Checked(text, abstains=False, statements=statements)


def quoted(text: str) -> list[str]:
    """What stands between quotation marks, curved ones if there are any."""
    return _QUOTED.findall(text) or _PLAIN_QUOTED.findall(text)


def _sentences(text: str) -> list[str]:
    """Sentences, each with the citations behind it; what is quoted is never cut."""
    hidden: list[str] = []

    def hide(found: re.Match[str]) -> str:
        hidden.append(found[0])
        return f"{_HIDDEN}{len(hidden) - 1}{_HIDDEN}"

    pattern = _QUOTED if _QUOTED.search(text) else _PLAIN_QUOTED
    masked = pattern.sub(hide, text.replace(_HIDDEN, ""))
    # A citation behind a full stop belongs to the sentence before it.
    masked = re.sub(r"([.!?])((?:\s*\[\d{1,4}\])+)", r"\2\1", masked)
    masked = re.sub(rf"({_HIDDEN}\d+{_HIDDEN}{_GROUP.pattern})\s+(?=[A-Z{_HIDDEN}])", r"\1. ", masked)
    parts = [part.strip() for part in _SENTENCE_END.split(masked)]
    restored = [
        re.sub(rf"{_HIDDEN}(\d+){_HIDDEN}", lambda found: hidden[int(found[1])], part) for part in parts
    ]
    return [part for part in restored if _words(part)]


def _checked(sentence: str, question: str, passages: Sequence[Passage]) -> Statement:
    cites = tuple(dict.fromkeys(int(number) for number in _CITED.findall(sentence)))
    text = " ".join(_CITED.sub("", sentence).split())
    if not cites:
        return Statement(text, cites, (f"no source is cited for {_short(text)}",))
    unknown = [number for number in cites if not 1 <= number <= len(passages)]
    if unknown:
        named = ", ".join(f"[{number}]" for number in unknown)
        return Statement(text, cites, (f"{named} is cited, and there were {len(passages)} passages",))
    source = "\n".join(
        f"{passages[number - 1].first.title} {passages[number - 1].first.heading} {passages[number - 1].text}"
        for number in cites
    )
    return Statement(text, cites, tuple(_unsupported(text, question, source)))


def _unsupported(text: str, question: str, source: str) -> list[str]:
    """What a sentence says that its sources do not."""
    problems: list[str] = []
    folded, known = _folded(source), _words(source) + _words(question)
    problems += [
        f"{_short(quote)} is quoted, and no cited passage has it"
        for quote in quoted(text)
        if _folded(quote) not in folded
    ]
    rest = _QUOTED.sub(" ", text) if _QUOTED.search(text) else _PLAIN_QUOTED.sub(" ", text)
    problems += [
        f"the number {number} is in no cited passage"
        for number in dict.fromkeys(_NUMBER.findall(rest))
        if number not in source and number not in question
    ]
    problems += [
        f"the name {name} is in no cited passage"
        for name in dict.fromkeys(_NAME.findall(rest))
        if not set(_words(name)) <= set(known)
    ]
    return problems


def _folded(text: str) -> str:
    """A text without differences of case, white space and typography."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = plain.translate(_TYPOGRAPHY)
    return " ".join(re.sub(r"[#*`|\"-]+", " ", plain).split())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _short(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words if len(words) <= 80 else f'{words[:80]}...'}”"
