"""`fields`, `docvalue_fields` and `stored_fields`: single values of a hit, each a list, beside or instead of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from sandbox.elastic.documents import date_formats, field_values
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
from sandbox.elastic.documents.semantic_values import own_texts
from sandbox.elastic.documents.source_values import at, of_field
from sandbox.elastic.documents.store import Row
from sandbox.elastic.indices.mappings import NUMBERS, Field, is_nested_at
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.query_bodies import matching
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.searcher import Searcher

Wanted = Mapping[str, str | None]
"""Paths of fields, each with a format or None."""


@dataclass(frozen=True)
class Asked:
    """The single values that a search asks for; patterns of paths, each with a format or None."""

    fields: tuple[tuple[str, str | None], ...] = ()
    doc_values: tuple[tuple[str, str | None], ...] = ()
    stored: tuple[str, ...] | None = None
    names_source: bool = False
    """Whether the search says that it wants the source, by `_source` beside `stored_fields`."""
    inference_fields: bool = False
    """Whether `_inference_fields` is asked for, which `_source` then shows (FetchSourcePhase.java)."""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read what the body of a search asks for.

        Raises:
            Refusal: an entry is neither a name nor an object with `field` and `format`.
        """
        stored = body.get("stored_fields")
        stored = [stored] if isinstance(stored, str) else stored
        if stored is not None and not isinstance(stored, list):
            raise search_errors.BAD_VALUE.refusal(where="search", parameter="stored_fields", value=stored)
        entries = tuple(_entry("fields", each) for each in _list(body.get("fields")))
        return cls(
            tuple(each for each in entries if each[0] != INFERENCE_FIELDS),
            tuple(_entry("docvalue_fields", each) for each in _list(body.get("docvalue_fields"))),
            None if stored is None else tuple(map(str, stored)),
            body.get("_source") not in (None, False),
            any(path == INFERENCE_FIELDS for path, _ in entries),
        )

    def shows_source(self, by_source: bool) -> bool:
        """Whether the source is shown; `stored_fields` replace it unless they name it, or `_source` asks for it (FetchPhase.java, from memory)."""
        return by_source and (self.stored is None or self.names_source or "_source" in self.stored)


def fetched(searcher: Searcher, document: int, row: Row, asked: Asked) -> dict[str, list[Any]]:
    """The values that were asked for, by path.

    Raises:
        Refusal: a field has no doc values.
    """
    found: dict[str, list[Any]] = {}
    known = searcher.index.fields
    source = row.document() if asked.fields or asked.stored else {}
    wanted = {path: format_ for pattern, format_ in asked.fields for path in matching(known, pattern)}
    found |= of_object(source, searcher.index.mapping, known, wanted)
    for pattern, format_ in asked.doc_values:
        for path in matching(known, pattern):
            if read := _doc_values(searcher, known[path], document, format_):
                found[path] = read
    for pattern in asked.stored or ():
        for path in matching(known, pattern):
            stored = known[path].parameters.get("store") is True
            if stored and (read := _from_source(source, known[path], known, None)):
                found[path] = read
    return found


def of_object(
    source: Mapping[str, Any],
    mapping: Mapping[str, Any],
    known: Mapping[str, Field],
    wanted: Wanted,
    within: str = "",
) -> dict[str, list[Any]]:
    """The wanted values of a document, or of one object of a nested field.

    Those of each nested object stand together, by paths below it: `{"passages": [{"text": ["..."]}]}` (NestedValueFetcher.java).

    Args:
        source: the document, or the object.
        mapping: of the index.
        known: the fields of the index.
        wanted: whole paths of fields, each with a format or None.
        within: the path of the nested field that the object belongs to; empty for a document.
    """
    found: dict[str, list[Any]] = {}
    below: dict[str, dict[str, str | None]] = {}
    start = f"{within}." if within else ""
    for path, format_ in wanted.items():
        outermost = _nested_above(mapping, path, within)
        if outermost:
            below.setdefault(outermost, {})[path] = format_
            continue
        field = known[path]
        own = replace(field, path=path.removeprefix(start)) if within else field
        if read := _from_source(source, own, {} if within else known, format_):
            found[own.path] = read
    for path, wanted_below in below.items():
        name = path.removeprefix(start)
        objects = [each for each in at(source, name.split(".")) if isinstance(each, Mapping)]
        shown_objects = [of_object(each, mapping, known, wanted_below, path) for each in objects]
        if kept := [each for each in shown_objects if each]:
            found[name] = kept
    return found


def _nested_above(mapping: Mapping[str, Any], path: str, within: str) -> str:
    """The outermost nested field that a path lies in, below another one; empty for none."""
    parts = path.split(".")
    above = [".".join(parts[:cut]) for cut in range(1, len(parts))]
    return next((each for each in above if len(each) > len(within) and is_nested_at(mapping, each)), "")


def _from_source(
    source: Mapping[str, Any], field: Field, known: Mapping[str, Field], format_: str | None
) -> list[Any]:
    if field.type == "dense_vector":
        path = field.path.split(".")
        return next((list(each) for each in _whole(source, path) if isinstance(each, list)), [])
    if field.type == "semantic_text" and any(
        isinstance(each, Mapping) for each in at(source, field.path.split("."))
    ):
        return list(own_texts(at(source, field.path.split("."))))
    found = list(of_field(source, field, known))
    if field.type in ("sparse_vector", "rank_features", "semantic_text"):
        return found
    values = field_values.read(field.type, field.parameters, found)
    return [_shown(field, value, format_) for value in values]


def _whole(document: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield document
    elif isinstance(document, dict):
        for cut in range(1, len(path) + 1):
            name = ".".join(path[:cut])
            if name in document:
                yield from _whole(document[name], path[cut:])


def _doc_values(searcher: Searcher, field: Field, document: int, format_: str | None) -> list[Any]:
    if field.type == "text":
        raise search_errors.NO_TEXT_SORT.refusal(path=field.path, index=searcher.index.name)
    if field.type in (*NUMBERS, "date"):
        documents, values = searcher.numbers(field.path)
        return [_shown(field, value, format_) for value in np.sort(values[documents == document]).tolist()]
    if field.type not in ("keyword", "boolean"):
        problem = f"Field [{field.path}] of type [{field.type}] does not support doc values in the sandbox"
        raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=searcher.index.metadata)
    documents, places = searcher.entries(field.path)
    terms = searcher.terms(field.path)
    return [
        _shown(field, terms[place], format_) for place in np.unique(places[documents == document]).tolist()
    ]


def _shown(field: Field, value: Any, format_: str | None) -> Any:
    if field.type == "date":
        return date_formats.shown(value, format_ or field.parameters.get("format"))
    if field.type == "boolean":
        return value == "true"
    if field.type in ("float", "half_float"):
        return shown(value)
    return value


def _entry(where: str, given: Any) -> tuple[str, str | None]:
    if isinstance(given, str):
        return given, None
    if (
        isinstance(given, Mapping)
        and isinstance(given.get("field"), str)
        and not set(given) - {"field", "format"}
    ):
        format_ = given.get("format")
        if format_ == "use_field_mapping":
            format_ = None
        if format_ is not None:
            try:
                date_formats.check(str(format_))
            except ValueError as error:
                raise search_errors.BAD_VALUE.refusal(
                    where=where, parameter=str(error), value=format_
                ) from None
        return given["field"], format_
    raise search_errors.BAD_VALUE.refusal(where="search", parameter=where, value=given)


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [] if given is None else [given]
