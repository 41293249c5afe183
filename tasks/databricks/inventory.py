"""What a teardown removes of a name, and the proof that nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.databricks.clients import connect
from tasks.databricks.endpoints import own_endpoint
from tasks.databricks.errors import calling
from tasks.databricks.indexes import find_index, refuse_stranger
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.source_tables import find_table
from tasks.databricks.specs import FIRST, version_of
from tasks.errors import PermanentError
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
    index: str
    """Its full name; empty when there is none."""
    rows: int = 0
    table: str = ""
    """The full name of its source table; empty when there is none."""
    versions: tuple[str, ...] = ()
    """Indexes of the name beside the first: those of a knowledge base."""
    foreign: tuple[str, ...] = ()
    """Indexes of others on the endpoint."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there."""
        return not (self.endpoint or self.index or self.table or self.versions)

    def __str__(self) -> str:
        parts = [f"index {self.index} with {self.rows:,} rows"] if self.index else []
        parts += [f"the versions {', '.join(self.versions)}"] if self.versions else []
        parts += [f"source table {self.table}"] if self.table else []
        return "; ".join([*parts, *(["its endpoint"] if self.endpoint else [])]) or "nothing"


@step("read everything of {name}")
def read_inventory(settings: DatabricksSettings, name: str) -> Inventory:
    """Everything that we made under a name.

    Raises:
        NotOurs: somebody else made the endpoint, the index or the table.
    """
    endpoint, index, table = (
        own_endpoint(settings, name),
        find_index(settings, name),
        find_table(settings, name),
    )
    if index is not None:
        refuse_stranger(settings, index, endpoint)
    there = list_versions(settings, name) if endpoint is not None else {}
    return Inventory(
        endpoint=endpoint is not None,
        index=index.full_name if index else "",
        rows=index.rows if index else 0,
        table=table.full_name if table else "",
        versions=tuple(version for version in there.values() if version not in (None, FIRST)),
        foreign=tuple(full_name for full_name, version in there.items() if version is None),
    )


def list_versions(settings: DatabricksSettings, name: str) -> dict[str, str | None]:
    """Which version of a name each index on its endpoint is, by its full name; None for those of others."""
    with calling(f"list the indexes of endpoint {name}"):
        there = [each.name or "" for each in connect(settings).indexes.list_indexes(name)]
    return {each: version_of(each, settings.catalog_schema, name) for each in there}


def refuse_foreign_indexes(name: str, there: Inventory) -> None:
    """See that no index of others is on an endpoint.

    Raises:
        IndexesOfOthers: one is.
    """
    if there.foreign:
        raise IndexesOfOthers(name, indexes=there.foreign)
