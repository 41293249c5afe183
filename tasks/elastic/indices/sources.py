"""What there is to embed: an index, an alias, a data stream, several of them, all documents or those that a query finds.

Several are read as one: their fields are put together, and an id must not occur in two of them, or only one document would arrive.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from elasticsearch.helpers import scan

from tasks.calls import NotFound
from tasks.elastic.cluster.serverless import is_serverless
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, calling
from tasks.elastic.indices.indices import IndexState, count, index_state, refresh_source
from tasks.elastic.indices.legacy_texts import without_format
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.marks import fingerprint
from tasks.plurals import counted
from tasks.program import command
from tasks.steps import step

SOURCE, QUERY = "--source", "--source-query"
Query = dict[str, Any]
_PAGE = 1_000
_SHOWN = 3
_BOUNDS = ("gt", "gte", "lt", "lte", "from", "to")
_NOW = re.compile(r"[\[{]\s*(now\S*)\s+TO\s|\sTO\s+(now[^\s\]}]*)\s*[\]}]|[<>]=?\s*(now\S*)", re.IGNORECASE)
"""The bounds of the ranges of a query_string: `[now-1d TO now]`, `>=now/d`."""


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """The documents of a source, and whether they have changed."""

    name: str
    """As it was given."""
    query: Query | None
    """Which of its documents; None for all."""
    indices: tuple[str, ...]
    """Behind the name, sorted: those of a data stream from the oldest to the one that is written to."""
    documents: int
    """Those that a search finds; not the hidden ones of nested fields, which statistics count."""
    content: str
    """Twelve hex digits that change with every write, visible to searches or not, and with the query."""
    shards: int
    """The most of one index."""
    fields: tuple[str, ...]
    properties: dict[str, Any]
    """The mapping's fields as Elasticsearch spells them."""
    mapping: dict[str, Any]
    """As in `IndexState`, of the last index."""
    settings: dict[str, Any]
    """As in `IndexState`."""


def source_query(text: str) -> Query:
    """A query of Elasticsearch's query DSL, as typed.

    Raises:
        InvalidInput: it is not one JSON object of one query, or depends on the time at which it is asked.
    """
    try:
        found = rounded(text.encode())
    except NotExact as error:
        raise InvalidInput(f"This is no JSON: {error}", value=text, source=QUERY) from error
    if isinstance(found, dict) and set(found) == {"query"}:  # pyright: ignore[reportUnknownArgumentType]
        found = found["query"]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(found, dict) or len(found) != 1:  # pyright: ignore[reportUnknownArgumentType]
        raise InvalidInput(
            "This is not one query", value=text, source=QUERY, accepted='{"term": {"language": "en"}}'
        )
    if (moving := next(_moving(found), None)) is not None:
        raise InvalidInput(
            "A date relative to now finds other documents at every run, so that a run could not be continued", value=moving,
            source=QUERY, accepted="a fixed date, such as 2026-01-31",
        )  # fmt: skip
    return found  # pyright: ignore[reportUnknownVariableType]


def narrowed(query: Query | None, *more: Query, without: Sequence[Query] = ()) -> Query | None:
    """A query with more conditions, none of which scores; None if there are none at all."""
    filters = [*([query] if query else []), *more]
    if not filters and not without:
        return None
    found: dict[str, Any] = {"filter": filters} if filters else {}
    return {"bool": {**found, **({"must_not": list(without)} if without else {})}}


