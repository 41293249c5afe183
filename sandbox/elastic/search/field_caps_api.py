"""`_field_caps`: which fields indices have, of which types, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.mappings import Field, is_nested, is_object, is_searchable
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.search.query_bodies import matching, strings
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route

# name: searchable, aggregatable (IndicesModule.java; `_id` from memory).
_METADATA = {
    "_id": (True, False),
    "_index": (True, True),
    "_source": (False, False),
    "_seq_no": (True, True),
    "_version": (False, True),
    "_routing": (True, False),
    "_ignored": (True, True),
    "_field_names": (True, False),
}
_NOT_AGGREGATED = ("text", "semantic_text", "sparse_vector", "rank_features", "dense_vector")
_FILTERS = ("+metadata", "-metadata", "-parent", "-nested", "-multifield")


class FieldCapabilitiesApi:
    """The capabilities of fields."""

    def __init__(self, indices: Indices, searchers: Searchers, release: Release) -> None:
        self._release = release
        self._indices = indices
        self._searchers = searchers

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("field_caps", "GET POST", "/_field_caps", self.field_caps),
            Route("field_caps", "GET POST", "/{index}/_field_caps", self.field_caps),
        )

    def field_caps(self, request: Request) -> dict[str, Any]:
        """`GET /{index}/_field_caps?fields=*`."""
        body = request.fields("field_caps", "fields", "index_filter", "runtime_mappings")
        for name in ("index_filter", "runtime_mappings"):
            if body.get(name):
                raise errors.NOT_IMITATED.refusal(name=name, value=body[name], api="field_caps")
        patterns = body.get("fields") or request.text("fields")
        patterns = (
            patterns.split(",") if isinstance(patterns, str) else strings("field_caps", "fields", patterns)
        )
        if not patterns or patterns == [""]:
            raise errors.VALIDATION.refusal(problems="1: no fields specified;")
        filters = [each for each in request.text("filters").split(",") if each]
        for each in filters:
            if each not in _FILTERS:
                raise errors.NOT_IMITATED.refusal(name="filters", value=each, api="field_caps")
        types = [each for each in request.text("types").split(",") if each]
        indices = self._indices.named_by(request, "read")
        only_present = not request.flag("include_empty_fields", True)
        of_indices = {
            index.name: self._capabilities(index, patterns, filters, types, only_present) for index in indices
        }
        return {
            "indices": list(of_indices),
            "fields": _merged(of_indices, request.flag("include_unmapped")),
        }

    def _capabilities(
        self, index: Index, patterns: list[str], filters: list[str], types: list[str], only_present: bool
    ) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = {}
        for path, field in index.fields.items():
            multi = path.rpartition(".")[0] in index.fields
            known |= {} if multi and "-multifield" in filters else {path: _shown(field)}
        if only_present:
            searcher = self._searchers.current(index)
            known = {path: each for path, each in known.items() if searcher.present(path).any()}
        mapping = index.mapping
        if (
            not self._release.semantic_text_options
        ):  # since then, without what semantic_text fields keep below
            mapping = index.with_chunks.mapping
            inside = {path: field for path, field in index.with_chunks.fields.items() if path not in known}
            known |= {path: _shown(field) for path, field in inside.items()}
        if "-parent" not in filters:
            parents = _objects(mapping.get("properties", {}), "")
            parents = {path: kind for path, kind in parents.items() if path not in known}
            known |= {path: _capability(kind, False, False) for path, kind in parents.items()}
        if ("+metadata" not in filters and "-metadata" not in filters) or "+metadata" in filters:
            known |= {
                name: _capability(name, searchable, aggregatable, metadata=True)
                for name, (searchable, aggregatable) in _METADATA.items()
            }
        if "+metadata" in filters:
            known = {name: each for name, each in known.items() if each["metadata_field"]}
        chosen = dict.fromkeys(name for pattern in patterns for name in matching(known, pattern))
        # The parents of a field come along with it.
        parents = {name[:cut] for name in chosen for cut, letter in enumerate(name) if letter == "."}
        chosen |= dict.fromkeys(name for name in known if name in parents)
        return {name: known[name] for name in chosen if not types or known[name]["type"] in types}


def _merged(of_indices: Mapping[str, Mapping[str, dict[str, Any]]], unmapped: bool) -> dict[str, Any]:
    fields: dict[str, dict[str, dict[str, Any]]] = {}
    for name, known in of_indices.items():
        for path, each in known.items():
            kinds = fields.setdefault(path, {})
            there = kinds.setdefault(each["type"], {**each, "indices": []})
            for able in ("searchable", "aggregatable"):
                there[able] = there[able] and each[able]
            there["indices"].append(name)
    for kinds in fields.values():
        having = {name for each in kinds.values() for name in each["indices"]}
        without = [name for name in of_indices if name not in having]
        if unmapped and without:
            kinds["unmapped"] = {**_capability("unmapped", False, False), "indices": without}
        for each in kinds.values():
            if len(kinds) == 1:
                del each["indices"]  # shown only where types differ
    return fields


def _shown(field: Field) -> dict[str, Any]:
    stored = field.parameters.get("doc_values") is not False
    aggregatable = stored and field.type not in _NOT_AGGREGATED
    searchable = is_searchable(field.type, field.parameters)
    shown = "text" if field.type == "semantic_text" else field.type
    return _capability(shown, searchable, aggregatable)


def _capability(kind: str, searchable: bool, aggregatable: bool, *, metadata: bool = False) -> dict[str, Any]:
    return {"type": kind, "metadata_field": metadata, "searchable": searchable, "aggregatable": aggregatable}


def _objects(properties: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """The type of each object by its path."""
    found: dict[str, str] = {}
    for name, definition in properties.items():
        if is_object(definition) or is_nested(definition):
            found[prefix + name] = "nested" if is_nested(definition) else "object"
            found |= _objects(definition.get("properties", {}), f"{prefix}{name}.")
    return found
