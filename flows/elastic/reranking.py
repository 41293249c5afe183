"""The options of flows that rerank what they find, and what is checked before anything is searched."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from flows.report import Report
from tasks.elastic.cluster.cluster import read_cluster
from tasks.elastic.cluster.rerankers import read_reranker, verify_reranker
from tasks.elastic.search.reranking import SINCE, WINDOW, Reranking
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import EmbeddedField
from tasks.errors import InvalidInput

RERANK: Any = Field(
    default=None,
    description="Rerank the first hits by this inference endpoint of the task type rerank, for example .rerank-v1-elasticsearch (8.18). Default: do not.",
)
"""The field `rerank` of flows that search."""
RERANK_WINDOW: Any = Field(
    default=None,
    ge=1,
    le=10_000,
    description="How many of the first hits are reranked, at one inference each; no others are found. Default: 30, or size if that is more.",
)
"""Their field `rerank_window`."""


def reranking_of(
    report: Report,
    settings: ElasticSettings,
    field: EmbeddedField,
    *,
    endpoint: str | None,
    window: int | None,
    size: int,
) -> Reranking | None:
    """What reranks, seen to answer; None if nothing is to be reranked. The first use of a default endpoint waits for its model here.

    Raises:
        InvalidInput: the window is smaller than the hits that are wanted, the cluster has no such retriever, or the endpoint
            does not exist or does something else.
    """
    if endpoint is None:
        if window is not None:
            raise InvalidInput(
                "Nothing is reranked, so there is no window",
                value=window,
                source="--rerank-window",
                remedy="Name the endpoint with --rerank, or leave it out.",
            )
        return None
    window = window or max(WINDOW, size)
    if window < size:
        raise InvalidInput(
            f"Only the hits within the window are reranked and found, and {size} are wanted",
            value=window,
            source="--rerank-window",
            accepted=f"{size} or more",
            remedy="Or ask for fewer with --size.",
        )
    cluster = read_cluster(settings)
    if not cluster.serverless and cluster.release < SINCE:
        raise InvalidInput(
            f"Elasticsearch {cluster.version} cannot rerank: the retriever for it came with {SINCE[0]}.{SINCE[1]}",
            value=endpoint,
            source="--rerank",
            remedy="Leave it out, or upgrade the cluster.",
        )
    with report.step(f"reranker {endpoint}") as step:
        read_reranker(settings, endpoint)
        step.saw(str(verify_reranker(settings, endpoint)))
        step.saw(f"compares the query with {field.input} of the first {window} hits")
    return Reranking(endpoint, window)
