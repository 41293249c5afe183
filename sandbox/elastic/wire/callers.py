"""Who calls: the sandbox's own key, which may do everything, or one that was made with rights of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

OWNER = "sandbox"
"""The user that every key belongs to."""


@dataclass(frozen=True)
class Caller:
    """The API key that a request came with."""

    key: str = ""
    """Its id; empty for the sandbox's own."""
    name: str = ""
    roles: tuple[Mapping[str, Any], ...] | None = None
    """The role descriptors that limit it; None: it may do everything."""


Identify = Callable[[str], Caller | None]
"""Who an encoded key belongs to; None if no valid key is written so."""
