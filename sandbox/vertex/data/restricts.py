"""Which rows a query may return: token and numeric restricts, indexed so that filters are cheap.

The rules are the documentation's: AND across namespaces, OR within a namespace's allowed tokens; a denied token of the
query excludes rows that allow it; a denied token of a row excludes it from queries that allow that token.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
NUMBER_KINDS = {"value_int": 1, "value_float": 2, "value_double": 3}
OPERATORS: Mapping[int, Any] = {
    1: operator.lt,
    2: operator.le,
    3: operator.eq,
    4: operator.ge,
    5: operator.gt,
    6: operator.ne,
}


class Tokens(NamedTuple):
    """A namespace's tokens, of a row or of a query."""

    namespace: str
    allow: Sequence[str] = ()
    deny: Sequence[str] = ()


_Tokens = tuple[str, Iterable[str], Iterable[str]]
"""The fields of Tokens."""


class Number(NamedTuple):
    """A namespace's number; `op` (1 to 6, as in the protocol) only in queries."""

    namespace: str
    kind: str
    """`value_int`, `value_float` or `value_double`; only numbers of one kind are compared."""
    value: float
    op: int = 0


@dataclass
class _Column:
    """The numbers of one namespace: whole ones apart, since a double cannot hold every int64."""

    kinds: NDArray[np.uint8]
    whole: NDArray[np.int64]
    real: NDArray[np.float64]


class _Postings(dict[str, int | set[int]]):
    """The rows of each token of a namespace. A single row stands there by itself: of ids as tokens, a set for each takes 216 bytes."""

    def enter(self, token: str, row: int) -> None:
        held = self.setdefault(token, row)
        if isinstance(held, set):
            held.add(row)
        elif held != row:
            self[token] = {held, row}

    def take(self, token: str, row: int) -> None:
        held = self.get(token)
        if isinstance(held, set):
            held.discard(row)
            if not held:
                del self[token]
        elif held == row:
            del self[token]

    def moved(self, to: Sequence[int]) -> _Postings:
        """The same after a squeeze, in which a row that is gone moves to -1."""
        kept = _Postings()
        for token, held in self.items():
            if not isinstance(held, set):
                if to[held] >= 0:
                    kept[token] = to[held]
            elif rows := {to[row] for row in held} - {-1}:
                kept[token] = rows
        return kept


@dataclass
class RestrictIndex:
    """Postings per namespace and token, and columns per numeric namespace."""

    capacity: int = 1024
    _allow: defaultdict[str, _Postings] = field(default_factory=lambda: defaultdict(_Postings))
    _deny: defaultdict[str, _Postings] = field(default_factory=lambda: defaultdict(_Postings))
    _columns: dict[str, _Column] = field(default_factory=dict)

    def add(self, row: int, tokens: Iterable[_Tokens], numbers: Iterable[Number]) -> None:
        """Enter a row that is not in it."""
        for namespace, allow, deny in tokens:
            for token in allow:
                self._allow[namespace].enter(token, row)
            for token in deny:
                self._deny[namespace].enter(token, row)
        for number in numbers:
            column = self._column(number.namespace, row)
            column.kinds[row] = NUMBER_KINDS[number.kind]
            (column.whole if number.kind == "value_int" else column.real)[row] = number.value

    def remove(self, row: int, tokens: Iterable[_Tokens], numbers: Iterable[Number]) -> None:
        """Take a row out, given what it was entered with."""
        for namespace, allow, deny in tokens:
            for token in allow:
                self._allow[namespace].take(token, row)
            for token in deny:
                self._deny[namespace].take(token, row)
        for number in numbers:
            self._columns[number.namespace].kinds[row] = 0

    def move(self, moved: NDArray[np.int64]) -> None:
        """Follow the corpus after a squeeze, and forget what is gone."""
        to, kept = moved.tolist(), np.flatnonzero(moved >= 0)
        for postings in (self._allow, self._deny):
            for namespace, of in postings.items():
                postings[namespace] = of.moved(to)
        for column in self._columns.values():
            there = kept[kept < len(column.kinds)]
            for values in (column.kinds, column.whole, column.real):
                values[: len(there)] = values[there]
            column.kinds[len(there) :] = 0

    def eligible(self, count: int, tokens: Sequence[Tokens], numbers: Sequence[Number]) -> Mask:
        """Which of the first `count` rows fulfil the query's restricts; rows that are no longer current may be among them."""
        mask = np.ones(count, dtype=np.bool_)
        for restrict in _merged(tokens):
            if restrict.allow:
                mask &= self._any(count, self._allow, restrict.namespace, restrict.allow)
                mask &= ~self._any(count, self._deny, restrict.namespace, restrict.allow)
            if restrict.deny:
                mask &= ~self._any(count, self._allow, restrict.namespace, restrict.deny)
        for number in numbers:
            mask &= self._compare(count, number)
        return mask

    def _any(self, count: int, of: Mapping[str, _Postings], namespace: str, tokens: Iterable[str]) -> Mask:
        mask, postings = np.zeros(count, dtype=np.bool_), of.get(namespace, {})
        for token in tokens:
            rows = postings.get(token)
            if isinstance(rows, set):
                mask[np.fromiter(rows, dtype=np.int64, count=len(rows))] = True
            elif rows is not None:
                mask[rows] = True
        return mask

    def _compare(self, count: int, number: Number) -> Mask:
        column = self._columns.get(number.namespace)
        if column is None:
            return np.zeros(count, dtype=np.bool_)
        values = column.whole if number.kind == "value_int" else column.real
        kept = min(count, len(values))
        mask = np.zeros(count, dtype=np.bool_)
        same_kind = column.kinds[:kept] == NUMBER_KINDS[number.kind]
        mask[:kept] = same_kind & OPERATORS[number.op](values[:kept], number.value)
        return mask

    def _column(self, namespace: str, row: int) -> _Column:
        self.capacity = max(self.capacity, row + 1)
        column = self._columns.get(namespace)
        if column is None or len(column.kinds) <= row:
            size = 1 << (self.capacity - 1).bit_length()
            grown = _Column(np.zeros(size, "u1"), np.zeros(size, "i8"), np.zeros(size, "f8"))
            if column is not None:
                kept = len(column.kinds)
                grown.kinds[:kept], grown.whole[:kept] = column.kinds, column.whole
                grown.real[:kept] = column.real
            column = self._columns[namespace] = grown
        return column


def _merged(tokens: Sequence[Tokens]) -> Sequence[Tokens]:
    """One entry a namespace; a namespace named twice means the union of its tokens."""
    if len({each.namespace for each in tokens}) == len(tokens):
        return tokens
    union: dict[str, tuple[list[str], list[str]]] = {}
    for each in tokens:
        allow, deny = union.setdefault(each.namespace, ([], []))
        allow.extend(each.allow)
        deny.extend(each.deny)
    return [Tokens(namespace, allow, deny) for namespace, (allow, deny) in union.items()]
