"""Sorting of hits: by score, by fields, and after given values. Ties go to the document written first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic.indices.mappings import NUMBERS
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.query_bodies import mapped, number
from sandbox.elastic.search.scoring import shown
from sandbox.elastic.search.searcher import Array, Searcher

_DOC = ("_doc", "_shard_doc")


@dataclass(frozen=True)
class Clause:
    """One sort criterion."""

    path: str
    descending: bool
    missing: Any = "_last"
    unmapped: bool = False
    """Whether a field that an index does not have is accepted."""


@dataclass(frozen=True)
class Column:
    """The values of one clause for all matching documents."""

    clause: Clause
    keys: Array
    """Comparable numbers; the smallest comes first."""
    absent: Array
    values: Sequence[Any]
    """The values as they are shown."""
    strings: list[str] | None = None
    """The list that the keys of strings are positions in."""

    def levels(self) -> tuple[Array, Array]:
        """Sort keys: first whether a document has a value, then the key."""
        first = self.clause.missing == "_first"
        return np.where(self.absent, -1 if first else 1, 0), np.where(self.absent, 0, self.keys)

    def level(self, value: Any) -> tuple[int, float]:
        """The sort keys of a value of `search_after`."""
        if value is None:
            return (-1 if self.clause.missing == "_first" else 1), 0
        if self.strings is None:
            # Integers stay integers: a float cannot hold every long.
            key = value if type(value) is int else number("search_after", self.clause.path, value)
        else:
            place = bisect_left(self.strings, str(value))
            there = place < len(self.strings) and self.strings[place] == value
            key = place if there else place - 0.5
        return 0, -key if self.clause.descending else key


def clauses(sort: Any) -> list[Clause]:
    """The clauses of a `sort` (a name, an object, or a list of these); empty for sorting by score.

    Raises:
        Refusal: an order or an option is unknown.
    """
    if sort is None:
        return []
    found = [_clause(each) for each in (sort if isinstance(sort, list) else [sort])]
    return [] if found == [Clause("_score", descending=True)] else found


def column(clause: Clause, parts: Sequence[tuple[Searcher, Array, Array]]) -> Column:
    """The values of a clause, for searchers with their matching documents and scores.

    Raises:
        Refusal: the field cannot be used for sorting.
    """
    if clause.path == "_score":
        scores = np.concatenate([scores for _, _, scores in parts])
        keys = -scores if clause.descending else scores
        return Column(clause, keys, np.zeros(len(scores), bool), [shown(each) for each in scores])
    if clause.path in _DOC:
        places = np.concatenate([documents for _, documents, _ in parts])
        keys = -places if clause.descending else places
        return Column(clause, keys, np.zeros(len(places), bool), places.tolist())
    kinds = {_kind(clause, searcher) for searcher, _, _ in parts} - {""}
    if "keyword" in kinds or "boolean" in kinds:
        return _strings(clause, parts)
    return _numbers(clause, parts, "float" in kinds or "half_float" in kinds)


def order(columns: Sequence[Column], scores: Array) -> Array:
    """The positions of the matching documents, sorted."""
    if not columns:
        return np.argsort(-scores, kind="stable")
    levels = [level for each in columns for level in each.levels()]
    return np.lexsort(levels[::-1])


def after(columns: Sequence[Column], values: Sequence[Any]) -> Array:
    """Which of the matching documents come after these values.

    Raises:
        Refusal: a value cannot be compared with the field's values.
    """
    later = np.zeros(len(columns[0].keys), bool)
    same = np.ones(len(columns[0].keys), bool)
    for each, value in zip(columns, values, strict=True):
        for level, wanted in zip(each.levels(), each.level(value), strict=True):
            later |= same & (level > wanted)
            same &= level == wanted
    return later


def _clause(given: Any) -> Clause:
    if isinstance(given, str):
        path, _, direction = given.partition(":")
        options: Any = direction or None
    elif isinstance(given, Mapping) and len(given) == 1:
        ((path, options),) = given.items()
    else:
        raise search_errors.MALFORMED.refusal(name="sort")
    if options is None or isinstance(options, str):
        options = {"order": options} if options else {}
    for name in mapped("sort", path, options):
        if name not in ("order", "missing", "unmapped_type", "format", "mode", "numeric_type"):
            raise search_errors.NOT_SUPPORTED.refusal(query="sort", parameter=name)
    direction = str(options.get("order", "desc" if path == "_score" else "asc")).lower()
    if direction not in ("asc", "desc"):
        raise search_errors.SORT_ORDER.refusal(order=direction.upper())
    return Clause(path, direction == "desc", options.get("missing", "_last"), "unmapped_type" in options)


def _kind(clause: Clause, searcher: Searcher) -> str:
    field = searcher.index.fields.get(clause.path)
    metadata = searcher.index.metadata
    if field is None:
        if clause.unmapped:
            return ""
        raise search_errors.NO_SORT_MAPPING.refusal(path=clause.path, metadata=metadata)
    if field.type == "text":
        raise search_errors.NO_TEXT_SORT.refusal(path=clause.path, index=searcher.index.name)
    if field.type not in (*NUMBERS, "date", "keyword", "boolean"):
        problem = f"can't sort on the [{field.type}] field"
        raise search_errors.QUERY_SHARD.refusal(problem=problem, metadata=metadata)
    return field.type


def _numbers(clause: Clause, parts: Sequence[tuple[Searcher, Array, Array]], short: bool) -> Column:
    found, absent = [], []
    for searcher, documents, _ in parts:
        values, present = searcher.extremes(clause.path, clause.descending)
        found.append(values[documents])
        absent.append(~present[documents])
    values, missing = np.concatenate(found), np.concatenate(absent)
    if clause.missing not in ("_first", "_last"):
        values, missing = np.where(missing, clause.missing, values), np.zeros(len(values), bool)
    listed = [shown(each) for each in values] if short else values.tolist()
    visible = [None if gone else value for value, gone in zip(listed, missing.tolist(), strict=True)]
    return Column(clause, -values if clause.descending else values, missing, visible)


def _strings(clause: Clause, parts: Sequence[tuple[Searcher, Array, Array]]) -> Column:
    texts: list[str | None] = []
    for searcher, documents, _ in parts:
        ranks, present = searcher.ranks(clause.path, clause.descending)
        terms = searcher.terms(clause.path)
        kept = zip(ranks[documents].tolist(), present[documents].tolist(), strict=True)
        texts += [terms[rank] if there else None for rank, there in kept]
    strings = sorted({text for text in texts if text is not None})
    places = {text: place for place, text in enumerate(strings)}
    keys = np.array([places[text] if text is not None else 0 for text in texts], np.int64)
    absent = np.array([text is None for text in texts], bool)
    return Column(clause, -keys if clause.descending else keys, absent, texts, strings)
