"""HTML to Markdown's headings and paragraphs: what a reader sees, without scripts, styles and navigation."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from tasks.answers.documents.documents import Document, checked_text, readers_of
from tasks.answers.documents.markdown import decoded

_UNSEEN = frozenset({"script", "style", "nav", "noscript", "template", "svg", "head"})
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote dd div dl dt fieldset figcaption figure footer form header hr main ol p pre section "
        "table tbody thead tr ul",
    )
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}


def read_html(path: Path, data: bytes, id_: str) -> list[Document]:
    """The document of an HTML file. `<meta name="readers" content="hr, legal">` says who may read it."""
    page = _Page()
    page.feed(decoded(path, data))
    page.close()
    text = checked_text(page.text, str(path))
    readers = None if page.readers is None else [name for name in page.readers.split(",") if name.strip()]
    title = " ".join(page.title.split()) or path.stem
    return [Document(id=id_, title=title, text=text, readers=readers_of(readers, str(path)))]


class _Page(HTMLParser):
    """Collects text by blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.readers: str | None = None
        self._blocks: list[str] = [""]
        self._unseen = self._preformatted = 0
        self._in_title = False

    @property
    def text(self) -> str:
        """The blocks, each its own paragraph."""
        return "\n\n".join(block for block in (each.strip() for each in self._blocks) if block.strip("# -"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what a tag begins."""
        known = dict(attrs)
        self._unseen += tag in _UNSEEN
        if tag == "title":
            self._in_title = True
        elif tag == "meta" and (known.get("name") or "").lower() == "readers":
            self.readers = known.get("content") or ""
        elif tag in _HEADINGS:
            self._blocks.append(f"{_HEADINGS[tag]} ")
        elif tag == "li":
            self._blocks.append("- ")
        elif tag in _BLOCKS:
            self._blocks.append("")
        elif tag == "br":
            self._blocks[-1] += "\n"
        elif tag in ("td", "th"):
            self._blocks[-1] += " | " if self._blocks[-1] else ""
        self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """End what a tag began."""
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag == "title":
            self._in_title = False
        if tag in _BLOCKS or tag in _HEADINGS or tag == "li":
            self._blocks.append("")
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)

    def handle_data(self, data: str) -> None:
        """Add what is seen."""
        if self._in_title:
            self.title += data
        elif not self._unseen:
            self._blocks[-1] += data if self._preformatted else _spaced(data, self._blocks[-1])


def _spaced(data: str, before: str) -> str:
    """A text with single blanks, as a browser shows it."""
    words = " ".join(data.split())
    if not words:
        return " " if before and not before.endswith((" ", "\n")) else ""
    lead = " " if data[0].isspace() and before and not before.endswith((" ", "\n")) else ""
    return f"{lead}{words}{' ' if data[-1].isspace() else ''}"
