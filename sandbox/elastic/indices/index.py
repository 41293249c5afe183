"""One index: its settings, mapping and aliases as they are at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sandbox.elastic.indices import mappings
from sandbox.elastic.wire.exchange import duration


@dataclass(frozen=True)
class Index:
    """One index as it is now. A change makes a new one of these."""

    name: str
    uuid: str
    number: int
    """The key of its documents in the store; never used again."""
    settings: dict[str, str]
    mapping: dict[str, Any]
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, mappings.Field]:
        """Its indexed fields by path."""
        return mappings.fields(self.mapping)

    @property
    def metadata(self) -> dict[str, str]:
        """What stands beside an error that concerns it."""
        return {"index": self.name, "index_uuid": self.uuid}

    @property
    def refresh_seconds(self) -> float | None:
        """Its `refresh_interval`: None when it has none of its own, -1 for never."""
        found = self.settings.get("refresh_interval")
        return None if found is None else duration("index.refresh_interval", found)

    @property
    def excludes_vectors(self) -> bool:
        """Whether `_source` is shown without vectors unless they are asked for."""
        return self.settings.get("mapping.exclude_source_vectors") == "true"

    @property
    def health(self) -> str:
        """Yellow when it wants replicas, since there is no second node for them."""
        return "green" if self.settings["number_of_replicas"] == "0" else "yellow"
