"""The documents that an aggregation looks at, and the values of their fields. Immutable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sandbox.elastic.documents import date_formats, date_math
from sandbox.elastic.indices.mappings import NUMBERS, WHOLE_NUMBERS
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.searcher import Array

Show = Callable[[Any, Sequence[Array]], dict[str, Any]]
"""The hits of a `top_hits`: takes its body, and the documents of each index."""


@dataclass(frozen=True)
class Selection:
    """Some documents of each index of a search."""

    contexts: Sequence[Context]
    documents: Sequence[Array]
    """For each index, the numbers of the documents, ascending."""
    show: Show
    name: str = ""
    """Of the aggregation that looks at them, which its refusals call by it."""
    enclosing: Enclosing | None = None
    """What the objects of a nested field are within; None for whole documents."""

    @property
    def level(self) -> str:
        """The path of the nested field whose objects are selected; empty for whole documents."""
        return self.contexts[0].level if self.contexts else ""

    @property
    def count(self) -> int:
        """How many documents they are."""
        return sum(len(each) for each in self.documents)

    def of(self, documents: Sequence[Array]) -> Selection:
        """Other documents of the same indices."""
        return replace(self, documents=documents)

    def matching(self, masks: Sequence[Array]) -> Selection:
        """Those that a mask of each index has."""
        return self.of([each[mask[each]] for each, mask in zip(self.documents, masks, strict=True)])

    def everything(self) -> Selection:
        """All documents of the same indices."""
        return self.of([np.flatnonzero(context.searcher.alive) for context in self.contexts])


@dataclass(frozen=True)
class Enclosing:
    """What the objects of a nested field are within: documents, or objects of another nested field."""

    selection: Selection
    parents: Sequence[Array]
    """For each index, what each object is within."""

    def of(self, objects: Sequence[Array]) -> Selection:
        """What some objects are within."""
        return self.selection.of(
            [np.unique(parents[those]) for parents, those in zip(self.parents, objects, strict=True)]
        )


@dataclass(frozen=True)
class Values:
    """The values of a field in a selection; a document may have several."""

    kind: str
    """The type of the field; `keyword` if no index has it."""
    documents: Sequence[Array]
    values: Sequence[Array]
    """For each index, one for each element of `documents`: strings, or numbers; booleans are 0 and 1."""
    format: str | None = None

    @property
    def together(self) -> Array:
        """The values of all indices."""
        return np.concatenate(self.values) if self.values else np.empty(0)

    def key(self, value: Any) -> Any:
        """A value as the key of a bucket."""
        if self.kind in (*WHOLE_NUMBERS, "date", "boolean"):
            return int(value)
        return str(value) if isinstance(value, str) else float(value)

    def shown(self, value: Any) -> str | None:
        """The value as `key_as_string` and `value_as_string` show it; None if there is no such member."""
        if self.kind == "boolean":
            return "true" if value else "false"
        if self.kind == "date":
            return date_formats.shown(value, self.format)
        return None


def values(
    selection: Selection, kind: str, body: Mapping[str, Any], accepted: Sequence[str] | None = None
) -> Values:
    """The values of the field that the body of an aggregation names; those without get its `missing`.

    Raises:
        Refusal: there is no field in the body, or the field's type is not accepted.
    """
    path = body.get("field")
    if not isinstance(path, str):
        raise aggregation_errors.REQUIRED.refusal(wanted="field, script")
    format_ = _format(body)
    if path == "_index":
        names = [
            np.full(len(each), context.searcher.index.name, object) for each, context in _pairs(selection)
        ]
        return Values("keyword", selection.documents, names)
    if path == "_seq_no":
        numbers = [context.searcher.sequence_numbers[each] for each, context in _pairs(selection)]
        return Values("long", selection.documents, numbers, format_)
    types = {_type(context, path, kind, accepted) for context in selection.contexts} - {""}
    type_ = next((each for each in ("double", "float") if each in types), next(iter(types), "keyword"))
    found = [_of_index(context, path, documents) for documents, context in _pairs(selection)]
    result = Values(type_, [each for each, _ in found], [each for _, each in found], format_)
    return result if body.get("missing") is None else _completed(result, selection, body["missing"])


def point(value: Any, kind: str, format_: str | None, where: str, round_up: bool = False) -> float | int:
    """A bound or a value that stands for missing ones, as the numbers of a field's values.

    Raises:
        Refusal: it is invalid.
    """
    if kind != "date":
        found = number(where, "value", {"true": 1, "false": 0}.get(str(value).lower(), value))
        if kind in WHOLE_NUMBERS and not -(2**63) <= found < 2**63:
            raise search_errors.BAD_VALUE.refusal(where=where, parameter="value", value=value)
        return found
    try:
        if format_ and isinstance(value, str) and "||" not in value and not value.startswith("now"):
            return date_formats.parsed(value, format_)
        found = date_math.resolved(value, round_up)
        date_formats.moment(found)
    except (ValueError, TypeError):
        problem = f"failed to parse date field [{value}] with format [{format_ or 'strict_date_optional_time||epoch_millis'}]"
        raise search_errors.PARSE.refusal(problem=problem) from None
    return found


def _pairs(selection: Selection) -> list[tuple[Array, Context]]:
    return list(zip(selection.documents, selection.contexts, strict=True))


def _format(body: Mapping[str, Any]) -> str | None:
    found = body.get("format")
    if found is not None:
        if not isinstance(found, str):
            raise search_errors.BAD_VALUE.refusal(where="aggregation", parameter="format", value=found)
        try:
            date_formats.check(found)
        except ValueError as error:
            raise aggregation_errors.VALUE.refusal(problem=str(error)) from None
    return found


def _type(context: Context, path: str, kind: str, accepted: Sequence[str] | None) -> str:
    field = context.searcher.index.fields.get(path)
    if field is None:
        return ""
    if field.type == "text":
        raise search_errors.NO_TEXT_SORT.refusal(path=path, index=context.searcher.index.name)
    if field.parameters.get("doc_values") is False:
        problem = f"Can't load fielddata on [{path}] because fielddata is unsupported on fields of type [{field.type}]. Use doc values instead."
        raise aggregation_errors.VALUE.refusal(problem=problem)
    known = accepted or (*NUMBERS, "date", "boolean", "keyword")
    if field.type not in known:
        raise aggregation_errors.FIELD_TYPE.refusal(path=path, type=field.type, kind=kind)
    return field.type


def _of_index(context: Context, path: str, documents: Array) -> tuple[Array, Array]:
    searcher = context.searcher
    field = searcher.index.fields.get(path)
    if field is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if field.type in ("keyword", "boolean"):
        of, places = searcher.entries(path)
        terms = searcher.terms(path)
        known = (
            np.array([term == "true" for term in terms], np.int64)
            if field.type == "boolean"
            else np.array(terms, object)
        )
        found = known[places] if len(terms) else np.empty(0, np.int64 if field.type == "boolean" else object)
    else:
        of, found = searcher.numbers(path)
    kept = np.isin(of, documents)
    return of[kept], found[kept]


def _completed(found: Values, selection: Selection, missing: Any) -> Values:
    value = str(missing) if found.kind == "keyword" else point(missing, found.kind, found.format, "missing")
    documents, all_values = [], []
    for those, given, everyone in zip(found.documents, found.values, selection.documents, strict=True):
        without = np.setdiff1d(everyone, those)
        documents.append(np.concatenate([those, without]))
        filler = np.full(len(without), value, object if found.kind == "keyword" else None)
        all_values.append(np.concatenate([given, filler]) if len(given) else filler)
    return Values(found.kind, documents, all_values, found.format)


def grouped(selection: Selection, found: Values, keys: Sequence[Array]) -> list[tuple[Any, Selection]]:
    """The documents of each different key, ascending; `keys` has one for each of the values."""
    sizes = [len(each) for each in keys]
    if not sum(sizes):
        return []
    everything = np.concatenate([each for each in keys if len(each)])
    different, place = np.unique(everything, return_inverse=True)
    which = np.repeat(np.arange(len(sizes)), sizes)
    documents = np.concatenate([np.asarray(each, np.int64) for each in found.documents])
    order = np.argsort(place, kind="stable")
    cuts = np.cumsum(np.bincount(place, minlength=len(different)))[:-1]
    result = []
    for key, rows in zip(different.tolist(), np.split(order, cuts), strict=True):
        parts = [np.unique(documents[rows[which[rows] == number]]) for number in range(len(sizes))]
        result.append((key, selection.of(parts)))
    return result
