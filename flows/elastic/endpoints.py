"""Inference endpoints that an option or an embedded index names: read, and seen to embed texts."""

from __future__ import annotations

from flows.plan import Resource
from tasks.elastic.cluster.endpoints import EMBEDDINGS, EndpointState, read_endpoint
from tasks.elastic.cluster.models import read_model
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.search.ways import How, ways_of
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.plurals import listed


def endpoint_of(settings: ElasticSettings, endpoint_id: str) -> EndpointState:
    """An endpoint that embeds texts.

    Raises:
        InvalidInput: there is none, or it answers something else.
    """
    found = read_endpoint(settings, endpoint_id)
    if found is None:
        raise InvalidInput("There is no such inference endpoint", value=endpoint_id, source="--endpoint")
    if found.task_type not in EMBEDDINGS:
        raise InvalidInput(
            f"This inference endpoint answers {found.task_type}, which is no embedding of a text",
            value=endpoint_id,
            source="--endpoint",
            accepted=f"an endpoint of {listed(EMBEDDINGS)}",
        )
    return found


def first_use(settings: ElasticSettings, endpoint_id: str) -> list[Resource]:
    """For a plan: the model that the first use of a default endpoint brings, if that is still to come."""
    found = endpoint_of(settings, endpoint_id)
    if not found.is_local or read_model(settings, found.model_id):
        return []
    detail = f"the first use of {found.id} downloads and starts it"
    return [Resource(action="create", kind="model", name=found.model_id, detail=detail)]


def ways_here(settings: ElasticSettings, embedded: Embedded) -> tuple[How, ...]:
    """The ways to search an index; a semantic_text field has embeddings of one kind only."""
    ways = ways_of(embedded)
    if embedded.kind != "semantic-text":
        return ways
    dense = endpoint_of(settings, embedded.search_deployment).is_dense
    return tuple(how for how in ways if how != ("sparse" if dense else "dense"))
