"""One index as a search sees it: the segments of its last refresh without deleted documents. Immutable.

Documents are numbered from 0 in the order of their writing. Statistics count live documents only, as Lucene's do after
merging.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from sandbox.elastic.documents.embeddings import Rows
from sandbox.elastic.indices import vector_fields
from sandbox.elastic.indices.index import Index
from sandbox.elastic.search.scoring import length_bytes
from sandbox.elastic.search.segments import Embedded, Inverted, Numeric, Segment, SegmentBuilder
from sandbox.elastic.search.vectors.graphs import Graph

Array = np.ndarray[Any, Any]
T = TypeVar("T")
_EMPTY = (np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True)
class Statistics:
    """The statistics of one field over the live documents."""

    documents: int
    """Number of documents with at least one term in the field."""
    total_length: int
    postings: int
    """Number of pairs of document and term."""
    terms: int
    """Number of distinct terms."""


class Searcher:
    """A snapshot of an index."""

    def __init__(self, index: Index, segments: Sequence[Segment], alive: Sequence[Array]) -> None:
        self.index = index
        self._segments = segments
        self._alive = alive
        self._bases = np.cumsum([0, *(segment.size for segment in segments)])
        self._cache: dict[tuple[str, str], Any] = {}
        self.size = int(self._bases[-1])
        """The number of documents, including deleted ones."""

    @cached_property
    def alive(self) -> Array:
        """Which documents are live, that is, not deleted."""
        return np.concatenate(self._alive) if self._alive else np.empty(0, bool)

    @cached_property
    def sequence_numbers(self) -> Array:
        """The sequence numbers of all documents, ascending."""
        parts = [segment.sequence_numbers for segment in self._segments]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    @cached_property
    def count(self) -> int:
        """The number of live documents."""
        return int(self.alive.sum())

    def postings(self, path: str, term: str) -> tuple[Array, Array]:
        """The live documents with a term, ascending, and the term's frequency or weight in each."""
        found = []
        for inverted, alive, base in self._inverted(path):
            number = inverted.vocabulary.get(term)
            if number is not None:
                part = slice(inverted.starts[number], inverted.starts[number + 1])
                documents = inverted.documents[part]
                living = alive[documents]
                found.append((documents[living] + base, inverted.values[part][living]))
        if not found:
            return _EMPTY
        documents, values = zip(*found, strict=True)
        return np.concatenate(documents), np.concatenate(values)

    def statistics(self, path: str) -> Statistics:
        """The statistics of a field of terms."""
        return self._cached("statistics", path, self._statistics)

    def norms(self, path: str) -> Array:
        """The length of a text field in each document, as one byte."""
        return self._cached("norms", path, self._norms)

    def present(self, path: str) -> Array:
        """Which live documents have the field."""
        return self._cached("present", path, self._present)

    def terms(self, path: str) -> list[str]:
        """The terms of a field, ordered by code point, including those of deleted documents."""
        return self._cached("terms", path, self._terms)

    def numbers(self, path: str) -> tuple[Array, Array]:
        """The documents and values of a numeric field, including deleted documents."""
        return self._cached("numbers", path, self._numbers)

    def embeddings(self, path: str) -> tuple[Array, list[Any]]:
        """The live documents of a field of embeddings and a row for each, several for a document with several chunks."""
        return self._cached("embeddings", path, self._embeddings)

    def vectors(self, path: str) -> tuple[Array, Array]:
        """The same as a matrix with a row for each vector."""
        return self._cached("vectors", path, self._vectors)

    def graph(self, path: str, similarity: str, connections: int, construction: int) -> Graph:
        """The graph over the rows of `vectors`, built when the first search wants it. A field has one similarity for good."""

        def built(path: str) -> Graph:
            matrix = self.vectors(path)[1]
            rows = (
                matrix / np.linalg.norm(matrix, axis=1, keepdims=True) if similarity == "cosine" else matrix
            )
            return Graph(
                rows,
                is_euclidean=similarity == "l2_norm",
                connections=connections,
                construction=construction,
            )

        return self._cached("graph", path, built)

    def nested(self, path: str) -> tuple[Array, Array, Searcher]:
        """The objects of a nested field in live documents: the document of each, its place in it, and a search of them.

        The chunks of a semantic_text field are such objects too.
        """
        of_text = path.removesuffix(vector_fields.CHUNKS)
        if path != of_text and (own := self.index.fields.get(of_text)) and own.type == "semantic_text":
            return self._cached("nested", path, self._chunks)
        return self._cached("nested", path, self._nested)

    def without_documents(self) -> Searcher:
        """The same index as if nothing were in it."""
        return Searcher(self.index, (), ())

    def extremes(self, path: str, largest: bool) -> tuple[Array, Array]:
        """Each document's smallest or largest value of a numeric field, and which documents have one."""
        documents, values = self.numbers(path)
        info = np.finfo(np.float64) if values.dtype == np.float64 else np.iinfo(np.int64)
        found = np.full(self.size, info.min if largest else info.max, values.dtype)
        (np.maximum if largest else np.minimum).at(found, documents, values)
        return found, self.present(path)

    def entries(self, path: str) -> tuple[Array, Array]:
        """The documents of a field of terms and their terms, as positions in `terms`; including deleted documents."""
        return self._cached("entries", path, self._entries)

    def ranks(self, path: str, largest: bool) -> tuple[Array, Array]:
        """The same as `extremes` for a field of terms, as positions in `terms`."""
        found = np.full(self.size, -1 if largest else len(self.terms(path)), np.int64)
        documents, places = self.entries(path)
        (np.maximum if largest else np.minimum).at(found, documents, places)
        return found, self.present(path)

    def _cached(self, kind: str, path: str, make: Callable[[str], T]) -> T:
        key = (kind, path)
        if key not in self._cache:
            self._cache[key] = make(path)
        return self._cache[key]

    def _inverted(self, path: str) -> list[tuple[Inverted, Array, int]]:
        return [
            (found, alive, int(base))
            for segment, alive, base in zip(self._segments, self._alive, self._bases, strict=False)
            if isinstance(found := segment.fields.get(path), Inverted)
        ]

    def _statistics(self, path: str) -> Statistics:
        documents = length = postings = 0
        terms: set[str] = set()
        for inverted, alive, _ in self._inverted(path):
            living = alive[inverted.present]
            documents += int((living & (inverted.lengths > 0)).sum())
            length += int(inverted.lengths[living].sum())
            of_terms = np.repeat(np.arange(len(inverted.vocabulary)), np.diff(inverted.starts))
            counts = np.bincount(of_terms[alive[inverted.documents]], minlength=len(inverted.vocabulary))
            postings += int(counts.sum())
            terms.update(
                term for term, count in zip(inverted.vocabulary, counts.tolist(), strict=True) if count
            )
        return Statistics(documents, length, postings, len(terms))

    def _norms(self, path: str) -> Array:
        norms = np.zeros(self.size, np.uint8)
        for inverted, _, base in self._inverted(path):
            norms[inverted.present + base] = length_bytes(inverted.lengths)
        return norms

    def _present(self, path: str) -> Array:
        mask = np.zeros(self.size, bool)
        for inverted, _, base in self._inverted(path):
            mask[inverted.present + base] = True
        for documents, _ in (self.numbers(path), self.embeddings(path)):
            mask[documents] = True
        return mask & self.alive

    def _embeddings(self, path: str) -> tuple[Array, list[Any]]:
        documents: list[Array] = []
        rows: list[Any] = []
        for segment, alive, base in zip(self._segments, self._alive, self._bases, strict=False):
            if isinstance(found := segment.fields.get(path), Embedded):
                living = alive[found.documents]
                documents.append(found.documents[living].astype(np.int64) + base)
                rows += [row for row, lives in zip(found.rows, living.tolist(), strict=True) if lives]
        return (np.concatenate(documents) if documents else np.empty(0, np.int64)), rows

    def _vectors(self, path: str) -> tuple[Array, Array]:
        documents, rows = self.embeddings(path)
        return documents, np.stack(rows) if rows else np.empty((0, 0), np.float32)

    def _nested(self, path: str) -> tuple[Array, Array, Searcher]:
        parents, objects = self.embeddings(path)
        builder = SegmentBuilder()
        for number, each in enumerate(objects):
            builder.add(number, each.values)
        searcher = Searcher(self.index, (builder.sealed(),), (np.ones(len(objects), bool),))
        return parents, np.array([each.offset for each in objects], np.int64), searcher

    def _chunks(self, path: str) -> tuple[Array, Array, Searcher]:
        parents, rows = self.embeddings(path.removesuffix(vector_fields.CHUNKS))
        builder = SegmentBuilder()
        for number, row in enumerate(rows):
            builder.add(number, {f"{path}.embeddings": row if isinstance(row, dict) else Rows([row])})
        searcher = Searcher(self.index.with_chunks, (builder.sealed(),), (np.ones(len(rows), bool),))
        firsts = np.searchsorted(parents, parents)
        return parents, np.arange(len(parents)) - firsts, searcher

    def _entries(self, path: str) -> tuple[Array, Array]:
        positions = {term: place for place, term in enumerate(self.terms(path))}
        documents, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for inverted, _, base in self._inverted(path):
            own = np.fromiter(
                (positions[term] for term in inverted.vocabulary), np.int64, len(inverted.vocabulary)
            )
            documents.append(inverted.documents.astype(np.int64) + base)
            places.append(np.repeat(own, np.diff(inverted.starts)))
        return np.concatenate(documents), np.concatenate(places)

    def _terms(self, path: str) -> list[str]:
        return sorted({term for inverted, _, _ in self._inverted(path) for term in inverted.vocabulary})

    def _numbers(self, path: str) -> tuple[Array, Array]:
        found = [
            (numeric.documents.astype(np.int64) + base, numeric.values)
            for segment, base in zip(self._segments, self._bases, strict=False)
            if isinstance(numeric := segment.fields.get(path), Numeric)
        ]
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        documents, values = zip(*found, strict=True)
        return np.concatenate(documents), np.concatenate(values)
