"""Postings in numpy: collected document by document, sealed into segments, merged. As in Lucene, segments are immutable.

Independent of mappings and queries: a field is inverted (terms) or numeric, depending on its values.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sandbox.elastic.documents.embeddings import Rows
from sandbox.elastic.documents.parsing import Terms, Value
from sandbox.elastic.search.scoring import stored_weights

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Inverted:
    """A field of terms: text, keyword, boolean, sparse vector."""

    vocabulary: dict[str, int]
    starts: Array
    """Start of each term's postings; one element longer than the vocabulary."""
    documents: Array
    values: Array
    """Frequencies, or stored weights; float32."""
    present: Array
    """Documents with the field, ascending."""
    lengths: Array
    """Number of terms in each of those."""


@dataclass(frozen=True)
class Numeric:
    """A field of numbers, including dates; a document may have several."""

    documents: Array
    values: Array
    """int64 or float64."""


@dataclass(frozen=True)
class Embedded:
    """A field of embeddings; a document may have several, one for each chunk."""

    documents: Array
    rows: list[Any]
    """Token weights as they are stored, or vectors."""


@dataclass(frozen=True)
class Segment:
    """Some documents, in the order in which they were written."""

    sequence_numbers: Array
    fields: dict[str, Inverted | Numeric | Embedded]

    @property
    def size(self) -> int:
        """The number of documents, including deleted ones."""
        return len(self.sequence_numbers)


@dataclass
class _InvertedBuilder:
    vocabulary: dict[str, int] = field(default_factory=dict)
    terms: array[int] = field(default_factory=lambda: array("i"))
    documents: array[int] = field(default_factory=lambda: array("i"))
    values: array[float] = field(default_factory=lambda: array("f"))
    present: array[int] = field(default_factory=lambda: array("i"))
    lengths: array[int] = field(default_factory=lambda: array("i"))
    weighted: bool = False
    """Whether the values are weights, which are stored with less precision."""

    def add(self, document: int, weights: Mapping[str, float], length: int) -> None:
        vocabulary = self.vocabulary
        self.terms.extend([vocabulary.setdefault(term, len(vocabulary)) for term in weights])
        self.values.extend(weights.values())
        self.documents.extend([document] * len(weights))
        self.present.append(document)
        self.lengths.append(length)

    def sealed(self) -> Inverted:
        terms, documents = np.array(self.terms, np.int32), np.array(self.documents, np.int32)
        values = np.array(self.values, np.float32)
        values = stored_weights(values) if self.weighted else values
        present, lengths = np.array(self.present, np.int32), np.array(self.lengths, np.int32)
        return _inverted(self.vocabulary, terms, documents, values, present, lengths)


class SegmentBuilder:
    """Documents written but not yet visible."""

    def __init__(self) -> None:
        self._sequence_numbers: list[int] = []
        self._inverted: dict[str, _InvertedBuilder] = {}
        self._numeric: dict[str, tuple[list[int], list[Any]]] = {}
        self._embedded: dict[str, tuple[list[int], list[Any]]] = {}

    def __len__(self) -> int:
        return len(self._sequence_numbers)

    def add(self, sequence_number: int, values: Mapping[str, Value]) -> None:
        """Add a document."""
        document = len(self._sequence_numbers)
        self._sequence_numbers.append(sequence_number)
        for path, value in values.items():
            if isinstance(value, Terms):
                self._builder(path).add(document, value.frequencies, value.length)
            elif isinstance(value, Rows):
                documents, rows = self._embedded.setdefault(path, ([], []))
                documents.extend([document] * len(value.rows))
                rows.extend(_stored(row) for row in value.rows)
            elif isinstance(value, dict):
                builder = self._builder(path)
                builder.weighted = True
                builder.add(document, value, len(value))
            elif isinstance(value[0], str):
                self._builder(path).add(document, dict.fromkeys(value, 1.0), len(value))  # pyright: ignore[reportArgumentType]
            else:
                documents, numbers = self._numeric.setdefault(path, ([], []))
                documents.extend([document] * len(value))
                numbers.extend(value)

    def sealed(self) -> Segment:
        """All added documents, as a segment."""
        fields: dict[str, Inverted | Numeric | Embedded] = {
            path: builder.sealed() for path, builder in self._inverted.items()
        }
        for path, (documents, numbers) in self._numeric.items():
            kind = np.int64 if isinstance(numbers[0], int) else np.float64
            fields[path] = Numeric(np.array(documents, np.int32), np.array(numbers, kind))
        for path, (documents, rows) in self._embedded.items():
            fields[path] = Embedded(np.array(documents, np.int32), rows)
        return Segment(np.array(self._sequence_numbers, np.int64), fields)

    def _builder(self, path: str) -> _InvertedBuilder:
        found = self._inverted.get(path)
        if found is None:
            found = self._inverted[path] = _InvertedBuilder()
        return found


