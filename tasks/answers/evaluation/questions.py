"""Questions with what is known of their answers, read from a file and checked against the passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, model_validator

from tasks.answers.chunks import Chunk
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, exact
from tasks.lines import filled_lines
from tasks.marks import fingerprint
from tasks.steps import step

_ACCEPTED = (
    '{"id": "q1", "question": "...", "answers": ["..."], "quotes": [{"document": "a.md", "quote": "..."}]}; without answers and '
    "quotes, a question that the documents do not answer; optional: readers, canary, kind"
)


class Quote(BaseModel, frozen=True, extra="forbid"):
    """Words of a document that answer a question."""

    document: str = Field(min_length=1)
    """As the index calls it: the file's path within its folder."""
    quote: str = Field(min_length=1)


class Question(BaseModel, frozen=True, extra="forbid"):
    """A question, and what is known of its answer."""

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answers: tuple[str, ...] = ()
    """Any of these is right; none if the documents do not answer it."""
    quotes: tuple[Quote, ...] = ()
    """Where the documents say so."""
    readers: tuple[str, ...] = ()
    """The names that the reader goes by."""
    canary: str | None = None
    """What a planted instruction wants the answer to say; it must never be in one."""
    kind: str = ""
    """A group that is shown by itself."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Question:
        if bool(self.answers) != bool(self.quotes):
            raise ValueError("answers and quotes, or neither")
        return self

    @property
    def is_answerable(self) -> bool:
        """Whether the documents answer it."""
        return bool(self.quotes)


@step("read the questions of {path}")
def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a file of JSON lines.

    Raises:
        InvalidInput: there are none, a line is not one, or an id occurs twice; names the line.
    """
    found: dict[str, Question] = {}
    for number, line in filled_lines(path):
        place = f"{path}, line {number}"
        try:
            question = Question.model_validate(exact(line))
        except NotExact as error:
            raise InvalidInput(
                f"This line cannot be used: {error}", source=place, accepted=_ACCEPTED
            ) from error
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()
            )
            raise InvalidInput(f"This is no question: {said}", source=place, accepted=_ACCEPTED) from None
        if question.id in found:
            raise InvalidInput("This id occurs twice", value=question.id, source=place)
        found[question.id] = question
    if not found:
        raise InvalidInput("There is no question in this file", value=str(path), accepted=_ACCEPTED)
    return tuple(found.values())


def questions_mark(questions: Sequence[Question]) -> str:
    """Twelve hex digits of all questions with what is known of them: numbers of other questions do not compare."""
    return fingerprint(sorted(question.model_dump_json() for question in questions))


Gold = Mapping[str, tuple[frozenset[str], ...]]
"""For each question by its id, and each of its quotes, the passages that hold it."""


def relevant(questions: Sequence[Question], chunks: Sequence[Chunk]) -> Gold:
    """For each question, and each of its quotes, the chunks that hold it, or the halves of one that was cut through.

    Raises:
        InvalidInput: a quote is in no passage; names it.
    """
    texts = {chunk.id: (chunk.document, _folded(chunk.text)) for chunk in chunks}
    return {
        question.id: tuple(_holding(question, quote, texts) for quote in question.quotes)
        for question in questions
    }


def _holding(question: Question, quote: Quote, texts: Mapping[str, tuple[str, str]]) -> frozenset[str]:
    words = _folded(quote.quote).split()
    middle = len(words) // 2
    for parts in ([words], [words[:middle], words[middle:]]):
        wanted = [" ".join(part) for part in parts if part]
        found = frozenset(
            id_
            for id_, (document, text) in texts.items()
            if document == quote.document and any(part in text for part in wanted)
        )
        if found:
            return found
    raise InvalidInput(
        f"The quote of question {question.id} is in no passage", value=quote.quote, source=quote.document,
        remedy="Correct it, or index the documents again: they may have changed.",
    )  # fmt: skip


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
