"""PDF: the text of its pages, as far as it has one."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.answers.documents.documents import Document, checked_text
from tasks.errors import InvalidInput

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PAGES = 5_000


def read_pdf(path: Path, data: bytes, id_: str) -> list[Document]:
    """The document of a PDF. Everybody may read it, since it has no place to say otherwise.

    Raises:
        InvalidInput: it is damaged, encrypted, too long, or only has pictures of text.
    """
    from pypdf import PdfReader  # noqa: PLC0415 -- a third of a second, and only for these
    from pypdf.errors import PyPdfError  # noqa: PLC0415 -- as above

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every oddity that it gets over
    try:
        reader = PdfReader(io.BytesIO(data))
        _refuse(reader, path)
        pages = [page.extract_text().replace("\0", "") for page in reader.pages]
        title = reader.metadata.title if reader.metadata else None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        # Damaged files make the parser stumble in all of these.
        raise InvalidInput(f"This PDF cannot be read ({type(error).__name__})", value=str(path)) from error
    if not any(page.strip() for page in pages):
        raise InvalidInput(
            "This PDF has no text, only pictures of it", value=str(path), remedy="Run it through OCR first."
        )
    starts, length = list[int](), 0
    for page in pages:
        starts.append(length)
        length += len(page) + 2
    text = checked_text("\n\n".join(pages), str(path))
    return [Document(id=id_, title=str(title or path.stem), text=text, pages=tuple(starts))]


def _refuse(reader: PdfReader, path: Path) -> None:
    if reader.is_encrypted:
        raise InvalidInput("This PDF is encrypted", value=str(path), accepted="a PDF without a password")
    if len(reader.pages) > MOST_PAGES:
        raise InvalidInput(f"This PDF has more than {MOST_PAGES:,} pages", value=str(path))
