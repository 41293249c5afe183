"""Texts in the tables of COVERAGE.md."""

from __future__ import annotations


def cell(template: str) -> str:
    """The template of a message as people read it: single braces, and nothing that Markdown takes for a column or a link."""
    return (
        template.replace("{{", "{")
        .replace("}}", "}")
        .replace("|", "\\|")
        .replace("](", "]\\(")
        .replace("\n", "\\n")
    )
