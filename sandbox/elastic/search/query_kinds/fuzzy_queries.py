"""Fuzzy terms: the terms of a field within a few edits of a text, the closer the better.

As Lucene's FuzzyQuery and its TopTermsBlendedFreqScoringRewrite: all terms count as frequent as the most frequent one.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import boost_of, field_and_body
from sandbox.elastic.search.query_kinds.term_queries import scored_term, texts_of
from sandbox.elastic.wire.exchange import whole

PARAMETERS = frozenset(("fuzziness", "prefix_length", "max_expansions", "fuzzy_transpositions"))
_MOST_EDITS = 2


def fuzzy(context: Context, body: Any, boost: float) -> Matches:
    """`{"fuzzy": {field: {"value": text, "fuzziness": "AUTO"}}}`."""
    known = {"boost", "fuzziness", "prefix_length", "max_expansions", "transpositions"}
    path, found = field_and_body("fuzzy", body, "value", known)
    field = texts_of(context, path, "fuzzy")
    if field is None:
        return context.none()
    options = {"fuzziness": "AUTO", **found, "fuzzy_transpositions": found.get("transpositions", True)}
    return scored(context, field, str(found["value"]), options, boost * boost_of("fuzzy", found))


def scored(context: Context, field: Field, text: str, options: Mapping[str, Any], boost: float) -> Matches:
    """The documents with a term like a text.

    Raises:
        Refusal: the fuzziness cannot be read.
    """
    edits = _edits(options["fuzziness"], len(text))
    if not edits:
        return scored_term(context, field, text, boost)
    fixed = whole("prefix_length", options.get("prefix_length", 0))
    most = whole("max_expansions", options.get("max_expansions", 50))
    swaps = options.get("fuzzy_transpositions", True) is not False
    close: list[tuple[float, str]] = []
    for term in context.searcher.terms(field.path):
        if abs(len(term) - len(text)) > edits or not term.startswith(text[:fixed]):
            continue
        distance = _distance(text, term, edits, swaps)
        if distance <= edits:
            likeness = 1 - distance / min(len(text), len(term))
            if likeness > 0 or not distance:
                close.append((likeness, term))
    kept = heapq.nsmallest(most, close, key=lambda each: (-each[0], each[1]))
    frequent = max((len(context.searcher.postings(field.path, term)[0]) for _, term in kept), default=0)
    return context.added(
        [scored_term(context, field, term, boost * likeness, frequent) for likeness, term in kept]
    )


def _edits(given: Any, length: int) -> int:
    """How many edits a fuzziness allows for a term: a number, `AUTO` or `AUTO:low,high` (Fuzziness.java)."""
    text = str(given).upper()
    low, high = 3, 6
    if text.startswith("AUTO:"):
        bounds = text[5:].split(",")
        if len(bounds) != 2 or not all(each.isdigit() for each in bounds) or int(bounds[0]) > int(bounds[1]):
            raise search_errors.FUZZINESS.refusal(value=given)
        low, high = int(bounds[0]), int(bounds[1])
    elif text != "AUTO":
        try:
            edits = int(float(text))
        except ValueError:
            raise search_errors.FUZZINESS.refusal(value=given) from None
        if not 0 <= edits <= _MOST_EDITS:
            raise search_errors.FUZZINESS.refusal(value=given)
        return edits
    return 0 if length < low else 1 if length < high else _MOST_EDITS


def _distance(one: str, other: str, most: int, swaps: bool) -> int:
    """Insertions, deletions and replacements, and if allowed swaps of neighbors; more than `most` if it is."""
    earlier: list[int] = []
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, there in enumerate(other, start=1):
            cost = min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != there))
            swapped = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == there
            now.append(min(cost, earlier[column - 2] + 1) if swaps and swapped else cost)
        if min(now) > most:
            return most + 1
        earlier, before = before, now
    return before[-1]
