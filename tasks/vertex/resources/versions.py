"""The versions of a name: which there are, which of them the endpoint's mark says is served, and how the mark moves.

Vertex AI Vector Search has no alias, and what is deployed anew has a new deployed index id. So a version is an index of its
own, deployed beside the others on the same endpoint; nothing but a label of the endpoint changes when another is served.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from google.cloud.aiplatform_v1 import IndexEndpoint
from google.protobuf import field_mask_pb2

from tasks.errors import InvalidInput, PermanentError
from tasks.marks import fingerprint
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.versions import Versions
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.marks import SERVED_MARKS, mark_for
from tasks.vertex.operations.adoption import (
    Kind,
    Made,
    R,
    endpoint_name_of,
    find_ours,
    list_ours,
    the_one,
)
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.deployed_indexes import undeploy_command
from tasks.vertex.resources.endpoints import ENDPOINTS, EndpointState, endpoint_state
from tasks.vertex.resources.indexes import INDEXES, IndexState, by_version
from tasks.vertex.resources.inventory import TiedToOthers
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, IndexSpec, deployed_index_id
from tasks.waiting import Deadline


@dataclass(frozen=True, kw_only=True)
class VertexVersions(Versions[EndpointState, IndexState]):
    """The versions of a name, deployed or not."""

    engine: ClassVar[str] = "vertex"
    location: str

    @property
    def deployed(self) -> tuple[str, ...]:
        """Those that are deployed on the endpoint, the oldest first."""
        return tuple(one for one in self.indexes if self.is_deployed(one))

    def id_of(self, version: str) -> str:
        """The deployed index id of a version."""
        return deployed_index_id(self.name, self.location, version)

    def is_deployed(self, version: str) -> bool:
        """Whether the endpoint serves a version; not if somebody deployed another index under its id."""
        id_, index = self.id_of(version), self.indexes.get(version)
        if id_ not in self.endpoint.deployed_index_ids:
            return False
        return index is None or self.endpoint.indexes.get(id_) in (None, own_id(index.resource))

    def may_run_on(self, version: str, machine: str | None) -> bool:
        """Whether a version is deployed on this machine type, or can be: None stands for automatic resources."""
        return self.endpoint.machine_types.get(self.id_of(version), machine or "") == (machine or "")

    def check_servable(self, version: str) -> None:
        """Refuse to serve what is not deployed.

        Raises:
            NoSuchVersion: it is not deployed.
        """
        if not self.is_deployed(version):
            raise NoSuchVersion(self.name, version, deployed=self.deployed, serves=self.serves)

    def check_removable(self, versions: Sequence[str]) -> None:
        """Refuse to remove what somebody else deployed.

        Raises:
            TiedToOthers: others deployed one of these on an endpoint of theirs.
        """
        own = self.endpoint.resource.rpartition("/")[2]
        foreign = [
            f"the index {index.resource} is also served by the endpoint {endpoint} as the deployed index {id_} (`{undeploy_command(endpoint, id_)}`)"
            for index in (self.indexes[version] for version in versions)
            for endpoint, id_ in index.deployed
            if endpoint.rpartition("/")[2] != own
        ]
        if foreign:
            raise TiedToOthers(self.name, foreign=foreign)

    def about(self, version: str) -> str:
        """Where a version is and what it holds, in words: `deployed as products_us_central1, 1,000 vectors`."""
        if (index := self.indexes.get(version)) is None:
            return "there is no index of it"
        deployed = f"deployed as {self.id_of(version)}" if version in self.deployed else "not deployed"
        if elsewhere := index.elsewhere(self.endpoint.resource):
            deployed += f", by somebody else {elsewhere}"
        return f"{deployed}, {index.size}"


class NoSuchVersion(PermanentError):
    """A version cannot be served, because it is not deployed."""

    def __init__(self, name: str, version: str, *, deployed: tuple[str, ...], serves: str) -> None:
        self.name, self.version, self.deployed, self.serves = name, version, deployed, serves
        super().__init__(
            f"The version {version!r} of {name} is not deployed, so it cannot be served. Deployed: {', '.join(deployed) or 'none'}; "
            f"served: {serves}. Nothing was changed. "
            f"`{command('vertex build', name=name, data='FILE.hdf5', as_version=True)}` builds and deploys a version."
        )


def version_for(
    there: VertexVersions | None,
    indexes: Mapping[str, IndexState],
    index: IndexSpec,
    content: str,
    machine: str | None,
) -> str:
    """The version that holds this content under this configuration, or the one that a new index of it becomes.

    Args:
        there: the versions of the name; None where it has no endpoint yet.
        indexes: the indexes of the name, by version, the oldest first.
        index: the configuration that is wanted.
        content: hash of the data that it is to hold.
        machine: the machine type that it is to be deployed on; None for automatic resources.
    """
    if not indexes:
        return FIRST
    wanted = (index.spec, content)
    same = [
        version
        for version, one in indexes.items()
        if (one.spec, one.content) == wanted and (there is None or there.may_run_on(version, machine))
    ]
    if same:
        return there.serves if there is not None and there.serves in same else same[-1]
    # The same in every run that would build it. A version keeps its mark when a plain build replaces what it holds.
    made = (fingerprint([*wanted, machine, number]) for number in count())
    return next(version for version in made if version not in indexes)


@step("read the versions of {name}")
def read_versions(settings: VertexSettings, name: str, deadline: Deadline | None = None) -> VertexVersions:
    """The versions of a name: those that are listed, so that a rollback never waits.

    Args:
        settings: the target.
        name: the name that the user gave.
        deadline: look for half-made ones too, until then.

    Raises:
        InvalidInput: nothing was built under the name.
    """

    def found(kind: Kind[R], name: str) -> list[Made[R]]:
        if deadline is None:
            return list_ours(settings, kind, name)
        return find_ours(settings, kind, name, deadline)

    indexes = found(INDEXES, name)
    endpoint = the_one(ENDPOINTS, found(ENDPOINTS, endpoint_name_of(name, indexes)))
    if endpoint is None:
        raise InvalidInput(
            "Nothing of this project is served under this name", value=name, source="name",
            remedy=f"Build it with `{command('vertex build', name=name, data='FILE.hdf5')}`.",
        )  # fmt: skip
    # Read, not only listed: a list may lag, and by what it says is served the rest is pruned.
    read = ENDPOINTS.get(settings, endpoint.resource.name)
    return VertexVersions(
        name=name,
        location=settings.location,
        endpoint=endpoint_state(Made(read, endpoint.making), name),
        indexes=by_version(indexes),
    )


@step("serve version {version} of {name}")
def ensure_served(settings: VertexSettings, name: str, version: str) -> Ensured[EndpointState]:
    """The endpoint of a name, its mark at this version: from now on, our commands query it.

    Raises:
        NoSuchVersion: it is not deployed.
    """
    there = read_versions.fn(settings, name)
    if version == there.serves:
        return Ensured(there.endpoint)
    there.check_servable(version)
    return Ensured(_move(settings, there, version, replaced=there.serves), "changed")


@step("roll {name} back")
def ensure_rollback(settings: VertexSettings, name: str) -> Ensured[EndpointState]:
    """The endpoint of a name, its mark at the version before the last swap. A second rollback changes nothing.

    Raises:
        NothingToRollBackTo: there was no swap.
        NoSuchVersion: the version before is not deployed any more.
    """
    there = read_versions.fn(settings, name)
    back = there.back()
    if back == there.serves:
        return Ensured(there.endpoint)
    return Ensured(_move(settings, there, back, rolled_back_from=there.serves), "changed")


def _move(settings: VertexSettings, there: VertexVersions, version: str, **marks: str) -> EndpointState:
    """Move the mark of what is served, in one call."""
    client, resource = connect(settings).endpoints, there.endpoint.resource
    endpoint = ENDPOINTS.get(settings, resource)
    # An update replaces all labels, and some belong to other people; the etag refuses it if they changed them meanwhile.
    own = endpoint.labels["name"]
    keys = {mark: mark_for(mark, own, there.name) for mark in SERVED_MARKS}
    others = {key: value for key, value in endpoint.labels.items() if key not in keys.values()}
    moved_marks = {"serves": version, "served_since": str(int(time.time())), **marks}
    marked = IndexEndpoint(
        name=resource,
        etag=endpoint.etag,
        labels=others | {keys[mark]: value for mark, value in moved_marks.items()},
    )
    with calling(f"mark that {there.name} serves the version {version}"):
        moved = client.update_index_endpoint(
            index_endpoint=marked,
            update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
            timeout=CALL_SECONDS,
            retry=None,
        )
    say(f"{there.name} serves the version {version}, deployed as {there.id_of(version)}.")
    return endpoint_state(Made(moved, None), there.name)
