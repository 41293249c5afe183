"""The documentation: every page is in the site's navigation, every link leads somewhere, nothing is asked of other hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
DOCUMENTS = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
OUTSIDE = dict(
    re.findall(r'^    "(\S+\.md)": "(\S+\.md)",$', (DOCS / ".site" / "outside.py").read_text(), re.MULTILINE)
)


def named(nav):
    """The pages of a navigation."""
    for entry in nav:
        (there,) = entry.values()
        if isinstance(there, str):
            yield there
        else:
            yield from named(there)


def links(file):
    """The targets of a document's links and pictures."""
    for block in MarkdownIt().parse(file.read_text()):
        for token in block.children or ():
            if target := token.attrGet("href") or token.attrGet("src"):
                yield str(target)
        if block.type == "html_block" or "<img" in block.content:
            yield from re.findall(r'<img src="([^"]+)"', block.content)


def anchors(file):
    """The anchors of a document's headings, as GitHub and the site make them."""
    headings = re.findall(
        r"^#+ (.+)$",
        re.sub(r"^```.*?^```", "", file.read_text(), flags=re.MULTILINE | re.DOTALL),
        re.MULTILINE,
    )
    return {re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_the_navigation_has_every_page_once():
    pages = list(named(SITE["nav"]))
    assert sorted(pages) == sorted([*(page.name for page in PAGES), *OUTSIDE.values()])
    assert [name for name in OUTSIDE if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_of_a_document_leads_somewhere(file):
    wrong = []
    for target in links(file):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith(("mailto:", "data:")):
            continue
        there = (file.parent / path).resolve() if path else file
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


def test_a_missing_page_and_a_missing_heading_would_be_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One thing, and more\n\n[there](#one-thing-and-more) [not](no.md) <img src=no.png>\n")
    assert list(links(page)) == ["#one-thing-and-more", "no.md"]
    assert anchors(page) == {"one-thing-and-more"}


def test_the_pages_ask_no_other_host():
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]
    assert not {"analytics", "consent"} & SITE["extra"].keys()
    assert not {"extra_css", "extra_javascript"} & SITE.keys()


def test_a_flow_that_the_documentation_shows_is_that_of_the_code():
    (shown,) = re.findall(r"```python\n(.*?)```", (DOCS / "writing-a-flow.md").read_text(), flags=re.DOTALL)
    assert shown in (ROOT / "flows" / "vertex" / "rollback.py").read_text()
