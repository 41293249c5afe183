"""`elastic verify`: completeness, scores and sample queries of an embedded index. Changes nothing."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from pydantic import Field

from flows.elastic.engine import ELASTIC
from flows.elastic.knn_recall import measure_knn
from flows.elastic.options import EmbeddedOptions
from flows.engine_flow import engine_flow
from flows.report import Report, reporting
from tasks.elastic.cluster.endpoints import read_embedding_endpoint
from tasks.elastic.indices.embeddings import Embedded, read_embedded
from tasks.elastic.indices.remotes import address_of, of_the_other_cluster
from tasks.elastic.indices.sources import read_source
from tasks.elastic.search.search import QueryKind
from tasks.elastic.settings import ElasticSettings, remote_settings
from tasks.elastic.specs import EmbeddedAs
from tasks.elastic.verification.neighbors import read_own_texts
from tasks.elastic.verification.semantic import verify_own_texts
from tasks.elastic.verification.vectors import verify_vectors
from tasks.elastic.verification.verification import (
    sample_queries,
    verify_completeness,
    verify_queries,
    verify_scores,
)
from tasks.errors import InvalidInput
from tasks.plurals import counted

_VERIFIED: dict[EmbeddedAs, str] = {
    "sparse-vector": "scores",
    "dense-vector": "vectors",
    "semantic-text": "own texts",
}
_QUERIES: dict[EmbeddedAs, QueryKind] = {
    "sparse-vector": "sparse_vector",
    "dense-vector": "knn",
    "semantic-text": "semantic",
}

_K = 10
"""Neighbors of a query that count for the recall of kNN."""


class VerifyOptions(EmbeddedOptions, frozen=True):
    """The options of `elastic verify`."""

    queries: str | None = Field(
        default=None, description="JSON lines of sample queries: query, expected ids and within."
    )
    accept_unembedded: int = Field(
        default=0, ge=0, description="Accept up to N documents without an embedding."
    )
    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Of dense-vector: the recall@10 of kNN against exact search to reach with the candidates of elastic search; 0 only measures.",
    )


@engine_flow(ELASTIC, "verify", run_name="verify {name} on {target}")
def verify_embedded(options: VerifyOptions) -> Report:
    """Verify that an embedded index has every document of its source, scores correctly and finds the expected documents.

    Of dense vectors it also measures the recall of kNN against exact search, which must reach min_recall.

    Changes nothing.

    Example:
        vector-search elastic verify --name films --queries film-queries.jsonl --target sandbox
    """
    settings, name = ELASTIC.settings(options.target), options.name
    with reporting("elastic verify", name, options.target, settings.where) as report:
        embedded = read_embedded(settings, name)
        model = embedded.search_deployment
        with report.step("every document, with its embedding") as step:
            source = source_settings(settings, options.target, embedded)
            with of_the_other_cluster() if embedded.remote else nullcontext():
                wanted = read_source(source, embedded.source, embedded.query).documents
            # The index itself: an alias may have a filter.
            found = verify_completeness(
                settings, embedded.index, embedded.fields, wanted=wanted, accepted=options.accept_unembedded
            )
            step.saw(f"{counted(found.documents, 'document')}, {found.unembedded:,} without an embedding")
            report.facts["completeness"] = asdict(found)
        with report.step(_VERIFIED[embedded.kind]) as step:
            for field in embedded.fields:
                match embedded.kind:
                    case "semantic-text":
                        own = verify_own_texts(
                            settings, name, field, read_embedding_endpoint(settings, model)
                        )
                        step.saw(f"{counted(own.asked, 'document')} found by the text of {field.input}")
                    case "dense-vector":
                        vectors = verify_vectors(settings, name, embedded, field)
                        report.facts.setdefault("vectors", {})[field.output] = asdict(vectors)
                        step.saw(str(vectors))
                    case "sparse-vector":
                        scores = verify_scores(settings, name, field, model)
                        report.facts.setdefault("scores", {})[field.output] = asdict(scores)
                        step.saw(
                            f"{scores.compared} recomputed, off by {scores.largest_difference:.1e} at most"
                        )
        if options.queries:
            with report.step("sample queries") as step:
                asked = verify_queries(
                    settings,
                    name,
                    embedded.fields[0],
                    model,
                    Path(options.queries),
                    kind=_QUERIES[embedded.kind],
                    prefix=embedded.query_prefix,
                )
                step.saw(f"{asked.found} of {asked.queries} find the expected documents")
                report.facts["queries"] = asdict(asked)
        if embedded.kind == "dense-vector":
            first = embedded.fields[0]
            texts = (
                [one.query for one in sample_queries(Path(options.queries))]
                if options.queries
                else read_own_texts(settings, name, first)
            )
            measure_knn(
                report, settings, embedded, first, texts, k=_K, tried=(), min_recall=options.min_recall
            )
    return report


def source_settings(settings: ElasticSettings, target: str, embedded: Embedded) -> ElasticSettings:
    """Where the source of an embedded index is.

    Raises:
        InvalidInput: in another cluster, whose settings are missing or are those of a third one.
    """
    if embedded.remote is None:
        return settings
    remote = remote_settings(target)
    if address_of(remote) != embedded.remote:
        raise InvalidInput(
            f"The source of {embedded.index} is in another cluster than this",
            value=address_of(remote),
            source="ELASTIC_REMOTE_URL",
            accepted=embedded.remote,
        )
    return remote
