"""Which part of a document is shown: `_source` filters, exclusions of the mapping, and vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson

from sandbox.elastic import errors
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
from sandbox.elastic.indices.index import Index
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.tokens import token

_VECTORS = ("sparse_vector", "rank_features", "dense_vector")


@dataclass(frozen=True)
class SourceFilter:
    """The requested part of a document."""

    shown: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    exclude_vectors: bool | None = None
    """None: the index's own setting."""
    inference_fields: bool = False
    """Whether the embeddings of semantic_text fields are shown: to those who ask for vectors, or by `fields` for `_inference_fields`."""

    def of_text(self, text: bytes | None, index: Index) -> dict[str, Any] | orjson.Fragment:
        """The filtered document; the whole one as the text that it is."""
        document = orjson.loads(text or b"{}")
        found = self.apply(document, index)
        return orjson.Fragment(text or b"{}") if found == document else found

    def apply(self, document: dict[str, Any], index: Index) -> dict[str, Any]:
        """The filtered document."""
        if not self.inference_fields:
            document = {name: value for name, value in document.items() if name != INFERENCE_FIELDS}
        source = index.mapping.get("_source", {})
        includes, excludes = list(self.includes), [*self.excludes, *source.get("excludes", [])]
        left_out = index.excludes_vectors if self.exclude_vectors is None else self.exclude_vectors
        if left_out:
            excludes += [field.path for field in index.fields.values() if field.type in _VECTORS]
        if source.get("includes"):
            document = _chosen(document, "", source["includes"], [])
        return _chosen(document, "", includes, excludes) if includes or excludes else document


def of_body(value: Any, release: Release) -> SourceFilter:
    """`_source` in a body: a boolean, a pattern, a list of patterns, or an object.

    Raises:
        Refusal: it is invalid.
    """
    if value is None or isinstance(value, bool):
        return SourceFilter(shown=value is not False)
    if isinstance(value, str) or _is_patterns(value):
        return SourceFilter(includes=_list(value))
    if isinstance(value, Mapping):
        if "exclude_vectors" in value and not release.excludes_source_vectors:
            raise documents_errors.SOURCE_KEY.refusal(
                token=token(value["exclude_vectors"]), key="exclude_vectors"
            )
        unknown = set(value) - {"includes", "include", "excludes", "exclude", "exclude_vectors"}
        if not unknown:
            return SourceFilter(
                includes=_list(value.get("includes", value.get("include"))),
                excludes=_list(value.get("excludes", value.get("exclude"))),
                exclude_vectors=value.get("exclude_vectors"),
                inference_fields=value.get("exclude_vectors") is False,
            )
    raise errors.PARSING.refusal(
        problem="Expected one of [VALUE_STRING, VALUE_BOOLEAN, START_OBJECT] for [_source]"
    )


def of_query(request: Request) -> SourceFilter | None:
    """`_source`, `_source_includes`, `_source_excludes` and `_source_exclude_vectors` of a query string."""
    names = ("_source", "_source_includes", "_source_excludes", "_source_exclude_vectors")
    if not any(name in request.query for name in names):
        return None
    source = request.text("_source")
    includes = source if source not in ("", "true", "false") else request.text("_source_includes")
    vectors = "_source_exclude_vectors" in request.query
    return SourceFilter(
        shown=source != "false",
        includes=_list(includes),
        excludes=_list(request.text("_source_excludes")),
        exclude_vectors=request.flag("_source_exclude_vectors") if vectors else None,
        inference_fields=vectors and not request.flag("_source_exclude_vectors"),
    )


def _is_patterns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _list(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    return tuple(value.split(",")) if isinstance(value, str) else tuple(value)


def _chosen(
    document: dict[str, Any], prefix: str, includes: list[str], excludes: list[str]
) -> dict[str, Any]:
    found = {}
    for name, value in document.items():
        path = prefix + name
        if any(_meets(path, pattern) for pattern in excludes):
            continue
        met = not includes or any(_meets(path, pattern) for pattern in includes)
        below = [] if met else includes
        if isinstance(value, dict):
            kept = _chosen(value, f"{path}.", below, excludes)
            if met or kept:
                found[name] = kept
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            objects = [_chosen(each, f"{path}.", below, excludes) for each in value if isinstance(each, dict)]
            if met or any(objects):
                found[name] = objects
        elif met:
            found[name] = value
    return found


def _meets(path: str, pattern: str) -> bool:
    """A pattern matches a path and everything below it."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}.*")
