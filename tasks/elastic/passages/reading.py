"""Which passages an index holds, and how far they agree with their documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elasticsearch.helpers import scan

from tasks.answers.chunks import Chunk, Splitting
from tasks.answers.knowledge import Agreement, KnowledgeBase, agreement, refuse_differences
from tasks.elastic.cluster.cluster import vectors_in_source
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import (
    IndexState,
    count,
    index_of_ours,
    indices_of_ours,
    read_index,
    refresh,
)
from tasks.elastic.indices.pipelines import FAILURE_FIELD, value_at
from tasks.elastic.passages.specs import KIND, PASSAGE, VECTOR, Embedders, chunk_of, hash_of
from tasks.elastic.settings import ElasticSettings
from tasks.steps import step

_PAGE = 1000


@step("read knowledge base {name}")
def read_knowledge_base(settings: ElasticSettings, name: str) -> KnowledgeBase | None:
    """What a name stands for: an alias of `answers index`, or an index behind it; None if there is none of ours."""
    there = read_index.fn(settings, name)
    marks = _marks(there)
    if there is None or not marks:
        return None
    return KnowledgeBase(
        name=name,
        index=there.name,
        chunks=int(marks["chunks"]),
        documents=int(marks["documents"]),
        splitter=marks["splitter"],
        splitting=Splitting(size=int(marks["size"]), overlap=int(marks["overlap"])),
        sparse_model=f"{marks['model']} ({marks['deployment']})" if marks["deployment"] else "",
        search_model=marks["search_deployment"],
        dense_model=marks["dense"],
        fields=embedders_of(marks).fields,
    )


@step("compare {index} with its documents")
def verify_passages(
    settings: ElasticSettings, index: str, chunks: Sequence[Chunk], fields: Sequence[str]
) -> Agreement:
    """Compare every passage of an index with the chunks that it should hold.

    Args:
        settings: the target.
        index: an index or alias.
        chunks: what it should hold.
        fields: the embeddings that every passage must have.

    Raises:
        GateNotMet: they differ; names the first of each kind.
    """
    wanted = {chunk.id: hash_of(chunk) for chunk in chunks}
    lacking = unembedded(settings, index, fields)
    found = agreement(chunks, wanted, hashes(settings, index), lacking)
    refuse_differences(index, found, engine="elastic")
    return found


@step("list the versions of {name}")
def read_versions(settings: ElasticSettings, name: str) -> tuple[str, ...]:
    """The indices of a knowledge base, whatever its alias points at."""
    found = indices_of_ours(settings)
    return tuple(each.name for each in found if _marks(each) and each.name.rpartition("-")[0] == name)


@step("read every passage of {index}")
def read_all_passages(settings: ElasticSettings, index: str) -> tuple[Chunk, ...]:
    """All passages, in the order of their documents."""
    hits = _scanned(
        settings, index, {"match_all": {}}, ["*"], without=[PASSAGE.output, PASSAGE.input, VECTOR]
    )
    found = [chunk_of(hit["_id"], hit["_source"]) for hit in hits]
    return tuple(sorted(found, key=lambda chunk: (chunk.document, chunk.start)))


@step("read which embeddings of {name} can be carried over")
def read_version_to_carry(settings: ElasticSettings, name: str, embedders: Embedders) -> str:
    """The version of a knowledge base that is served, if the same models embedded it in the same way; else empty."""
    there = read_index.fn(settings, name)
    marks = _marks(there)
    same = bool(marks and embedders.fields) and embedders_of(marks).marks == embedders.marks
    return there.name if there is not None and same else ""


def seen_hashes(settings: ElasticSettings, index: str) -> dict[str, str]:
    """As `hashes`, with everything that was written until now."""
    index_of_ours(settings, index)
    refresh(settings, index)
    return hashes(settings, index)


def hashes(settings: ElasticSettings, index: str) -> dict[str, str]:
    """The hash of every passage that a search sees, by id."""
    hits = _scanned(settings, index, {"match_all": {}}, ["hash"])
    return {hit["_id"]: str(hit["_source"].get("hash", "")) for hit in hits}


def unembedded(settings: ElasticSettings, index: str, fields: Sequence[str]) -> dict[str, str]:
    """Why a passage lacks one of its embeddings, by id, for those that do."""
    have = [{"exists": {"field": field}} for field in fields]
    lacking = {"bool": {"must_not": [{"bool": {"filter": have}}]}}
    if not fields or not count(settings, index, lacking):
        return {}
    hits = _scanned(settings, index, lacking, [FAILURE_FIELD])
    return {hit["_id"]: str(value_at(hit["_source"], FAILURE_FIELD) or "never tried") for hit in hits}


def embeddings(
    settings: ElasticSettings, index: str, ids: Sequence[str], fields: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The embeddings of these passages, by id, for those that have all of them."""
    have = [{"exists": {"field": field}} for field in fields]
    query = {"bool": {"filter": [{"ids": {"values": list(ids)}}, *have]}}
    source = {"includes": list(fields), **vectors_in_source(settings)}
    with calling(f"read embeddings of {index}"):
        found = connect(settings).search(index=index, query=query, size=len(ids), source=source)
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


def embedders_of(marks: Mapping[str, str]) -> Embedders:
    """What embedded an index, from its mark."""
    return Embedders(
        deployment=marks["deployment"],
        search_deployment=marks["search_deployment"],
        model=marks["model"],
        dense=marks["dense"],
    )


def _scanned(
    settings: ElasticSettings,
    index: str,
    query: Mapping[str, Any],
    fields: Sequence[str],
    without: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    body = {"query": query, "_source": {"includes": list(fields), "excludes": list(without)}}
    with calling(f"list the passages of {index}"):
        yield from scan(connect(settings), index=index, query=body, size=_PAGE)


def _marks(there: IndexState | None) -> dict[str, str]:
    marks: dict[str, str] = (there.meta.get("made_from") or {}) if there is not None and there.ours else {}
    return marks if marks.get("kind") == KIND else {}
