"""DOCX: headings, paragraphs, lists and tables of the main document, as Markdown has them.

A DOCX is a zip of XML (ECMA-376, Part 1, section 17: WordprocessingML). What is deleted under track changes is left out and what is inserted is
read; headers, footers, notes, comments and pictures are not.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from tasks.answers.documents.documents import Document, checked_text
from tasks.errors import InvalidInput

MOST_BYTES = 50_000_000
"""Of one part once it is unpacked: a small zip can hold a very large one."""
MOST_PARTS = 10_000
_DOCUMENT, _STYLES, _PROPERTIES = "word/document.xml", "word/styles.xml", "docProps/core.xml"
_WORD = frozenset(
    {
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    }
)
"""The namespace of most files, and that of the strict form."""
_FALLBACK = "http://schemas.openxmlformats.org/markup-compatibility/2006 Fallback"
"""The same once more, for programs that do not know what comes before it (ECMA-376, Part 3)."""
_TITLE = "http://purl.org/dc/elements/1.1/ title"
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_OLD = b"\xd0\xcf\x11\xe0"
"""How files of older Word begin, and encrypted ones of newer."""


class _Declared(Exception):
    """A part declares a document type, which no DOCX does: it could define entities without end."""


def read_docx(path: Path, data: bytes, id_: str) -> list[Document]:
    """The document of a DOCX file. Everybody may read it, since it has no place to say otherwise.

    Raises:
        InvalidInput: it is damaged, encrypted, an older .doc, unpacks to more than `MOST_BYTES`, or has no text.
    """
    if data.startswith(_OLD):
        raise InvalidInput(
            "This file is encrypted, or of a Word from before 2007", value=str(path), accepted="a DOCX without a password"
        )  # fmt: skip
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if len(packed.infolist()) > MOST_PARTS:
                raise InvalidInput(f"This DOCX has more than {MOST_PARTS:,} parts", value=str(path))
            styles, properties, body = _Styles(), _Properties(), _Body()
            _parse(_part(packed, _STYLES, path), styles)
            _parse(_part(packed, _PROPERTIES, path), properties)
            body.headings = styles.headings
            if (document := _part(packed, _DOCUMENT, path)) is None:
                raise InvalidInput(f"This DOCX has no {_DOCUMENT}", value=str(path))
            _parse(document, body)
    except _Declared as error:
        raise InvalidInput(
            "This DOCX declares a document type, which could grow without end", value=str(path)
        ) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        # Damaged zips end in any of these.
        raise InvalidInput(f"This DOCX cannot be read ({type(error).__name__})", value=str(path)) from error
    text = checked_text(body.text, str(path))
    return [Document(id=id_, title=" ".join(properties.title.split()) or path.stem, text=text)]


def _part(packed: zipfile.ZipFile, name: str, path: Path) -> bytes | None:
    """A part, or None if there is none.

    Raises:
        InvalidInput: it is encrypted, or too large once unpacked.
    """
    try:
        info = packed.getinfo(name)
    except KeyError:
        return None
    if info.flag_bits & 1:
        raise InvalidInput("This DOCX is encrypted", value=str(path), accepted="a DOCX without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # ECMA-376, Part 2, annex B
        raise InvalidInput(f"{name} is packed in a way that no DOCX is", value=str(path))
    if info.file_size > MOST_BYTES:
        raise InvalidInput(
            f"{name} has {info.file_size:,} bytes once it is unpacked", value=str(path), accepted=f"at most {MOST_BYTES:,}"
        )  # fmt: skip
    return packed.read(info)  # never more than the size that it declares


class _Reader:
    """Hears of every tag and text of a part; names are `NAMESPACE NAME`."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """A tag begins."""

    def end(self, name: str) -> None:
        """A tag ends."""

    def text_of(self, text: str) -> None:
        """A text, perhaps one of several pieces."""


def _parse(part: bytes | None, reader: _Reader) -> None:
    if part is None:
        return
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_declaration
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text_of
    parser.Parse(part, True)


def _refuse_declaration(*_: object) -> NoReturn:
    raise _Declared


class _Styles(_Reader):
    """Which styles are headings: their ids are in the language of the program, their names are not."""

    def __init__(self) -> None:
        self.headings: dict[str, int] = {}
        self._id = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Note the style, and its name."""
        tag = _local(name)
        if tag == "style":
            self._id = _value(attributes, "styleId")
        elif tag == "name" and (found := _HEADING.fullmatch(_value(attributes, "val"))):
            self.headings[self._id] = int(found[1])
        elif tag == "name" and _value(attributes, "val").lower() == "title":
            self.headings[self._id] = 1


