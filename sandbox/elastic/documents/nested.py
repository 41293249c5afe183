"""Objects of a nested field: documents of their own within a document, hidden from every search but a nested one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NestedObject:
    """One object of a nested field."""

    offset: int
    """Its place among the objects of the document's field."""
    values: Mapping[str, Any]
    """By field path, as those of a whole document."""
