"""`elastic search`: find documents by meaning."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from flows.elastic.endpoints import ways_here
from flows.elastic.engine import ELASTIC
from flows.elastic.options import EmbeddedOptions
from flows.elastic.reranking import RERANK, RERANK_WINDOW, reranking_of
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from flows.results import result
from tasks.elastic.data.passages import texts_at
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.search.reranking import SCORE
from tasks.elastic.search.search import Hit, SparseQuery, read_hits
from tasks.elastic.search.ways import How, NoSuchWay, read_hits_by
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput

_SHOWN = 160
"""Number of characters of a document that the report shows."""

_HOW: dict[str, How] = {"semantic-text": "semantic", "dense-vector": "dense"}
"""How an index is searched where nobody says it; sparse vectors by either type of query."""


class SearchOptions(EmbeddedOptions, frozen=True):
    """The options of `elastic search`."""

    text: str = Field(description="The text to search for.")
    field: str | None = Field(
        default=None, description="The text field whose embedding is searched. Default: the first."
    )
    size: int = Field(default=10, ge=1, le=10_000, description="Maximum number of hits.")
    how: How | None = Field(
        default=None,
        description="By sparse or dense embeddings, words (bm25), words and meaning together (hybrid), or as a semantic_text field decides. Default: what the index was embedded for.",
    )
    rerank: str | None = RERANK
    rerank_window: int | None = RERANK_WINDOW
    kind: SparseQuery = Field(
        default="sparse_vector", description="Query type: sparse_vector, or the older text_expansion."
    )
    deployment: str | None = Field(
        default=None,
        description="The deployment that embeds the query. Default: the one that the index was made for.",
    )


@engine_flow(ELASTIC, "search", run_name="search {name} on {target}")
def search_documents(options: SearchOptions) -> Report:
    """Search an embedded index by meaning, by words, or by both; on request the first hits are reranked.

    Example:
        vector-search elastic search --name films --text investigation --target sandbox
    """
    settings, name = ELASTIC.settings(options.target), options.name
    with reporting("elastic search", name, options.target, settings.where) as report:
        embedded = read_embedded(settings, name)
        chosen = embedded.field(options.field)
        how = options.how or _HOW.get(embedded.kind)
        if how is not None and how not in (ways := ways_here(settings, embedded)):
            raise NoSuchWay(embedded, how, ways)
        if options.rerank and options.kind != "sparse_vector":
            raise InvalidInput(
                "Only what sparse_vector finds is reranked",
                value=options.kind,
                source="--kind",
                remedy="Leave it out.",
            )
        reranking = reranking_of(
            report, settings, chosen,
            endpoint=options.rerank, window=options.rerank_window, size=options.size,
        )  # fmt: skip
        model = options.deployment or embedded.search_deployment
        if how is None and reranking is None:
            answer = read_hits(
                settings, name, options.text, chosen, model, size=options.size, kind=options.kind
            )
        else:
            asked = replace(embedded, search_deployment=model)
            answer = read_hits_by(
                settings, name, options.text, asked, chosen, how or "sparse", size=options.size, reranking=reranking
            )  # fmt: skip
        score = "score" if reranking is None else SCORE
        report.results = [
            result(hit.id, {score: hit.score}, {chosen.input: shown(hit, chosen)}) for hit in answer.hits
        ]
        if not answer.hits:
            report.nothing = f"No documents: none has a word or token in {chosen.input} in common with the query, or the index is empty."
        report.facts["hits"] = [{"id": hit.id, score.replace(" ", "_"): hit.score} for hit in answer.hits]
    return report


def shown(hit: Hit, field: EmbeddedField) -> str:
    """The beginning of a hit's text, or of its best passage."""
    text = hit.passage or next(texts_at(hit.source, field.input), "")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
