"""Everything that was embedded under one name: what a teardown removes, and the proof that nothing is left."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tasks.elastic.indices.aliases import read_alias
from tasks.elastic.indices.indices import indices_of_ours
from tasks.elastic.indices.pipelines import pipelines_of_ours
from tasks.elastic.settings import ElasticSettings
from tasks.steps import step


@dataclass(frozen=True)
class Inventory:
    """What there is under a name."""

    name: str
    alias: str
    """Where the alias points, or empty."""
    indices: tuple[str, ...]
    pipelines: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not any((self.alias, self.indices, self.pipelines))

    def __str__(self) -> str:
        parts = [f"alias {self.name}"] if self.alias else []
        parts += [f"index {one}" for one in self.indices] + [f"pipeline {one}" for one in self.pipelines]
        return "; ".join(parts) or "nothing"


@step("read everything of {name}")
def read_inventory(settings: ElasticSettings, name: str) -> Inventory:
    """The alias, the embedded indices and the pipelines of a name; never a source index."""
    named = re.compile(re.escape(name) + r"-[0-9a-f]{12}")
    indices = indices_of_ours(settings)
    return Inventory(
        name=name,
        alias=read_alias.fn(settings, name).index,
        indices=tuple(i.name for i in indices if named.fullmatch(i.name) and i.meta.get("made_from")),
        pipelines=tuple(p for p in pipelines_of_ours(settings) if named.fullmatch(p)),
    )