@step("read the documents of {name}")
def read_source(settings: ElasticSettings, name: str, query: Query | None = None) -> SourceState:
    """What there is to embed.

    Args:
        settings: the target.
        name: an index, an alias or a data stream, or several with commas between.
        query: which documents; None for all.

    Raises:
        InvalidInput: there is no such index, a pattern is given, the query is refused, or several indices do not go together.
    """
    client = connect(settings)
    patterns = [part for part in name.split(",") if part in ("", "_all") or part[0] in "-<" or "*" in part]
    if patterns:
        raise InvalidInput(
            "A pattern could also match what is embedded from it", value=patterns[0] or name, source=SOURCE,
            accepted="names of indices, aliases or data streams, with commas between",
        )  # fmt: skip
    states = _indices(settings, name)
    if is_serverless(settings):
        written = [[state.uuid, *_sequence_numbers(settings, state.name)] for state in states]
    else:
        with calling(f"read the documents of {name}"):
            stats: dict[str, Any] = client.indices.stats(index=name, metric="docs", level="shards").body
        written = [[state.uuid, _max_seq_no(stats["indices"][state.name]["shards"])] for state in states]
    whole = written[0] if len(written) == 1 else written
    try:
        documents = count(settings, name, query)
    except BadRequest as error:
        if query is None:
            raise
        raise InvalidInput(f"The query is refused ({error.said})", value=str(query), source=QUERY) from error
    properties = _together(states)
    return SourceState(
        name=name,
        query=query,
        indices=tuple(state.name for state in states),
        documents=documents,
        content=fingerprint({"documents": whole, "query": query} if query else whole),
        shards=max(state.shards for state in states),
        fields=tuple(_paths(properties)),
        properties=properties,
        mapping=states[-1].mapping,
        settings=_settings_together(states),
    )


@step("look for ids that occur twice in {source.name}")
def verify_different_ids(settings: ElasticSettings, source: SourceState) -> None:
    """Check that no id occurs in two indices of a source. Reads ids only, and keeps eight bytes of each.

    Raises:
        InvalidInput: one does; names the first ones and their indices.
    """
    if len(source.indices) == 1:
        return
    hashes = np.frombuffer(array("q", (hash(id_) for id_, _ in _ids(settings, source))), dtype=np.int64)
    hashes = np.sort(hashes)
    suspects: set[int] = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    where: dict[str, list[str]] = {}
    for id_, index in _ids(settings, source) if suspects else ():
        if hash(id_) in suspects:
            where.setdefault(id_, []).append(index)
    twice = {id_: found for id_, found in where.items() if len(found) > 1}
    if twice:
        shown = "; ".join(
            f"{id_} in {' and '.join(sorted(found))}" for id_, found in list(twice.items())[:_SHOWN]
        )
        raise InvalidInput(
            "An id may occur in one index of the source only, since the new index holds one document of each "
            f"({counted(len(twice), 'id')} in several)",
            value=shown,
            source=SOURCE, remedy=f"Embed the indices under names of their own, or leave documents out with {QUERY}.",
        )  # fmt: skip


@step("read a sample of {name}")
def read_sample(
    settings: ElasticSettings,
    name: str,
    fields: Sequence[str],
    size: int = 3,
    *,
    within: Query | None = None,
) -> tuple[dict[str, Any], ...]:
    """Some documents of an index that have these fields, each with its `_id`.

    Args:
        settings: the target.
        name: as of a source.
        fields: each document has all of them.
        size: documents at most.
        within: a query that they match.

    Raises:
        InvalidInput: no document has them all; lists the fields that exist.
    """
    query = narrowed(within, *({"exists": {"field": field}} for field in fields))
    with calling(f"read a sample of {name}"):
        found = connect(settings).search(index=name, query=query, size=size)
    sample = tuple({**hit["_source"], "_id": hit["_id"]} for hit in found["hits"]["hits"])
    if not sample:
        properties = _together(_indices(settings, name))
        if nested := next((path for field in fields if (path := _nested(properties, field))), ""):
            raise InvalidInput(
                f"{nested} is a nested field: each of its objects is a document of its own, which no pipeline embeds one by one",
                value=", ".join(fields), source="--fields", remedy="Load one document per object, and embed these.",
            )  # fmt: skip
        raise InvalidInput(
            f"No document of the index {name} has the field", value=", ".join(fields),
            accepted=", ".join(_paths(properties)),
        )  # fmt: skip
    return sample


def written_query(query: Query | None) -> str:
    """A query as the mark of an index keeps it; empty for None."""
    return orjson.dumps(query, option=orjson.OPT_SORT_KEYS).decode() if query else ""


def _indices(settings: ElasticSettings, name: str) -> list[IndexState]:
    client, found = connect(settings), dict[str, Any]()
    for part in dict.fromkeys(name.split(",")):
        try:
            with calling(f"read the index {part}"):
                found |= client.indices.get(index=part).body
        except NotFound:
            raise InvalidInput(
                "There is no such index",
                value=part,
                remedy=f"Load documents into it with `{command('elastic load', name=part, data='FILE.jsonl')}` first.",
            ) from None
    return [index_state(*each) for each in sorted(found.items())]


