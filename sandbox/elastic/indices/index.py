"""One index: its settings, mapping and aliases at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sandbox.elastic import versions
from sandbox.elastic.indices import mappings, vector_fields
from sandbox.elastic.wire.exchange import duration


@dataclass(frozen=True)
class Index:
    """An index at one moment. A change makes a new one."""

    name: str
    uuid: str
    number: int
    """The key of its documents in the store; never reused."""
    settings: dict[str, str]
    mapping: dict[str, Any]
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, mappings.Field]:
        """Its indexed fields by path."""
        return mappings.fields(self.mapping)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of errors about it."""
        return {"index": self.name, "index_uuid": self.uuid}

    @property
    def refresh_seconds(self) -> float | None:
        """Its `refresh_interval`; None if it does not set one, -1 for never."""
        found = self.settings.get("refresh_interval")
        return None if found is None else duration("index.refresh_interval", found)

    @property
    def excludes_vectors(self) -> bool:
        """Whether `_source` leaves vectors out unless they are requested."""
        return self.settings.get("mapping.exclude_source_vectors") == "true"

    @cached_property
    def has_legacy_semantic_text(self) -> bool:
        """Whether semantic_text fields hold objects of their text and embeddings, as in releases before 8.18."""
        return versions.has_legacy_semantic_text(self.settings)

    @cached_property
    def with_chunks(self) -> Index:
        """The same with the objects that semantic_text fields keep their chunks in, in place of these fields."""
        properties = vector_fields.with_chunks(self.mapping.get("properties", {}))
        return replace(self, mapping={**self.mapping, "properties": properties})

    @property
    def health(self) -> str:
        """Yellow if it has replicas, because there is no second node for them."""
        return "green" if self.settings["number_of_replicas"] == "0" else "yellow"
