"""What an inference endpoint means for a flow: the model that its first use brings, and the ways to search by it."""

from __future__ import annotations

from flows.plan import Resource
from tasks.elastic.cluster.endpoints import read_embedding_endpoint
from tasks.elastic.cluster.models import read_model
from tasks.elastic.indices.embeddings import Embedded
from tasks.elastic.search.ways import How, ways_of
from tasks.elastic.settings import ElasticSettings


def first_use(settings: ElasticSettings, endpoint_id: str) -> list[Resource]:
    """For a plan: the model that the first use of a default endpoint brings, if that is still to come."""
    found = read_embedding_endpoint(settings, endpoint_id)
    if not found.is_local or read_model(settings, found.model_id):
        return []
    detail = f"the first use of {found.id} downloads and starts it"
    return [Resource(action="create", kind="model", name=found.model_id, detail=detail)]


def ways_here(settings: ElasticSettings, embedded: Embedded) -> tuple[How, ...]:
    """The ways to search an index; a semantic_text field has embeddings of one kind only."""
    ways = ways_of(embedded)
    if embedded.kind != "semantic-text":
        return ways
    dense = read_embedding_endpoint(settings, embedded.search_deployment).is_dense
    return tuple(how for how in ways if how != ("sparse" if dense else "dense"))
