"""The user's own labels, changed in place: an index by an operation, an endpoint by one call. All other labels stay."""

from __future__ import annotations

from collections.abc import Mapping

from google.cloud.aiplatform_v1 import Index, IndexEndpoint
from google.protobuf import field_mask_pb2

from tasks.outcomes import Ensured
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.labels import check_number, differing
from tasks.vertex.operations.adoption import Made
from tasks.vertex.operations.operations import follow, follow_earlier, unfinished
from tasks.vertex.resources.endpoints import ENDPOINTS, EndpointState, endpoint_state
from tasks.vertex.resources.indexes import INDEXES, IndexState, begin_update, read_again
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline


@step("ensure the labels of index {name}")
def ensure_index_labels(
    settings: VertexSettings, name: str, index: IndexState, wanted: Mapping[str, str], deadline: Deadline
) -> Ensured[IndexState]:
    """The index with these labels beside its others. What still updates it is followed to its end first.

    Raises:
        InvalidInput: it would have more labels than Google allows.
    """
    if not differing(wanted, index.labels):
        return Ensured(index)
    for operation in unfinished(settings, index.resource, kinds={"UpdateIndex"}):
        follow_earlier(settings, operation, f"the update of index {name}", deadline)
    there = INDEXES.get(settings, index.resource)
    if not differing(wanted, there.labels):
        return Ensured(read_again(settings, index.resource))
    check_number(wanted, there.labels, resource=f"index {name}")
    doing = f"change the labels of index {name}"
    # The etag refuses the update if somebody changed the labels meanwhile.
    labelled = Index(name=there.name, etag=there.etag, labels={**there.labels, **wanted})
    follow(settings, begin_update(settings, labelled, "labels", doing), doing, deadline)
    return Ensured(read_again(settings, index.resource), "changed")


@step("ensure the labels of endpoint {name}")
def ensure_endpoint_labels(
    settings: VertexSettings, name: str, endpoint: EndpointState, wanted: Mapping[str, str]
) -> Ensured[EndpointState]:
    """The endpoint with these labels beside its others.

    Raises:
        InvalidInput: it would have more labels than Google allows.
    """
    if not differing(wanted, endpoint.labels):
        return Ensured(endpoint)
    there = ENDPOINTS.get(settings, endpoint.resource)
    if not differing(wanted, there.labels):
        return Ensured(endpoint_state(Made(there, None), name))
    check_number(wanted, there.labels, resource=f"endpoint {name}")
    # As above: a swap moves one of them.
    labelled = IndexEndpoint(name=there.name, etag=there.etag, labels={**there.labels, **wanted})
    with calling(f"change the labels of endpoint {name}"):
        changed = connect(settings).endpoints.update_index_endpoint(
            index_endpoint=labelled,
            update_mask=field_mask_pb2.FieldMask(paths=["labels"]),
            timeout=CALL_SECONDS,
            retry=None,
        )
    return Ensured(endpoint_state(Made(changed, None), name), "changed")
