"""`elastic verify`: an embedded index as it serves. Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.indices.indices import read_source
from tasks.elastic.settings import ElasticTarget, elastic_settings
from tasks.elastic.specs import Name
from tasks.elastic.verification.verification import verify_completeness, verify_queries, verify_scores


@flow(name="elastic verify", flow_run_name="verify {name} on {target}")
def verify_embedded(
    *,
    name: Name,
    target: ElasticTarget,
    queries: str | None = None,
    accept_unembedded: Annotated[int, Field(ge=0)] = 0,
) -> Report:
    """See that an embedded index has every document of its source, and finds and scores what it must. Changes nothing.

    Args:
        name: The alias, or an index behind it.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        queries: JSON lines of query, expected ids and within.
        accept_unembedded: So many documents may lack their embedding.

    Example:
        vector-search elastic verify --name films --queries film-queries.jsonl --target sandbox
    """
    settings = elastic_settings(target)
    with reporting("elastic verify", name, target) as report:
        embedded = read_embedded(settings, name)
        model = embedded.search_deployment
        with report.step("every document, with its embedding") as step:
            wanted = read_source(settings, embedded.source).documents
            found = verify_completeness(
                settings, name, embedded.fields, wanted=wanted, accepted=accept_unembedded
            )
            step.saw(f"{found.documents:,} documents, {found.unembedded:,} without an embedding")
        with report.step("scores") as step:
            for field in embedded.fields:
                scores = verify_scores(settings, name, field, model)
                step.saw(f"{scores.compared} recomputed, off by {scores.largest_difference:.1e} at most")
        if queries:
            with report.step("sample queries") as step:
                asked = verify_queries(settings, name, embedded.fields[0].output, model, Path(queries))
                step.saw(f"{asked.found} of {asked.queries} find what they must")
    return report
