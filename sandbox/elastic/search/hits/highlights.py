"""Highlights: the words of a hit's texts that the query found, in fragments; of semantic_text the best chunks.

Fragments are cut as the unified highlighter does: at sentences, and longer ones at words. The query has left the terms it
looked for in its context (`Context.words`), so that nothing here knows any query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from sandbox.elastic.documents.analysis import Token, tokens
from sandbox.elastic.documents.semantic_values import chunks
from sandbox.elastic.documents.source_values import of_field
from sandbox.elastic.documents.store import Row
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context
from sandbox.elastic.search.queries import evaluate
from sandbox.elastic.search.query_bodies import mapped, matching
from sandbox.elastic.wire.exchange import whole
from sandbox.elastic.wire.tokens import token

_SENTENCE = re.compile(r".+?(?:[.!?]+[\"')\]]*\s+|\n+|$)", re.DOTALL)
# They decide about speed and limits only.
_NO_DIFFERENCE = {
    "boundary_scanner_locale",
    "boundary_max_scan",
    "phrase_limit",
    "max_analyzed_offset",
    "force_source",
}
_KINDS = ("unified", "plain", "semantic")
Span = tuple[int, int]


@dataclass(frozen=True)
class Settings:
    """How one field is highlighted."""

    kind: str | None = None
    size: int = 100
    number: int = 5
    by_score: bool = False
    before: tuple[str, ...] = ("<em>",)
    after: tuple[str, ...] = ("</em>",)
    unmatched: int = 0
    """`no_match_size`."""
    own_field: bool = True
    """`require_field_match`."""
    query: Mapping[str, Any] | None = None
    matched: tuple[str, ...] = ()
    """`matched_fields`."""

    def changed(self, given: Mapping[str, Any]) -> Self:
        """These settings with others of a body.

        Raises:
            Refusal: one is unknown, invalid or not imitated.
        """
        if "pre_tags" in given and "post_tags" not in given:
            raise search_errors.HIGHLIGHT_TAGS.refusal(problem="pre_tags are set but post_tags are not set")
        found: dict[str, Any] = {}
        for name, value in given.items():
            if name in _NO_DIFFERENCE or _DEFAULTS.get(name) == value:
                continue
            if name not in _READ:
                raise search_errors.HIGHLIGHT.refusal(
                    problem=f"the sandbox does not support [{name}] with value [{value}] in [highlight]"
                )
            key, read = _READ[name]
            found[key] = read(name, value)
        return replace(self, **found)


def _text(*accepted: str) -> Any:
    def read(name: str, value: Any) -> str:
        if str(value) not in accepted:
            raise search_errors.HIGHLIGHT.refusal(
                problem=f"the sandbox does not support [{name}: {value}] in [highlight]"
            )
        return str(value)

    return read


def _names(_: str, value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _tags(name: str, value: Any) -> tuple[str, ...]:
    tags = _names(name, value)
    if not tags:
        raise search_errors.HIGHLIGHT_TAGS.refusal(problem="pre_tags or post_tags must not be empty")
    return tags


def _same(_: str, value: Any) -> Any:
    return value


_ORDER = _text("score", "none")


def _by_score(name: str, value: Any) -> bool:
    return _ORDER(name, value) == "score"


def _own_field(_: str, value: Any) -> bool:
    return str(value).lower() != "false"


_READ: dict[str, tuple[str, Any]] = {
    "type": ("kind", _text(*_KINDS)),
    "fragment_size": ("size", whole),
    "number_of_fragments": ("number", whole),
    "order": ("by_score", _by_score),
    "pre_tags": ("before", _tags),
    "post_tags": ("after", _tags),
    "no_match_size": ("unmatched", whole),
    "require_field_match": ("own_field", _own_field),
    "highlight_query": ("query", _same),
    "matched_fields": ("matched", _names),
}
_DEFAULTS = {
    "encoder": "default",
    "boundary_scanner": "sentence",
    "fragmenter": "span",
    "tags_schema": "default",
}
"""Accepted with these values, which are the defaults."""


@dataclass(frozen=True)
class Asked:
    """The `highlight` of a search: patterns of fields with their settings."""

    fields: tuple[tuple[str, Settings], ...]

    @classmethod
    def read(cls, given: Any) -> Self | None:
        """Read the `highlight` of a search.

        Raises:
            Refusal: it is not an object with `fields`, or a setting is not imitated.
        """
        if given is None:
            return None
        if not isinstance(given, Mapping):
            raise search_errors.UNKNOWN_KEY.refusal(key="highlight", token=token(given))
        shared = {name: value for name, value in given.items() if name != "fields"}
        settings = Settings().changed(shared)
        fields = given.get("fields") or {}
        parts = fields if isinstance(fields, list) else [fields]
        pairs = [each for part in parts for each in mapped("highlight", "fields", part).items()]
        return cls(
            tuple((path, settings.changed(mapped("highlight", path, own or {}))) for path, own in pairs)
        )


def highlighted(context: Context, document: int, row: Row, asked: Asked) -> dict[str, list[str]]:
    """The fragments of each field; a field without any is left out.

    Raises:
        Refusal: a highlighter does not fit the type of its field.
    """
    known = context.searcher.index.fields
    found: dict[str, list[str]] = {}
    for pattern, settings in asked.fields:
        of = context
        if settings.query is not None:
            of = replace(context, named={}, words={}, sought={})
            evaluate(of, settings.query)
        for path in matching(known, pattern):
            field = known[path]
            if settings.kind == "semantic" and not context.release.newer_semantic_text:
                problem = f"unknown highlighter type [semantic] for the field [{path}]"
                raise search_errors.HIGHLIGHT.refusal(problem=problem)
            if field.type == "semantic_text" and not context.release.newer_semantic_text:
                fragments = []
            elif field.type == "semantic_text" and settings.kind in (None, "semantic"):
                fragments = _chunks(of, document, row, field, settings)
            elif settings.kind == "semantic":
                problem = (
                    f"Field [{path}] of type [{field.type}] is not supported by the [semantic] highlighter"
                )
                raise search_errors.HIGHLIGHT.refusal(problem=problem)
            elif field.type in ("text", "keyword"):
                fragments = _marked(of, row, field, settings)
            else:
                fragments = []
            if fragments:
                found[path] = fragments
    return found


def _marked(context: Context, row: Row, field: Field, settings: Settings) -> list[str]:
    known = context.searcher.index.fields
    paths = (field.path, *settings.matched) if settings.own_field else tuple(context.words)
    wanted = {terms for path in paths for terms in context.words.get(path, ())}
    texts = [str(each) for each in of_field(row.document(), field, known)]
    scored: list[tuple[int, str]] = []
    for text in texts:
        spans = _spans(tokens(_analyzer(field), text), wanted) if wanted else []
        if settings.number == 0:
            if spans:
                scored.append((len(spans), _tagged(text, (0, len(text)), spans, settings)))
            continue
        for fragment in _fragments(text, spans, settings.size):
            inside = [span for span in spans if fragment[0] <= span[0] < fragment[1]]
            scored.append((len(inside), _tagged(text, fragment, inside, settings)))
    if settings.by_score:
        scored.sort(key=lambda each: -each[0])
    found = [text for _, text in scored]
    if not found and settings.unmatched and texts:
        return [_fragment(texts[0], 0, settings.unmatched)]
    return found[: settings.number] if settings.number else found


def _analyzer(field: Field) -> str:
    return "keyword" if field.type == "keyword" else field.parameters.get("analyzer") or "standard"


def _spans(found: Sequence[Token], wanted: set[tuple[str, ...]]) -> list[Span]:
    """The stretches of a text that are one of the wanted terms or phrases; longer ones win."""
    words = [token.term for token in found]
    lengths = sorted({len(terms) for terms in wanted}, reverse=True)
    spans, place = [], 0
    while place < len(words):
        length = next((each for each in lengths if tuple(words[place : place + each]) in wanted), 0)
        if length:
            spans.append((found[place].start, found[place + length - 1].end))
        place += length or 1
    return spans


def _fragments(text: str, spans: Sequence[Span], size: int) -> list[Span]:
    """The stretches around spans: sentences, and of longer sentences as many words as fit."""
    result: list[Span] = []
    for start, end in spans:
        if result and start < result[-1][1]:
            continue
        sentence = next(each.span() for each in _SENTENCE.finditer(text) if each.end() > start)
        if size and sentence[1] - sentence[0] > size:
            first = sentence[0] if end - sentence[0] <= size else start
            first = max(first, result[-1][1] if result else 0)
            sentence = (first, min(sentence[1], _word_end(text, max(end, first + size))))
        result.append(sentence)
    return result


def _word_end(text: str, place: int) -> int:
    found = re.compile(r"\s|$").search(text, min(place, len(text)))
    return found.start() if found else len(text)


def _fragment(text: str, start: int, size: int) -> str:
    sentence = _SENTENCE.match(text, start)
    end = sentence.end() if sentence else len(text)
    return text[start : min(end, _word_end(text, start + size))].strip()


def _tagged(text: str, fragment: Span, spans: Sequence[Span], settings: Settings) -> str:
    parts, place = [], fragment[0]
    for start, end in spans:
        parts += [text[place:start], settings.before[0], text[start:end], settings.after[0]]
        place = end
    return "".join([*parts, text[place : max(place, fragment[1])]]).strip()


def _chunks(context: Context, document: int, row: Row, field: Field, settings: Settings) -> list[str]:
    """The chunks of a semantic_text field that fit the query, the best of them in the order of the text or by score."""
    del document
    sought = context.sought.get(field.path)
    if sought is None:
        return []
    found: list[tuple[float, str]] = []
    for chunk in chunks(row.document(), field.path):
        score = _likeness(chunk.embedding, sought)
        if score > 0:
            found.append((score, chunk.text))
    best = sorted(range(len(found)), key=lambda place: -found[place][0])[: settings.number or None]
    return [found[place][1] for place in (best if settings.by_score else sorted(best))]


def _likeness(embedding: Any, sought: Any) -> float:
    if isinstance(sought, Mapping):
        return sum(weight * embedding.get(token, 0.0) for token, weight in sought.items())
    one, other = np.array(embedding, np.float64), np.array(sought, np.float64)
    return float(1 + one @ other / (np.linalg.norm(one) * np.linalg.norm(other) or 1.0)) / 2
