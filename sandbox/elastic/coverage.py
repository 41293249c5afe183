"""The Elasticsearch part of COVERAGE.md: which methods of the official client it answers, and how it differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from elasticsearch import Elasticsearch

from sandbox.cells import cell
from sandbox.elastic import errors
from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.differences import DIFFERENCES
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import serverless
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.options import ElasticOptions, Version
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.query_kinds import reranker_errors
from sandbox.elastic.search.templating import errors as templating_errors
from sandbox.elastic.security import errors as security_errors
from sandbox.elastic.tasks import errors as tasks_errors
from sandbox.elastic.versions import Release, release
from sandbox.elastic.wire import errors as wire_errors
from sandbox.elastic.wire.parameters import table
from sandbox.elastic.wire.parameters.rules import Rules

NAMESPACES = (
    "",
    "indices",
    "ingest",
    "ml",
    "inference",
    "tasks",
    "nodes",
    "cluster",
    "cat",
    "license",
    "security",
)
# Answered by another method's route: a HEAD where the other is a GET, or the same path.
_HEADS = {
    "exists": "get",
    "exists_source": "get_source",
    "indices.exists": "indices.get",
    "indices.exists_alias": "indices.get_alias",
    "cluster.exists_component_template": "cluster.get_component_template",
    "indices.exists_index_template": "indices.get_index_template",
    "inference.put_elasticsearch": "inference.put",
    "inference.put_elser": "inference.put",
}
_ITS_OWN = {"options", "close", "perform_request"}
_ERRORS = (
    errors,
    wire_errors,
    indices_errors,
    serverless,
    documents_errors,
    search_errors,
    reranker_errors,
    templating_errors,
    aggregation_errors,
    ingest_errors,
    ml_errors,
    inference_errors,
    chunking,
    tasks_errors,
    reindex_errors,
    security_errors,
)


def lines() -> Iterator[str]:
    """The lines of this section."""
    yield from ("", "## Elasticsearch", "", "The methods of the official client (8.19) by namespace.")
    answered = _apis()
    answered |= {head for head, get in _HEADS.items() if get in answered}
    for namespace in NAMESPACES:
        real = methods(namespace)
        done = [name.rpartition(".")[2] for name in real if name in answered]
        missing = [name.rpartition(".")[2] for name in real if name not in answered]
        yield from ("", f"### {namespace or 'without a namespace'}", "")
        yield from (
            f"- [{tick}] {', '.join(names)}" for tick, names in (("x", done), (" ", missing)) if names
        )
    yield from ("", "Namespaces that are not listed are not imitated.", "", "### By version", "")
    yield from _versions()
    yield ""
    yield f"With `--elastic.flavour serverless` these answer 410: {', '.join(sorted(serverless.PRIVATE))}."
    yield from ("", "### Query parameters", "")
    yield (
        "What no API names is refused as the service refuses it. Everywhere: "
        + _rules(table.EVERYWHERE)
        + "."
    )
    yield ""
    yield from (f"- {api}: {_rules(rules) or 'none'}" for api, rules in sorted(table.TABLE.items()))
    yield from ("", "### What is known to differ from Elasticsearch", "")
    yield from (f"- {difference}" for difference in DIFFERENCES)
    yield from ("", "### Texts of Elasticsearch's refusals", "")
    yield (
        "With a source: as documented or seen there; from memory: not read there. Without: sandbox wording. Names that "
        "end in .java or .yml are files of github.com/elastic/elasticsearch; docs/sources.md lists all sources."
    )
    yield from ("", "| status | type | text | source |", "|---|---|---|---|")
    found = {(each.status, each.kind, each.text, each.source) for part in _ERRORS for each in _answers(part)}
    for status, kind, text, source in sorted(found, key=lambda each: (not each[3], *each)):
        yield f"| {status} | {kind} | {cell(text)} | {source or 'sandbox wording'} |"


def methods(namespace: str) -> list[str]:
    """The official client's methods in a namespace, prefixed with its name."""
    client: Any = Elasticsearch("http://127.0.0.1:9200")
    kind = type(getattr(client, namespace) if namespace else client)
    names = [name for name in dir(kind) if callable(getattr(kind, name)) and not name.startswith("_")]
    return [f"{namespace}.{name}" if namespace else name for name in names if name not in _ITS_OWN]


def _apis() -> set[str]:
    """The APIs that a stand-in answers, read from its routes."""
    with TemporaryDirectory() as state:
        cluster = Cluster(Path(state), ElasticOptions())
        answered = {route.api for route in cluster.routes.all}
        cluster.close()
    return answered


def _versions() -> Iterator[str]:
    names = get_args(Version)
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for field in fields(Release):
        values = [str(getattr(release(name), field.name)) for name in names]
        yield f"| {field.name} | {' | '.join(values)} |"


def _rules(given: Rules) -> str:
    """Parameters by what becomes of them."""
    words: dict[str, list[str]] = {}
    for name, rule in sorted(given.items()):
        words.setdefault(rule.word, []).append(name)
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in sorted(words.items()))


def _answers(module: Any) -> list[errors.Answer]:
    return list(errors.answers(module).values())