def _max_seq_no(shards: dict[str, list[dict[str, Any]]]) -> int:
    """The sum of the shards' largest sequence numbers: every write and every delete moves it."""
    copies = [copy for copies in shards.values() for copy in copies if copy["routing"]["primary"]]
    return sum(copy["seq_no"]["max_seq_no"] for copy in copies)


def _sequence_numbers(settings: ElasticSettings, index: str) -> list[Any]:
    """What changes with every write and delete, where there are no statistics.

    A write gives its document a larger sequence number, a delete takes one away.
    """
    refresh_source(settings, index)
    with calling(f"read the documents of {index}"):
        found = connect(settings).search(
            index=index, size=0, aggs={"written": {"stats": {"field": "_seq_no"}}}
        )
    stats: dict[str, Any] = found["aggregations"]["written"]
    return [stats["count"], stats["max"], stats["sum"]]


def _ids(settings: ElasticSettings, source: SourceState) -> Iterator[tuple[str, str]]:
    body: dict[str, Any] = {"_source": False, **({"query": source.query} if source.query else {})}
    with calling(f"list the ids of {source.name}"):
        for hit in scan(connect(settings), index=source.name, query=body, size=_PAGE):
            yield hit["_id"], hit["_index"]


def _together(states: Sequence[IndexState]) -> dict[str, Any]:
    """The fields of several indices; where they differ only in parameters, the last one's."""
    result: dict[str, Any] = {}
    for state in states:
        _add(result, state.properties, state.name, "")
    return result


def _add(result: dict[str, Any], properties: dict[str, Any], index: str, prefix: str) -> None:
    for name, field in properties.items():
        there = result.get(name)
        if there is not None and _type(there) != _type(field):
            raise InvalidInput(
                f"The field {prefix}{name} is {_type(field)} in {index} and {_type(there)} in another index of the source",
                value=f"{prefix}{name}", source=SOURCE,
                remedy="Embed the indices under names of their own, or reindex one into the mapping of the other first.",
            )  # fmt: skip
        if there is not None and "properties" in there and "properties" in field:
            _add(there["properties"], field["properties"], index, f"{prefix}{name}.")
        else:
            result[name] = deepcopy(field)


def _type(field: dict[str, Any]) -> str:
    return str(field.get("type", "object"))


def _settings_together(states: Sequence[IndexState]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for state in states:
        for name, value in state.settings.items():
            if name != "mapping" and result.get(name, value) != value:
                raise InvalidInput(
                    f"The indices of the source have different settings under {name}", value=state.name, source=SOURCE,
                    remedy="Embed them under names of their own.",
                )  # fmt: skip
            result[name] = value
    return without_format(result)


def _moving(query: Any) -> Iterator[str]:
    """The bounds of ranges that are relative to now."""
    if isinstance(query, list):
        for each in query:  # pyright: ignore[reportUnknownVariableType]
            yield from _moving(each)
    if not isinstance(query, dict):
        return
    for name, value in query.items():  # pyright: ignore[reportUnknownVariableType]
        if name == "range" and isinstance(value, dict):
            yield from (bound for bounds in value.values() for bound in _relative(bounds))  # pyright: ignore[reportUnknownVariableType]
        elif name == "query_string" and isinstance(value, dict):
            yield from ("".join(found) for found in _NOW.findall(str(value.get("query"))))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        else:
            yield from _moving(value)


def _relative(bounds: Any) -> list[str]:
    there = [bounds.get(name) for name in _BOUNDS] if isinstance(bounds, dict) else []  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return [bound for bound in there if isinstance(bound, str) and bound.strip().lower().startswith("now")]


def _nested(properties: dict[str, Any], field: str) -> str:
    """The nested object that a field is in; empty if it is in none."""
    parts = field.split(".")
    for depth, part in enumerate(parts, start=1):
        found = properties.get(part) or {}
        if found.get("type") == "nested":
            return ".".join(parts[:depth])
        properties = found.get("properties") or {}
    return ""


def _paths(properties: dict[str, Any], prefix: str = "") -> list[str]:
    paths: list[str] = []
    for name, mapping in properties.items():
        if "properties" in mapping:
            paths += _paths(mapping["properties"], f"{prefix}{name}.")
        else:
            paths.append(prefix + name)
    return paths
