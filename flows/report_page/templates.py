"""The templates of this folder: all they show is escaped, and a name that they do not know is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


def template(file: str, **filters: Callable[..., Any]) -> Template:
    """The template of a file, with filters of its own. It takes milliseconds to make: callers keep it."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made.get_template(file)
