"""What a teardown removes of a name, and the proof that nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.indexes import IndexState, find_index, list_versions, refuse_stranger
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.source_tables import find_table
from tasks.databricks.specs import FIRST
from tasks.errors import PermanentError
from tasks.plurals import counted
from tasks.steps import step


class IndexesOfOthers(PermanentError):
    """An endpoint of ours serves indexes that we did not make."""

    def __init__(self, name: str, *, indexes: Sequence[str]) -> None:
        self.name, self.indexes = name, tuple(indexes)
        super().__init__(
            f"The endpoint {name!r} also serves indexes that this project did not make: {', '.join(indexes)}. Nothing was changed: an "
            "endpoint cannot be deleted while it serves any. Ask whoever made them to delete them, then run it again."
        )


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What the workspace holds of a name."""

    endpoint: bool
    indexes: Mapping[str, IndexState]
    """By version, the first one first."""
    tables: Mapping[str, str]
    """The full name of each source table, by version."""
    foreign: tuple[str, ...] = ()
    """Indexes of others on the endpoint."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not (self.endpoint or self.indexes or self.tables)

    def __str__(self) -> str:
        parts = [f"index {one.full_name} with {counted(one.rows, 'row')}" for one in self.indexes.values()]
        parts += [f"source table {table}" for table in self.tables.values()]
        return "; ".join([*parts, *(["its endpoint"] if self.endpoint else [])]) or "nothing"


@step("read everything of {name}")
def read_inventory(settings: DatabricksSettings, name: str) -> Inventory:
    """Everything that we made under a name, in every version.

    Raises:
        NotOurs: somebody else made the endpoint, an index or a table.
    """
    endpoint = own_endpoint(settings, name)
    listed = list_versions(settings, endpoint) if endpoint is not None else {}
    begun = {*listed.values(), *(endpoint.versions if endpoint is not None else ())} - {None, FIRST}
    versions = (FIRST, *sorted(version for version in begun if version))
    indexes = {version: index for version in versions if (index := find_index(settings, name, version))}
    for index in indexes.values():
        refuse_stranger(settings, index, endpoint)
    tables = {version: table for version in versions if (table := find_table(settings, name, version))}
    return Inventory(
        endpoint=endpoint is not None,
        indexes=indexes,
        tables={version: table.full_name for version, table in tables.items()},
        foreign=tuple(full_name for full_name, version in listed.items() if version is None),
    )


def refuse_foreign_indexes(name: str, there: Inventory) -> None:
    """See that no index of others is on an endpoint.

    Raises:
        IndexesOfOthers: one is.
    """
    if there.foreign:
        raise IndexesOfOthers(name, indexes=there.foreign)
