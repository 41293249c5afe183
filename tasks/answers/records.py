"""What a page keeps of the questions that it was asked: hashes, ids, outcomes, times, tokens; no question and no answer.

One file of JSON lines for each knowledge base, which only its owner can read. A line is written at once, under a lock, so that two
pages may share a file.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from tasks.artifact_keys import artifact_key
from tasks.errors import PermanentError
from tasks.files import CannotWrite
from tasks.lines import filled_lines
from tasks.program import command
from tasks.steps import step

Outcome = Literal["answered", "not in the sources", "withheld", "failed"]
"""What came of a question: an answer, none in the documents, one that its sources do not support, an error."""


def _now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """Twenty-two letters that nobody can guess."""
    return secrets.token_urlsafe(16)


class Asked(BaseModel, frozen=True):
    """A question and what came of it."""

    kind: Literal["asked"] = "asked"
    id: str
    at: datetime = Field(default_factory=_now)
    question: str
    """As `hash_of` makes it."""
    outcome: Outcome
    passages: tuple[str, ...] = ()
    """The ids of those in the prompt."""
    cited: int = Field(default=0, ge=0)
    """How many passages the answer cites."""
    index: str = ""
    how: str = ""
    model: str = ""
    search_seconds: float = Field(default=0.0, ge=0)
    answer_seconds: float = Field(default=0.0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    answer_tokens: int = Field(default=0, ge=0)
    error: str = ""
    """The kind of an error."""

    @property
    def seconds(self) -> float:
        """What the reader waited for."""
        return self.search_seconds + self.answer_seconds


class Judged(BaseModel, frozen=True):
    """A reader's yes or no. Of several for one question the last one counts."""

    kind: Literal["judged"] = "judged"
    id: str
    """Of the question."""
    at: datetime = Field(default_factory=_now)
    useful: bool


_RECORD: TypeAdapter[Asked | Judged] = TypeAdapter(Annotated[Asked | Judged, Field(discriminator="kind")])


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of a time."""

    asked: tuple[Asked, ...]
    useful: dict[str, bool]
    """The last judgement, by the id of its question."""
    unreadable: int
    """Lines that a crash or somebody else has left, and that say nothing."""


class NoRecords(PermanentError):
    """Nobody has asked anything on a page yet."""

    def __init__(self, file: Path, name: str) -> None:
        self.file = file
        super().__init__(
            f"There are no records of {name!r} ({file}). `{command('answers serve', name=name)}` writes them when somebody asks."
        )


def record_file(home: Path, name: str, *, engine: str, where: str) -> Path:
    """Where the records of a knowledge base are."""
    return home / "answers" / f"{artifact_key(engine, where, name)}.jsonl"


def hash_of(question: str, key: str) -> str:
    """Sixteen hex digits: the same for the same words, and without the key nobody can try out what was asked."""
    words = " ".join(question.casefold().split())
    return hmac.new(key.encode(), words.encode(), hashlib.sha256).hexdigest()[:16]


def append(file: Path, record: Asked | Judged) -> None:
    """Add a record; whole, or not at all.

    Raises:
        CannotWrite: the disk is full, or the folder may not be written.
    """
    data = f"{record.model_dump_json()}\n".encode()
    try:
        file.parent.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_APPEND, stat.S_IRUSR | stat.S_IWUSR)
        try:
            os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CannotWrite(file, reason=error.strerror or str(error)) from error


def _write(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if (
        size and os.pread(descriptor, 1, size - 1) != b"\n"
    ):  # what a crash of the machine cut off stays a line of its own
        data = b"\n" + data
    try:
        written = os.write(descriptor, data)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
    if written < len(data):
        os.ftruncate(descriptor, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@step("read the records {file}")
def read_records(file: Path, name: str, since: datetime) -> Records:
    """The records since a time.

    Raises:
        NoRecords: there is no file.
        InvalidInput: it cannot be read.
    """
    if not file.exists():
        raise NoRecords(file, name)
    asked, useful, unreadable = list[Asked](), dict[str, bool](), 0
    for _, line in filled_lines(file):
        try:
            record = _RECORD.validate_json(line)
        except ValidationError:
            unreadable += 1
            continue
        if isinstance(record, Judged):
            useful[record.id] = record.useful
        elif record.at >= since:
            asked.append(record)
    ids = {each.id for each in asked}
    return Records(
        asked=tuple(asked),
        useful={id_: said for id_, said in useful.items() if id_ in ids},
        unreadable=unreadable,
    )