class _Properties(_Reader):
    """The title."""

    def __init__(self) -> None:
        self.title = ""
        self._is_title = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 -- as the base
        """Begin the title."""
        self._is_title = name == _TITLE

    def end(self, name: str) -> None:  # noqa: ARG002
        """End it."""
        self._is_title = False

    def text_of(self, text: str) -> None:
        """Add to it."""
        self.title += text if self._is_title else ""


class _Body(_Reader):
    """Collects paragraphs, and rows of tables as lines."""

    def __init__(self) -> None:
        self.headings: dict[str, int] = {}
        self._blocks: list[str] = []
        self._paragraph, self._lead, self._cells = "", "", list[str]()
        self._rows: list[str] = []
        self._tables = self._unseen = 0
        self._in_text = False

    @property
    def text(self) -> str:
        """The blocks, each its own paragraph."""
        return "\n\n".join(self._blocks)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Begin what a tag begins."""
        self._unseen += name == _FALLBACK
        match _local(name):
            case "p":
                self._end_paragraph()  # a text box lies within a paragraph
            case "pStyle" if level := self.headings.get(_value(attributes, "val")):
                self._lead = f"{'#' * min(level, 6)} "
            case "outlineLvl" if _value(attributes, "val") in list("012345"):
                self._lead = f"{'#' * (int(_value(attributes, 'val')) + 1)} "
            case "numPr":
                self._lead = self._lead or "- "
            case "tbl":
                self._end_paragraph()
                self._tables += 1
            case "t":
                self._in_text = True
            case "tab" | "noBreakHyphen" | "br" | "cr" if not self._unseen and self._paragraph:
                self._paragraph += "-" if _local(name) == "noBreakHyphen" else " "
            case _:
                pass

    def end(self, name: str) -> None:
        """End what a tag began."""
        self._unseen -= name == _FALLBACK
        match _local(name):
            case "t":
                self._in_text = False
            case "p":
                self._end_paragraph()
            case "tc" if self._tables:
                self._cells.append("")
            case "tr" if self._tables == 1:
                cells = [cell.strip() for cell in self._cells if cell.strip()]
                self._rows += [" | ".join(cells)] if cells else []
                self._cells = []
            case "tbl":
                self._tables -= 1
                if not self._tables and self._rows:
                    self._blocks.append("\n".join(self._rows))
                    self._rows = []
            case _:
                pass

    def text_of(self, text: str) -> None:
        """Add what is seen."""
        if self._in_text and not self._unseen:
            self._paragraph += text

    def _end_paragraph(self) -> None:
        text = " ".join(self._paragraph.replace("\0", "").split())
        if text and self._tables:
            self._cells = self._cells or [""]
            self._cells[-1] += f" {text}"
        elif text:
            self._blocks.append(self._lead + text)
        self._paragraph, self._lead = "", ""


def _local(name: str) -> str:
    """The name of a tag of WordprocessingML; empty of any other."""
    namespace, _, local = name.rpartition(" ")
    return local if namespace in _WORD else ""


def _value(attributes: dict[str, str], name: str) -> str:
    return next((value for key, value in attributes.items() if _local(key) == name), "")
