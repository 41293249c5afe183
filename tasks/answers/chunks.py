"""Documents cut into chunks along their structure: headings, paragraphs, sentences.

A chunk's id is made of what it says and where it belongs, all that is embedded of it, and not of its position: a paragraph inserted
above moves offsets and nothing else, and what did not change keeps its id and its embedding.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from pydantic import BaseModel, Field, model_validator

from tasks.answers.documents.documents import Document
from tasks.answers.documents.folders import Folder, documents, parts, read_folder
from tasks.answers.spreading import processes_wanted, spread
from tasks.errors import InvalidInput
from tasks.marks import fingerprint
from tasks.steps import step

if TYPE_CHECKING:
    from semantic_text_splitter import MarkdownSplitter

SPLITTER = "semantic-text-splitter"
MOST_CHUNKS = 100_000
"""They are held in memory, about two kilobytes each, and a flow has 512 MB."""
CUT_AT_ONCE = 50_000
"""Characters that the splitter gets at a time. In a text without structure its time grows with the square of the length: 0.3 s for
50,000 letters without a space and 9 s for 400,000 (0.33.1), and neither Ctrl-C nor a deadline interrupts it."""


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
        ProcessesKilled: as `spread`.
    """
    there = read_folder(folder)
    found, count = list[Chunk](), 0
    with closing(spread(partial(_cut_all, splitting), parts(there), processes=processes_wanted())) as cuts:
        for chunks, documents_ in cuts:
            count += documents_
            found += chunks
            if len(found) > MOST_CHUNKS:
                raise InvalidInput(
                    f"These documents have more than {MOST_CHUNKS:,} chunks", value=str(folder), source="--documents",
                    remedy="Make chunks larger (--chunk-size), or index parts of the folder under names of their own.",
                )  # fmt: skip
    return Chunks(chunks=tuple(found), documents=count, splitting=splitting, others=there.others)


def _cut_all(splitting: Splitting, part: Folder) -> tuple[list[Chunk], int]:
    """The chunks of a part of a folder, and its number of documents."""
    found, count = list[Chunk](), 0
    for document in documents(part):
        count += 1
        found += cut(document, splitting)
        if len(found) > MOST_CHUNKS:
            break  # whoever counts all of them says so
    return found, count


def cut(document: Document, splitting: Splitting) -> list[Chunk]:
    """The chunks of a document, in their order. Headings without text under them are only part of a path."""
    headings = _headings(document.text)
    seen, found = Counter[str](), list[Chunk]()
    for start, text in _pieces(document.text, splitting):
        if is_only_headings(text):
            continue
        heading = " > ".join(_path(headings, start, text))
        same = f"{document.id}\0{document.title}\0{heading}\0{text}"
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


def _pieces(text: str, splitting: Splitting) -> Iterator[tuple[int, str]]:
    """The pieces of a text, each with the offset of its first character."""
    start = 0
    while start < len(text):
        end = _end_of_part(text, start)
        for offset, piece in _splitter(splitting).chunk_indices(text[start:end]):
            yield start + offset, piece
        start = end


def _end_of_part(text: str, start: int) -> int:
    """Where the part of a text ends that is cut at once: if possible before a heading, else after a paragraph, a line, a word."""
    end = start + CUT_AT_ONCE
    if end >= len(text):
        return len(text)
    for boundary, kept in (("\n#", 1), ("\n\n", 2), ("\n", 1), (" ", 1)):
        place = text.rfind(boundary, start + CUT_AT_ONCE // 2, end)
        if place >= 0:
            return place + kept
    return end


@cache
def _splitter(splitting: Splitting) -> MarkdownSplitter:
    from semantic_text_splitter import MarkdownSplitter  # noqa: PLC0415 -- only flows that cut need it

    return MarkdownSplitter(splitting.size, splitting.overlap)


@dataclass(frozen=True)
class _Heading:
    offset: int
    level: int
    path: tuple[str, ...]
    """Its text below those of the headings that it is under."""


def _headings(text: str) -> Sequence[_Heading]:
    """The headings of a Markdown text; what only looks like one within a block of code is none."""
    offsets = [0]
    for line in text.split("\n"):
        offsets.append(offsets[-1] + len(line) + 1)
    found, above = list[_Heading](), list[_Heading]()
    for begins, inline in pairwise(_blocks().parse(text)):
        if begins.type == "heading_open" and begins.map:
            level = int(begins.tag[1:])
            above = [each for each in above if each.level < level]
            path = (*(above[-1].path if above else ()), " ".join(inline.content.split()))
            above.append(_Heading(offsets[begins.map[0]], level, path))
            found.append(above[-1])
    return found


@cache
def _blocks() -> MarkdownIt:
    """Finds blocks alone: what is within a paragraph takes four fifths of the time, and says nothing about headings."""
    parser = MarkdownIt()
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _path(headings: Sequence[_Heading], start: int, text: str) -> tuple[str, ...]:
    """The headings above the first words of a chunk, the headings that it begins with among them."""
    words = start + len(text) - len(_without_headings(text))
    place = bisect_right(headings, words, key=lambda heading: heading.offset)
    return headings[place - 1].path if place else ()


def _without_headings(text: str) -> str:
    """A text from its first line on that is no heading."""
    rest = text
    while rest.startswith("#"):
        rest = rest.partition("\n")[2].lstrip("\n")
    return rest


def is_only_headings(text: str) -> bool:
    """Whether a text, from its first character on, is headings and blank lines alone: no chunk is made of it."""
    return not _without_headings(text).strip()
