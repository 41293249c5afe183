"""Who uses an endpoint: several names may share one by choice, and it goes with the last of them."""

from __future__ import annotations

from google.cloud.aiplatform_v1 import IndexEndpoint
from google.protobuf import field_mask_pb2

from tasks.marks import MANAGED_BY
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.marks import SERVED_MARKS, mark_for
from tasks.vertex.operations.adoption import find_ours
from tasks.vertex.operations.operations import own_id
from tasks.vertex.operations.removal import remove_all
from tasks.vertex.resources.endpoints import ENDPOINTS
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline


def other_users(settings: VertexSettings, endpoint: IndexEndpoint, name: str) -> tuple[str, ...]:
    """The other names of this project whose indexes are deployed on an endpoint of ours, or are built for it."""
    deployed = {own_id(one.index) for one in endpoint.deployed_indexes}
    users = {
        index.labels["name"]
        for index in INDEXES.list(settings, f'labels.managed_by="{MANAGED_BY}"')
        if index.labels.get("managed_by") == MANAGED_BY
        and (
            own_id(index.name) in deployed
            or index.labels.get("endpoint", index.labels["name"]) == endpoint.labels["name"]
        )
    }
    return tuple(sorted(users - {name}))


@step("remove endpoint of {name}")
def remove_endpoints(
    settings: VertexSettings, name: str, endpoint_names: tuple[str, ...], deadline: Deadline
) -> tuple[str, ...]:
    """Remove the endpoints of a name that nobody else uses, and end what would still make one; of others, our marks.

    Args:
        settings: the target.
        name: the name whose indexes are gone from them.
        endpoint_names: what the endpoints were created under.
        deadline: for all of it.

    Returns:
        The names of the removed resources.
    """
    gone: list[str] = []
    for each in endpoint_names:
        there = [made.resource for made in find_ours(settings, ENDPOINTS, each, deadline)]
        used = [(one, users) for one in there if (users := other_users(settings, one, name))]
        if not used:
            gone += remove_all(settings, ENDPOINTS, each, deadline)
        for one, users in used:
            _unmark(settings, one, name)
            say(f"The endpoint {one.display_name} stays: it is also that of {', '.join(users)}.")
    return tuple(gone)


def _unmark(settings: VertexSettings, endpoint: IndexEndpoint, name: str) -> None:
    """Take away what an endpoint says of the versions of a name."""
    read = ENDPOINTS.get(settings, endpoint.name)
    ours = {mark_for(mark, read.labels["name"], name) for mark in SERVED_MARKS} & set(read.labels)
    if not ours:
        return
    others = {key: value for key, value in read.labels.items() if key not in ours}
    with calling(f"take the marks of {name} from endpoint {read.display_name}"):
        connect(settings).endpoints.update_index_endpoint(
            index_endpoint=IndexEndpoint(name=read.name, etag=read.etag, labels=others),
            update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
            timeout=CALL_SECONDS,
            retry=None,
        )