def merged(segments: Sequence[Segment], alive: Sequence[Array]) -> Segment:
    """One segment with the live documents of several, in order."""
    numbers = [np.cumsum(each) - 1 for each in alive]
    bases = np.cumsum([0, *(int(each.sum()) for each in alive)])
    renumbered = [number + base for number, base in zip(numbers, bases, strict=False)]
    parts = [
        (segment, living, numbers)
        for segment, living, numbers in zip(segments, alive, renumbered, strict=True)
    ]
    paths = dict.fromkeys(path for segment in segments for path in segment.fields)
    fields = {path: _merged_field(path, parts) for path in paths}
    sequence = np.concatenate(
        [segment.sequence_numbers[living] for segment, living in zip(segments, alive, strict=True)]
    )
    return Segment(sequence, fields)


def _merged_field(path: str, parts: list[tuple[Segment, Array, Array]]) -> Inverted | Numeric | Embedded:
    found = [
        (segment.fields[path], alive, number) for segment, alive, number in parts if path in segment.fields
    ]
    # A field has the same type in all segments of an index.
    inverted = [(each, alive, number) for each, alive, number in found if isinstance(each, Inverted)]
    embedded = [(each, alive, number) for each, alive, number in found if isinstance(each, Embedded)]
    numeric = [(each, alive, number) for each, alive, number in found if isinstance(each, Numeric)]
    if embedded:
        return _merged_embeddings(embedded)
    return _merged_terms(inverted) if inverted else _merged_numbers(numeric)


def _merged_embeddings(found: list[tuple[Embedded, Array, Array]]) -> Embedded:
    kept = [(each, alive[each.documents], number) for each, alive, number in found]
    documents = [number[each.documents[keep]].astype(np.int32) for each, keep, number in kept]
    rows = [
        row for each, keep, _ in kept for row, stays in zip(each.rows, keep.tolist(), strict=True) if stays
    ]
    return Embedded(np.concatenate(documents), rows)


def _merged_numbers(found: list[tuple[Numeric, Array, Array]]) -> Numeric:
    kept = [(each, alive[each.documents], number) for each, alive, number in found]
    return Numeric(
        np.concatenate([number[each.documents[keep]].astype(np.int32) for each, keep, number in kept]),
        np.concatenate([each.values[keep] for each, keep, _ in kept]),
    )


def _merged_terms(found: list[tuple[Inverted, Array, Array]]) -> Inverted:
    vocabulary: dict[str, int] = {}
    columns: list[list[Array]] = [[], [], [], [], []]
    for each, alive, number in found:
        own = np.array([vocabulary.setdefault(term, len(vocabulary)) for term in each.vocabulary], np.int32)
        keep, living = alive[each.documents], alive[each.present]
        terms = np.repeat(own, np.diff(each.starts))
        new = (
            terms[keep],
            number[each.documents[keep]].astype(np.int32),
            each.values[keep],
            number[each.present[living]].astype(np.int32),
            each.lengths[living],
        )
        for column, part in zip(columns, new, strict=True):
            column.append(part)
    return _inverted(vocabulary, *(np.concatenate(column) for column in columns))


def _stored(row: Any) -> Any:
    """Token weights with the precision in which they are stored; vectors as they are."""
    if not isinstance(row, dict):
        return row
    return dict(zip(row, stored_weights(np.array(list(row.values()), np.float32)).tolist(), strict=True))


def _inverted(
    vocabulary: dict[str, int], terms: Array, documents: Array, values: Array, present: Array, lengths: Array
) -> Inverted:
    order = np.argsort(terms, kind="stable")
    counts = np.bincount(terms, minlength=len(vocabulary))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Inverted(vocabulary, starts, documents[order], values[order], present.copy(), lengths.copy())
