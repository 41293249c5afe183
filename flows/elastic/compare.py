"""`elastic compare`: how well each way of searching an embedded index ranks, in one table. Changes nothing."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.elastic.endpoints import ways_here
from flows.elastic.engine import ELASTIC
from flows.elastic.knn_recall import measure_knn
from flows.elastic.options import EmbeddedOptions
from flows.elastic.reranking import RERANK, RERANK_WINDOW, reranking_of
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.search.ways import How
from tasks.elastic.verification.judged import judged_queries, read_judged
from tasks.elastic.verification.neighbors import tried_candidates
from tasks.errors import InvalidInput


class CompareOptions(EmbeddedOptions, frozen=True):
    """The options of `elastic compare`."""

    queries: str = Field(
        description="JSON lines of judged queries: query, and relevant (grades by id) or expected (ids)."
    )
    field: str | None = Field(
        default=None, description="The text field whose embedding is searched. Default: the first."
    )
    how: tuple[How, ...] = Field(
        default=(), description="The ways to compare. Default: all that the index has."
    )
    size: int = Field(default=10, ge=1, le=1_000, description="How many of the first hits count.")
    rerank: str | None = RERANK
    rerank_window: int | None = RERANK_WINDOW
    num_candidates: tuple[int, ...] = Field(
        default=(),
        description="Of dense-vector: the candidates of approximate searches, whose recall against exact ones is measured. Default: from as many as hits to five times those of elastic search.",
    )
    min_recall: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Of dense-vector: the recall@size of kNN against exact search to reach with the candidates of elastic search; 0 only measures.",
    )


@engine_flow(ELASTIC, "compare", run_name="compare {name} on {target}")
def compare_ways(options: CompareOptions) -> Report:
    """Compare the ways to search an embedded index by judged queries: nDCG, recall and time of each.

    With --rerank each way twice, as it is and reranked. Of dense vectors also the recall of kNN against exact search, by
    num_candidates. Changes nothing.

    Example:
        vector-search elastic compare --name films --queries judged.jsonl --target sandbox
    """
    settings, name, path = ELASTIC.settings(options.target), options.name, Path(options.queries)
    with reporting("elastic compare", name, options.target, settings.where) as report:
        embedded = read_embedded(settings, name)
        field = embedded.field(options.field)
        texts = [judged.query for judged in judged_queries(path)]
        if embedded.kind != "dense-vector" and (options.num_candidates or options.min_recall):
            raise InvalidInput(
                f"The recall of kNN is measured of dense vectors, and {embedded.index} was embedded as {embedded.kind}",
                value=options.num_candidates or options.min_recall,
                source="--num-candidates" if options.num_candidates else "--min-recall",
                remedy="Leave it out.",
            )
        reranking = reranking_of(
            report, settings, field,
            endpoint=options.rerank, window=options.rerank_window, size=options.size,
        )  # fmt: skip
        for how in options.how or ways_here(settings, embedded):
            for by in (None, reranking) if reranking else (None,):
                way = f"{how} reranked" if by else how
                with report.step(way) as step:
                    found = read_judged(settings, name, embedded, field, how, path, cut=options.size, reranking=by)  # fmt: skip
                    step.saw(f"nDCG@{options.size} {found.quality.ndcg:.3f}, recall {found.quality.recall:.3f}")  # fmt: skip
                    step.saw(f"{found.queries} queries, {found.milliseconds:.1f} ms each")
                    report.facts.setdefault("ways", {})[way] = {
                        "ndcg": found.quality.ndcg,
                        "recall": found.quality.recall,
                        "milliseconds": found.milliseconds,
                    }
        if embedded.kind == "dense-vector":
            measure_knn(
                report, settings, embedded, field, texts,
                k=options.size, tried=options.num_candidates or tried_candidates(options.size), min_recall=options.min_recall,
            )  # fmt: skip
    return report
