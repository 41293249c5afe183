"""What a knowledge base is on Vertex AI, what it holds, and how far that agrees with its documents.

Vertex AI reads datapoints by their ids and lists none. So an index is compared by the ids of its own version and of the versions before,
which are still in the bucket. What nobody listed cannot be seen; the index's own count says whether there may be such datapoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Agreement, KnowledgeBase, agreement, described_by, refuse_differences
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.steps import step
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.imports.passage_files import DESCRIPTION, list_files, read_file
from tasks.vertex.operations.adoption import list_ours
from tasks.vertex.passages.specs import Description, chunk_of, hash_of, restrict_of
from tasks.vertex.passages.writing import read_vectors
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.indexes import INDEXES, by_version
from tasks.vertex.resources.served import NotServed, ServedIndex, read_served_index
from tasks.vertex.settings import VertexSettings

TOLERANCE = 1e-5
"""How far a number of a vector that is read back may be from the one that was sent."""


@step("read knowledge base {name}")
def read_knowledge_base(settings: VertexSettings, name: str) -> KnowledgeBase | None:
    """What a name serves; None if it is no knowledge base.

    Raises:
        NotOurs: somebody else made the index or the endpoint.
    """
    described = read_descriptions.fn(settings, name)
    if not described:
        return None
    try:
        served = read_served_index.fn(settings, name)
    except NotServed:
        return None
    index = by_version(list_ours(settings, INDEXES, name)).get(served.version)
    found = described.get(index.content) if index else None
    return found.knowledge_base(name, served) if found else None


@step("look at {name} before it is changed")
def read_base_to_change(settings: VertexSettings, name: str) -> KnowledgeBase | None:
    """The knowledge base of a name, if there is one.

    Raises:
        InvalidInput: an index of that name is no knowledge base.
    """
    there = read_knowledge_base.fn(settings, name)
    if there is None and not read_descriptions.fn(settings, name) and list_ours(settings, INDEXES, name):
        raise InvalidInput(
            "This is the name of an index that is no knowledge base", value=name, source="--name",
            remedy="Choose another name.",
        )  # fmt: skip
    return there


@step("read the versions of {name} in the bucket")
def read_descriptions(settings: VertexSettings, name: str) -> dict[str, Description]:
    """The versions that are whole in the bucket, by the hash of the import files that their index is made of."""
    found: dict[str, Description] = {}
    for path in list_files(settings, name):
        if path.endswith(f"/{DESCRIPTION}") and (content := read_file(settings, name, path)):
            one = described_by(Description, content, place=f"{path} beside the index {name} in the bucket")
            found[one.imported] = one
    return found


@step("compare {served.name} with its documents")
def verify_passages(
    settings: VertexSettings, served: ServedIndex, version: str, chunks: Sequence[Chunk]
) -> Agreement:
    """Compare every passage of a version, in the bucket and in the index, with the chunks that it should hold.

    Args:
        settings: the target.
        served: the index of the version, deployed.
        version: of the passages in the bucket.
        chunks: what it should hold.

    Raises:
        GateNotMet: they differ; names the first of each kind.
    """
    texts = {chunk.id: chunk for chunk in read_texts.fn(settings, served.name, version)}
    others = _ids_of_others(settings, served.name, version) - texts.keys()
    found = {one.id: one for one in read_datapoints.fn(settings, served, sorted(texts.keys() | others))}
    wanted = {chunk.id: hash_of(chunk) for chunk in chunks}
    there = {id_: hash_of(texts[id_]) if id_ in texts else "" for id_ in found}
    for id_, chunk in texts.items():
        if id_ in found and restrict_of(chunk) not in found[id_].restricts:
            there[id_] = "its readers differ"
    lacking = _lacking(settings, served.name, version, found)
    agreed = agreement(chunks, wanted, there, lacking)
    refuse_differences(served.name, agreed, engine="vertex")
    return replace(agreed, unseen=_unseen(served, len(found)))


@step("read the texts of {name}")
def read_texts(settings: VertexSettings, name: str, version: str, files: Sequence[str] = ()) -> list[Chunk]:
    """The passages of a version, of some of its files or of all, in the order of their documents."""
    paths = [f"{version}/{file}" for file in files] or [
        path for path in list_files(settings, name, version) if path.startswith(f"{version}/texts-")
    ]
    found = [
        chunk_of(line)
        for path in paths
        for line in (read_file(settings, name, path) or b"").splitlines()
        if line
    ]
    return sorted(found, key=lambda chunk: (chunk.document, chunk.start))


def _ids_of_others(settings: VertexSettings, name: str, version: str) -> set[str]:
    """The ids of the other versions that are in the bucket: what of them is still in the index would keep answering."""
    folders = {path.partition("/")[0] for path in list_files(settings, name)} - {version}
    return {chunk.id for folder in folders for chunk in read_texts.fn(settings, name, folder)}


def _lacking(
    settings: VertexSettings, name: str, version: str, found: Mapping[str, Datapoint]
) -> dict[str, str]:
    """The passages whose vector in the index is not the one that was stored."""
    lacking: dict[str, str] = {}
    for id_, vector in read_vectors(settings, name, version).items():
        if id_ in found and (there := found[id_].vector) is not None:
            if there.shape != vector.shape or not np.allclose(there, vector, atol=TOLERANCE):
                lacking[id_] = "its vector is another one"
        elif id_ in found:
            lacking[id_] = "it has no vector"
    return lacking


def _unseen(served: ServedIndex, found: int) -> str:
    """What a comparison by ids cannot see, in words."""
    more = served.vectors_count - found
    if more > 0:
        return f"the index counts {counted(more, 'datapoint')} more than were listed, which nobody can read without their ids"
    return "datapoints that no version listed cannot be seen; the index counts none"
