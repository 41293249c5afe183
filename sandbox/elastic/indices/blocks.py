"""What the settings `index.blocks.*` of an index forbid.

Numbers, texts, statuses and levels are those of IndexMetadata.java, the status of several blocks that of
ClusterBlockException.java. The disk's watermark is not imitated: whoever wants its block sets `read_only_allow_delete`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.index import Index

Level = Literal["read", "write", "metadata_read", "metadata_write"]
"""What a call does with an index."""
_RELEASES = "read_only_allow_delete"
"""Under this block an index can still be deleted: it is set when a disk is almost full."""
_KEYS = ("read_only", _RELEASES)


@dataclass(frozen=True)
class _Block:
    text: str
    levels: tuple[Level, ...]

    @property
    def passes(self) -> bool:
        return self.text.startswith("TOO_MANY_REQUESTS")


BLOCKS: Mapping[str, _Block] = {
    "read_only": _Block("FORBIDDEN/5/index read-only (api)", ("write", "metadata_write")),
    "read": _Block("FORBIDDEN/7/index read (api)", ("read",)),
    "write": _Block("FORBIDDEN/8/index write (api)", ("write",)),
    "metadata": _Block("FORBIDDEN/9/index metadata (api)", ("metadata_read", "metadata_write")),
    _RELEASES: _Block(
        "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block",
        ("write", "metadata_write"),
    ),
}
"""By the name of the setting after `index.blocks.`."""


def refuse(indices: Iterable[Index], level: Level, *, releases: bool = False) -> None:
    """Refuse a call that a block of one of the indices forbids.

    Args:
        indices: those that the call names.
        level: what it does with them.
        releases: it frees the space that they take.

    Raises:
        Refusal: 403, or 429 if only a full disk forbids it.
    """
    found = {index.name: there for index in indices if (there := _blocks(index, level, releases))}
    if not found:
        return
    problem = " ".join(
        f"index [{name}] blocked by: [{', '.join(block.text for block in there)}];"
        for name, there in found.items()
    )
    passes = all(block.passes for there in found.values() for block in there)
    raise (indices_errors.BLOCKED_FOR_NOW if passes else indices_errors.BLOCKED).refusal(problem=problem)


def unblocks(settings: Mapping[str, Any]) -> bool:
    """Whether a change of settings is allowed although metadata are blocked: otherwise nobody could lift the block."""
    return list(settings) == ["blocks.metadata"] or any(f"blocks.{key}" in settings for key in _KEYS)


def _blocks(index: Index, level: Level, releases: bool) -> list[_Block]:
    return [
        block
        for name, block in BLOCKS.items()
        if level in block.levels
        and index.settings.get(f"blocks.{name}") == "true"
        and not (releases and name == _RELEASES)
    ]
