"""Documents cut into chunks along their structure: headings, paragraphs, sentences.

A chunk's id is made of what it says and where it belongs, not of its position: a paragraph inserted above moves offsets and
nothing else, and what did not change keeps its id and its embedding.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from pydantic import BaseModel, Field, model_validator

from tasks.answers.documents.documents import Document
from tasks.answers.documents.folders import documents, read_folder
from tasks.errors import InvalidInput
from tasks.marks import fingerprint
from tasks.steps import step

if TYPE_CHECKING:
    from semantic_text_splitter import MarkdownSplitter

SPLITTER = "semantic-text-splitter"
MOST_CHUNKS = 100_000
"""They are held in memory, about two kilobytes each, and a flow has 512 MB."""


class Splitting(BaseModel, frozen=True):
    """How documents are cut."""

    size: int = Field(default=1000, ge=100, le=8000)
    """Characters of a chunk at most. 1,000 are about 250 tokens: embedding models read 512, and cut what is longer."""
    overlap: int = Field(default=0, ge=0)
    """Characters that a chunk repeats of the one before."""

    @model_validator(mode="after")
    def _smaller(self) -> Splitting:
        if self.overlap * 2 > self.size:
            raise ValueError(
                f"an overlap of {self.overlap} is more than half of a chunk of {self.size} characters"
            )
        return self

    @property
    def mark(self) -> str:
        """Splitter, version and parameters: `semantic-text-splitter 0.33.1, size 1000, overlap 0`."""
        return f"{SPLITTER} {version(SPLITTER)}, size {self.size}, overlap {self.overlap}"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A part of a document that can be found and cited."""

    id: str
    document: str
    title: str
    heading: str
    """The headings that it is under, outermost first: `Marks instead of a state file > Networks`."""
    start: int
    """Offset of its first character in the document's text."""
    end: int
    """Offset after its last character."""
    page: int | None
    text: str
    readers: tuple[str, ...]
    """Empty for everybody."""

    @property
    def passage(self) -> str:
        """What is embedded and searched: the text under its title and headings."""
        return f"{' > '.join(filter(None, dict.fromkeys((self.title, *self.heading.split(' > ')))))}\n\n{self.text}"


@dataclass(frozen=True, kw_only=True)
class Chunks:
    """All chunks of a folder."""

    chunks: tuple[Chunk, ...]
    documents: int
    splitting: Splitting
    others: tuple[str, ...]
    """Files that were left out because their format is not read."""

    @property
    def content(self) -> str:
        """Twelve hex digits that change with every chunk, its place and its readers."""
        return fingerprint([[c.id, c.start, c.end, c.page, c.readers, c.title] for c in self.chunks])


@step("read the documents of {folder}")
def read_chunks(folder: Path, splitting: Splitting) -> Chunks:
    """Read, check and cut every document of a folder.

    Raises:
        InvalidInput: a file cannot be used, or there are more than `MOST_CHUNKS` chunks. Nothing was created.
    """
    found, count, there = list[Chunk](), 0, read_folder(folder)
    for document in documents(there):
        count += 1
        found += cut(document, splitting)
        if len(found) > MOST_CHUNKS:
            raise InvalidInput(
                f"These documents have more than {MOST_CHUNKS:,} chunks", value=str(folder), source="--documents",
                remedy="Make chunks larger (--chunk-size), or index parts of the folder under names of their own.",
            )  # fmt: skip
    return Chunks(chunks=tuple(found), documents=count, splitting=splitting, others=there.others)


def cut(document: Document, splitting: Splitting) -> list[Chunk]:
    """The chunks of a document, in their order. Headings without text under them are only part of a path."""
    headings = _headings(document.text)
    seen, found = Counter[str](), list[Chunk]()
    for start, text in _splitter(splitting).chunk_indices(document.text):
        if _is_only_headings(text):
            continue
        heading = " > ".join(_path(headings, start, text))
        same = f"{document.id}\0{heading}\0{text}"
        found.append(
            Chunk(
                id=hashlib.sha256(f"{same}\0{seen[same]}".encode()).hexdigest()[:32],
                document=document.id,
                title=document.title,
                heading=heading,
                start=start,
                end=start + len(text),
                page=document.page(start),
                text=text,
                readers=document.readers,
            )
        )
        seen[same] += 1
    return found


@cache
def _splitter(splitting: Splitting) -> MarkdownSplitter:
    from semantic_text_splitter import MarkdownSplitter  # noqa: PLC0415 -- only flows that cut need it

    return MarkdownSplitter(splitting.size, splitting.overlap)


@dataclass(frozen=True)
class _Heading:
    offset: int
    level: int
    text: str


def _headings(text: str) -> Sequence[_Heading]:
    """The headings of a Markdown text; what only looks like one within a block of code is none."""
    offsets = [0]
    for line in text.split("\n"):
        offsets.append(offsets[-1] + len(line) + 1)
    return [
        _Heading(offsets[begins.map[0]], int(begins.tag[1:]), " ".join(inline.content.split()))
        for begins, inline in pairwise(MarkdownIt().parse(text))
        if begins.type == "heading_open" and begins.map
    ]


def _path(headings: Sequence[_Heading], start: int, text: str) -> list[str]:
    """The headings above the first words of a chunk, the headings that it begins with among them."""
    path: list[_Heading] = []
    words = start + len(text) - len(_without_headings(text))
    for heading in headings:
        if heading.offset > words:
            break
        path = [each for each in path if each.level < heading.level] + [heading]
    return [heading.text for heading in path]


def _without_headings(text: str) -> str:
    """A text from its first line on that is no heading."""
    rest = text
    while rest.startswith("#"):
        rest = rest.partition("\n")[2].lstrip("\n")
    return rest


def _is_only_headings(text: str) -> bool:
    return not _without_headings(text).strip()
