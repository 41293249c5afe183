"""Whether semantic_text fields hold embeddings of the model that the endpoint has now, and find their own documents.

Their scores are not recomputed: how an index scores chunks is its own business. Nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.elastic.cluster.endpoints import EndpointState
from tasks.elastic.indices.indices import read_index
from tasks.elastic.indices.pipelines import value_at
from tasks.elastic.indices.sources import read_sample
from tasks.elastic.search.search import query_for, search
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import GateNotMet
from tasks.steps import step

WITHIN = 10
"""A document must be among this many hits of its own text; others may be as near."""
_CHARACTERS = 1_000
"""Of a document's text that are searched for: well within what a model reads."""


@dataclass(frozen=True)
class OwnTexts:
    """Documents that were searched for by their own texts."""

    asked: int


@step("verify that {index} finds its own documents")
def verify_own_texts(
    settings: ElasticSettings, index: str, field: EmbeddedField, endpoint: EndpointState
) -> OwnTexts:
    """Check the model that the field holds, and that documents are found by their own texts.

    Args:
        settings: the target.
        index: an index or alias.
        field: a semantic_text field.
        endpoint: its inference endpoint, as it is now.

    Raises:
        GateNotMet: the field has embeddings of another kind than the endpoint gives, or does not find a document of its own.
    """
    there = read_index.fn(settings, index)
    mapping = _mapping_at(there.properties if there else {}, field.output)
    kind = (mapping.get("model_settings") or {}).get("task_type")
    if kind != endpoint.task_type:
        raise GateNotMet(
            f"The kind of embedding that {field.output} holds", measured=kind, wanted=endpoint.task_type,
            remedy=f"The endpoint {endpoint.id} has another model than the one that embedded the documents.",
        )  # fmt: skip
    sample = read_sample.fn(settings, index, [field.output])
    for document in sample:
        text = _text(value_at(document, field.input))
        query = query_for(text[:_CHARACTERS], field.output, "", "semantic")
        hits = search(settings, index, query, size=WITHIN, hidden=None).hits
        same = [hit for hit in hits if _text(value_at(hit.source, field.input)) == text]
        if not same:
            raise GateNotMet(
                f"The rank of document {document['_id']} among the hits of its own text by {field.output}",
                measured=f"none of {len(hits)}", wanted=f"at most {WITHIN}",
                remedy="The index holds a different embedding than its text has, or another model answers now.",
            )  # fmt: skip
    return OwnTexts(len(sample))


def _text(value: object) -> str:
    """A value as the text that is embedded; of several the first."""
    if isinstance(value, list):
        return str(value[0]) if value else ""  # pyright: ignore[reportUnknownArgumentType]
    return str(value)


def _mapping_at(properties: dict[str, dict[str, object]], path: str) -> dict[str, dict[str, object]]:
    found: dict[str, object] = {"properties": properties}
    for part in path.split("."):
        below: object = found.get("properties")
        found = below.get(part, {}) if isinstance(below, dict) else {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return found  # pyright: ignore[reportReturnType]
