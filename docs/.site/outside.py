"""Takes pages that lie outside of docs/ into the site, and makes links between both work there. A hook of MkDocs (mkdocs.yml)."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "locks/CHECKED.md": "checked.md",
    "locks/LICENSES.md": "licenses.md",
    "sandbox/COVERAGE.md": "coverage.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
}
"""By their place in the repository: what they are in the site."""
_LINK = re.compile(r"(?<!!)\[(?P<text>[^][]+)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links of the repository into links of the site; what the site does not have keeps its words only."""
    name = page.file.src_uri
    origin = next((there for there, here in PAGES.items() if here == name), f"docs/{name}")
    return _LINK.sub(lambda link: _in_site(link, posixpath.dirname(origin)), markdown)


def _in_site(link: re.Match[str], folder: str) -> str:
    target, _, anchor = link["target"].partition("#")
    if not target or "://" in target:
        return link[0]
    there = posixpath.normpath(posixpath.join(folder, target))
    here = PAGES.get(there) or (there.removeprefix("docs/") if there.startswith("docs/") else "")
    return f"[{link['text']}]({here}{anchor and f'#{anchor}'})" if here else link["text"]
