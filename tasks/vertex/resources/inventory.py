"""Everything that carries our mark under one name: what a teardown removes, and the proof that nothing is left.

What costs by the hour and what is in the bucket are read apart: trouble with the second must not delay the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.calls import ServiceRefused
from tasks.steps import step
from tasks.vertex.imports.storage import list_import_files
from tasks.vertex.operations.adoption import find_ours
from tasks.vertex.operations.operations import unfinished
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline


@dataclass(frozen=True)
class Inventory:
    """What Vertex AI holds of a name."""

    deployed_indexes: tuple[str, ...]
    deploying: tuple[str, ...]
    """Ids that an unfinished operation is still deploying."""
    endpoints: tuple[str, ...]
    indexes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, and nothing will appear later."""
        return not any((self.deployed_indexes, self.deploying, self.endpoints, self.indexes))

    def __str__(self) -> str:
        parts = (
            *(f"deployed index {one}" for one in self.deployed_indexes),
            *(f"deployment under way of {one}" for one in self.deploying),
            *(f"endpoint {one}" for one in self.endpoints),
            *(f"index {one}" for one in self.indexes),
        )
        return "; ".join(parts) or "nothing"


@dataclass(frozen=True)
class StoredInventory:
    """What the bucket holds of a name."""

    import_files: int
    refused: str
    """Why the bucket could not be looked at; empty when it could."""

    def __str__(self) -> str:
        if self.refused:
            return f"import files, if there are any ({self.refused})"
        return f"import files ({self.import_files})" if self.import_files else "nothing in the bucket"


@step("read everything of {name}")
def read_inventory(settings: VertexSettings, name: str, deadline: Deadline) -> Inventory:
    """Everything at Vertex AI that we made under a name, half-made things too."""
    endpoints = [made.resource for made in find_ours(settings, ENDPOINTS, name, deadline)]
    deploying = [
        operation.deployed_index_id
        for endpoint in endpoints
        for operation in unfinished(settings, endpoint.name, kinds={"DeployIndex"})
    ]
    return Inventory(
        deployed_indexes=tuple(
            d.id for endpoint in endpoints for d in endpoint.deployed_indexes if d.id not in deploying
        ),
        deploying=tuple(deploying),
        endpoints=tuple(endpoint.name for endpoint in endpoints),
        indexes=tuple(made.resource.name for made in find_ours(settings, INDEXES, name, deadline)),
    )


@step("read what the bucket holds of {name}")
def read_stored_inventory(settings: VertexSettings, name: str) -> StoredInventory:
    """The import files of a name. A bucket that these credentials may not read is not an error: it costs next to nothing."""
    try:
        return StoredInventory(len(list_import_files(settings, name)), refused="")
    except ServiceRefused as error:
        return StoredInventory(0, refused=str(error))
