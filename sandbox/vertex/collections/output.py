"""Data objects as answers show them: their names, and the fields that `output_fields` lists, `*` for all."""

from __future__ import annotations

from typing import Any

from google.cloud import vectorsearch_v1 as v1

from sandbox.vertex.collections.data_objects import DataObject
from sandbox.vertex.collections.rankings import Ranking

SearchResponse = v1.SearchDataObjectsResponse.pb()
_METADATA = ("create_time", "update_time", "etag")


def results(ranking: Ranking, fields: Any, next_page_token: str = "") -> Any:
    """A ranking as the answer to a search."""
    response = SearchResponse(next_page_token=next_page_token)
    for each, distance in ranking:
        response.results.add(data_object=shown(each, fields), distance=distance)
    return response


def shown(each: Any, fields: Any) -> Any:
    """A data object with the fields that are asked for; unknown ones are passed over."""
    found = DataObject(name=each.name, data_object_id=each.data_object_id)
    for name in _named(fields.data_fields, each.data.fields):
        found.data.fields[name].CopyFrom(each.data.fields[name])
    for name in _named(fields.vector_fields, each.vectors):
        found.vectors[name].CopyFrom(each.vectors[name])
    for name in _named(fields.metadata_fields, _METADATA):
        part = getattr(each, name)
        if name == "etag":
            found.etag = part
        else:
            getattr(found, name).CopyFrom(part)
    return found


def _named(asked: Any, there: Any) -> list[str]:
    return list(there) if "*" in asked else [name for name in asked if name in there]
