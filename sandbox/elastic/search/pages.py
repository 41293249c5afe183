"""Pages of hits: the documents are read, and shown as the search asks."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.search import hit_values
from sandbox.elastic.search.explaining.retrieved import Explainer, explainer
from sandbox.elastic.search.explaining.trees import explained_search
from sandbox.elastic.search.hits import highlights
from sandbox.elastic.search.ranked import Ranked
from sandbox.elastic.search.scoring import shown


def page(documents: DocumentStore, hits: Ranked, start: int, size: int, node: str) -> dict[str, Any]:
    """The `hits` of a reply; those that are explained name the node."""
    asked, chosen = hits.request, hits.order[start : start + size]
    by_score = [place for place, clause in enumerate(asked.clauses) if clause.path == "_score"]
    scored = not asked.clauses or asked.track_scores or bool(by_score)
    best = not asked.clauses or asked.track_scores
    found = _hits(documents, hits, chosen.tolist(), scored)
    if asked.explain:
        tree = asked.retriever
        explains = None if tree is None else explainer(hits.contexts, tree)
        found = [(place, _explained(hits, place, hit, node, explains)) for place, hit in found]
    result: dict[str, Any] = {}
    if asked.counted is not None:
        limited = asked.counted >= 0 and hits.found > asked.counted
        result["total"] = {
            "value": asked.counted if limited else hits.found,
            "relation": "gte" if limited else "eq",
        }
    top = shown(hits.scores.max()) if best and len(hits.scores) and size else None
    return {**result, "max_score": top, "hits": [hit for _, hit in found]}


def _hits(
    documents: DocumentStore, hits: Ranked, places: list[int], scored: bool
) -> list[tuple[int, dict[str, Any]]]:
    """The documents at these places, except those of an index deleted meanwhile."""
    rows: dict[tuple[int, int], Row] = {}
    wanted: dict[int, list[int]] = {}
    for place in places:
        number = int(hits.which[place])
        wanted.setdefault(number, []).append(_sequence_number(hits, place))
    for number, sequence_numbers in wanted.items():
        for row in documents.rows(hits.contexts[number].searcher.index, sequence_numbers):
            rows[number, row.seq_no] = row
    found = ((place, rows.get((int(hits.which[place]), _sequence_number(hits, place)))) for place in places)
    return [(place, _hit(hits, place, row, scored)) for place, row in found if row]


def _explained(
    hits: Ranked, place: int, hit: dict[str, Any], node: str, explains: Explainer | None
) -> dict[str, Any]:
    number, document = int(hits.which[place]), int(hits.documents[place])
    context, query = hits.contexts[number], hits.request.query
    value = shown(hits.scores[place])
    if explains is None:
        tree = explained_search(context, query, document, value)
    else:
        tree = explains.of((number, document), value)
    index = context.searcher.index.name
    return {"_shard": f"[{index}][0]", "_node": node, **hit, "_explanation": tree}


def _sequence_number(hits: Ranked, place: int) -> int:
    context = hits.contexts[hits.which[place]]
    return int(context.searcher.sequence_numbers[hits.documents[place]])


def _hit(hits: Ranked, place: int, row: Row, scored: bool) -> dict[str, Any]:
    asked = hits.request
    index = hits.contexts[hits.which[place]].searcher.index
    hit: dict[str, Any] = {"_index": index.name}
    if asked.fields.stored != ("_none_",):
        hit["_id"] = row.id
    if asked.version:
        hit["_version"] = row.version
    if asked.seq_no:
        hit |= {"_seq_no": row.seq_no, "_primary_term": 1}
    hit["_score"] = shown(hits.scores[place]) if scored else None
    if asked.fields.shows_source(asked.source.shown):
        hit["_source"] = asked.source.of_text(row.source, index)
    hit |= _parts(hits, place, row)
    if hits.columns:
        hit["sort"] = [column.values[place] for column in hits.columns]
    return hit


def _parts(hits: Ranked, place: int, row: Row) -> dict[str, Any]:
    """What some searches ask for; parts that are empty are left out."""
    asked = hits.request
    context, document = hits.contexts[hits.which[place]], int(hits.documents[place])
    values = hit_values.fetched(context.searcher, document, row, asked.fields)
    if hits.collapsed is not None:
        values[hits.collapsed.clause.path] = [hits.collapsed.values[place]]
    marked = (
        {} if asked.highlight is None else highlights.highlighted(context, document, row, asked.highlight)
    )
    parts = {
        "fields": values,
        "highlight": marked,
        "matched_queries": [name for name, mask in context.named.items() if mask[document]],
        "inner_hits": {name: found.shown(document, row) for name, found in context.inner.items()},
    }
    return {name: part for name, part in parts.items() if part}
