"""`elastic search`: documents by meaning."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.search.search import Hit, QueryKind, read_hits
from tasks.elastic.settings import ElasticTarget, elastic_settings
from tasks.elastic.specs import Name

_SHOWN = 160
"""Characters of a document that the report shows."""


@flow(name="elastic search", flow_run_name="search {name} on {target}")
def search_documents(
    *,
    name: Name,
    text: str,
    target: ElasticTarget,
    field: str | None = None,
    size: Annotated[int, Field(ge=1, le=10_000)] = 10,
    kind: QueryKind = "sparse_vector",
    deployment: str | None = None,
) -> Report:
    """Search an embedded index by meaning.

    Args:
        name: The alias, or an index behind it.
        text: What is looked for.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        field: Which embedded field, by the name of its text. Default: the first.
        size: Hits at most.
        kind: sparse_vector, or the older text_expansion.
        deployment: The deployment that embeds the text. Default: the one that the index was made for.

    Example:
        vector-search elastic search --name films --text investigation --target sandbox
    """
    settings = elastic_settings(target)
    with reporting("elastic search", name, target) as report:
        embedded = read_embedded(settings, name)
        chosen = embedded.field(field)
        model = deployment or embedded.search_deployment
        answer = read_hits(settings, name, text, chosen.output, model, size=size, kind=kind)
        for rank, hit in enumerate(answer.hits, start=1):
            with report.step(f"{rank}. {hit.id}") as step:
                step.saw(f"score {hit.score:.4f}: {shown(hit, chosen.input)}")
        report.facts["hits"] = [{"id": hit.id, "score": hit.score} for hit in answer.hits]
    return report


def shown(hit: Hit, field: str) -> str:
    """The beginning of a hit's text."""
    text = str(hit.source.get(field, ""))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
