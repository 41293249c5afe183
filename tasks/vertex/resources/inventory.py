"""Everything that carries our mark under one name: what a teardown removes, and the proof that nothing is left.

What costs by the hour and what is in the bucket are read apart: trouble with the second must not delay the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.calls import ServiceRefused
from tasks.errors import PermanentError
from tasks.plurals import counted
from tasks.steps import step
from tasks.vertex.imports.buckets import is_left_over
from tasks.vertex.imports.passage_files import list_files
from tasks.vertex.imports.storage import list_foreign_files, list_import_files
from tasks.vertex.operations.adoption import endpoint_name_of, find_ours, version_of
from tasks.vertex.operations.operations import own_id, unfinished
from tasks.vertex.resources.deployed_indexes import undeploy_command
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.resources.sharing import other_users
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, is_our_deployed_index_id
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What Vertex AI holds of a name."""

    deployed_indexes: tuple[str, ...]
    deploying: tuple[str, ...]
    """Ids that an unfinished operation is still deploying."""
    endpoints: tuple[str, ...]
    """Without those that other names use too."""
    indexes: tuple[str, ...]
    endpoint_names: tuple[str, ...] = ()
    """What its endpoints were created under, those that it shares too."""
    shared: tuple[str, ...] = ()
    """The endpoints that stay, with the other names that use them; each as a sentence's part."""
    connected: tuple[str, ...] = ()
    """The versions behind Private Service Connect that their builds have connected: every one but the first."""
    foreign: tuple[str, ...] = ()
    """What ties ours to others': their deployed index on our endpoint, our index on their endpoint; each as a sentence's part."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, and nothing will appear later."""
        return not any((self.deployed_indexes, self.deploying, self.endpoints, self.indexes))

    def __str__(self) -> str:
        parts = (
            *(f"deployed index {one}" for one in self.deployed_indexes),
            *(f"deployment under way of {one}" for one in self.deploying),
            *(f"endpoint {own_id(one)}" for one in self.endpoints),
            *(f"index {own_id(one)}" for one in self.indexes),
            *(f"forwarding rule and address to version {one}" for one in self.connected),
        )
        stays = f"; it would keep {' and '.join(self.shared)}" if self.shared else ""
        return f"{'; '.join(parts) or 'nothing'}{stays}"


class TiedToOthers(PermanentError):
    """What carries our mark cannot be removed without what does not."""

    def __init__(self, name: str, *, foreign: Sequence[str]) -> None:
        self.name, self.foreign = name, tuple(foreign)
        super().__init__(
            f"What was built under the name {name!r} is also used by others: {'; '.join(foreign)}. Nothing was changed: the service "
            "removes an endpoint or an index only when nothing is deployed there, and what others deployed is never touched. Ask "
            "whoever deployed it to undeploy it, then run it again."
        )


@dataclass(frozen=True)
class StoredInventory:
    """What the bucket holds of a name."""

    import_files: int
    """And what lies beside the index of a knowledge base."""
    refused: str
    """Why the bucket could not be looked at; empty when it could."""
    foreign_files: int = 0
    """What others put under the name; it stays."""
    empty_bucket: bool = False
    """The bucket is ours and holds nothing at all: an interrupted teardown left it."""

    @property
    def is_empty(self) -> bool:
        """Whether a teardown has nothing to remove here."""
        return not self.import_files and not self.empty_bucket

    def __str__(self) -> str:
        if self.refused:
            return f"import files, if there are any ({self.refused})"
        if self.empty_bucket:
            return "the empty bucket"
        ours = f"import files ({self.import_files})" if self.import_files else "nothing in the bucket"
        return (
            f"{ours}; {counted(self.foreign_files, 'file')} of others, which stay"
            if self.foreign_files
            else ours
        )


@step("read everything of {name}")
def read_inventory(settings: VertexSettings, name: str, deadline: Deadline) -> Inventory:
    """Everything at Vertex AI that we made under a name, half-made things too."""
    made = find_ours(settings, INDEXES, name, deadline)
    indexes = [one.resource for one in made]
    names = tuple(sorted({name, endpoint_name_of(name, made)}))
    endpoints = [one.resource for each in names for one in find_ours(settings, ENDPOINTS, each, deadline)]
    users = {endpoint.name: other_users(settings, endpoint, name) for endpoint in endpoints}
    own = {own_id(index.name) for index in indexes}
    deploying = [
        (endpoint.name, operation.deployed_index_id)
        for endpoint in endpoints
        for operation in unfinished(settings, endpoint.name, kinds={"DeployIndex"})
    ]
    on_the_way = {id_ for _, id_ in deploying}
    deployed = [
        (endpoint.name, one)
        for endpoint in endpoints
        for one in endpoint.deployed_indexes
        if one.id not in on_the_way
    ]
    # An endpoint that other names use stays, and whoever else is on it does not mind.
    foreign = [
        f"the endpoint {endpoint} also serves the deployed index {one.id} of the index {one.index} "
        f"(`{undeploy_command(endpoint, one.id)}`)"
        for endpoint, one in deployed
        if own_id(one.index) not in own and not users[endpoint]
    ]
    foreign += [
        f"the deployed index {id_} is being deployed on the endpoint {endpoint}"
        for endpoint, id_ in deploying
        if not is_our_deployed_index_id(id_, name, settings.location) and not users[endpoint]
    ]
    is_private = any(one.private_service_connect_config.enable_private_service_connect for one in endpoints)
    versions = {version_of(index) for index in indexes} - {FIRST}
    ours = {own_id(endpoint.name) for endpoint in endpoints}
    foreign += [
        f"the index {index.name} is also served by the endpoint {ref.index_endpoint} as the deployed index {ref.deployed_index_id} "
        f"(`{undeploy_command(ref.index_endpoint, ref.deployed_index_id)}`)"
        for index in indexes
        for ref in index.deployed_indexes
        if own_id(ref.index_endpoint) not in ours
    ]
    return Inventory(
        deployed_indexes=tuple(one.id for _, one in deployed if own_id(one.index) in own),
        deploying=tuple(
            id_ for _, id_ in deploying if is_our_deployed_index_id(id_, name, settings.location)
        ),
        endpoints=tuple(endpoint.name for endpoint in endpoints if not users[endpoint.name]),
        endpoint_names=names,
        shared=tuple(
            f"the endpoint {endpoint}, which is also that of {', '.join(others)}"
            for endpoint, others in users.items()
            if others
        ),
        indexes=tuple(index.name for index in indexes),
        connected=tuple(sorted(versions)) if is_private else (),
        foreign=tuple(foreign),
    )


def refuse_ties(name: str, there: Inventory) -> None:
    """See that everything of a name can be removed without touching what others deployed.

    Raises:
        TiedToOthers: it cannot.
    """
    if there.foreign:
        raise TiedToOthers(name, foreign=there.foreign)


@step("read what the bucket holds of {name}")
def read_stored_inventory(settings: VertexSettings, name: str) -> StoredInventory:
    """The import files of a name. A bucket that these credentials may not read is not an error: it costs next to nothing."""
    try:
        return StoredInventory(
            len(list_import_files(settings, name)) + len(list_files(settings, name)),
            refused="",
            foreign_files=len(list_foreign_files(settings, name)),
            empty_bucket=is_left_over(settings),
        )
    except ServiceRefused as error:
        return StoredInventory(0, refused=str(error))
