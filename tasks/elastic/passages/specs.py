"""An index of passages as a specification: its fields, its name, its marks; and a passage as a document of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tasks.answers.chunks import Chunk, Chunks
from tasks.elastic.data.documents import Document
from tasks.elastic.indices.pipelines import FAILURE_FIELD, inference_pipeline
from tasks.elastic.specs import EmbeddedField, IndexSpec, PipelineSpec, embedded_properties
from tasks.marks import fingerprint

PASSAGE = EmbeddedField(input="passage", output="passage_embedding")
"""What is searched, by its words and by its meaning: title, headings and text."""
VECTOR = "passage_vector"
"""The dense embedding, of a model behind OpenAI's routes. Its dimensions are those of the first one that is stored (8.11)."""
KIND = "passages"
"""In the mark `made_from`, to tell these from indices of `elastic embed`."""
PUBLIC = "public"
_KEYWORD: Mapping[str, Any] = {"type": "keyword", "ignore_above": 8191}
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "document": _KEYWORD,
    "title": _KEYWORD,
    "heading": _KEYWORD,
    "hash": _KEYWORD,
    "readers": _KEYWORD,
    PUBLIC: {"type": "boolean"},
    "start": {"type": "integer"},
    "end": {"type": "integer"},
    "page": {"type": "integer"},
    "text": {"type": "text", "index": False},
    "passage": {"type": "text"},
}


@dataclass(frozen=True, kw_only=True)
class Embedders:
    """What embeds the passages of an index, besides that their words are searched."""

    deployment: str = ""
    """The deployment that makes sparse embeddings, in a pipeline; empty for none."""
    search_deployment: str = ""
    """The deployment that embeds questions."""
    model: str = ""
    """The model of both."""
    dense: str = ""
    """The model behind OpenAI's routes that makes dense embeddings; empty for none."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that every passage must have."""
        return (PASSAGE.output,) * bool(self.deployment) + (VECTOR,) * bool(self.dense)

    @property
    def marks(self) -> dict[str, str]:
        """What must be the same for an embedding to be carried over."""
        return {"deployment": self.deployment, "model": self.model, "dense": self.dense}


def passage_pipeline(name: str, deployment: str) -> PipelineSpec:
    """The pipeline that embeds passages, named after what it does."""
    unnamed = inference_pipeline("unnamed", deployment, [PASSAGE])
    return inference_pipeline(f"{name}-{unnamed.spec}", deployment, [PASSAGE])


def passage_index(name: str, chunks: Chunks, embedders: Embedders, *, replicas: int) -> IndexSpec:
    """The index of these chunks, named after what it is made from: other content never gets the same name.

    Args:
        name: the alias.
        chunks: what it holds.
        embedders: what embeds them.
        replicas: the final number of copies.
    """
    marks = {
        "kind": KIND,
        "content": chunks.content,
        "chunks": str(len(chunks.chunks)),
        "documents": str(chunks.documents),
        "splitter": chunks.splitting.mark,
        "size": str(chunks.splitting.size),
        "overlap": str(chunks.splitting.overlap),
        "search_deployment": embedders.search_deployment,
        "pipeline": passage_pipeline(name, embedders.deployment).id if embedders.deployment else "",
        **embedders.marks,
    }
    properties = {field: dict(mapping) for field, mapping in _FIELDS.items()}
    if embedders.dense:
        properties[VECTOR] = {"type": "dense_vector", "similarity": "cosine", "index": True}
    if embedders.deployment:
        properties = embedded_properties((PASSAGE,), failure=FAILURE_FIELD, source=properties)
    spec = IndexSpec(
        name="unnamed",
        properties=properties,
        mapping={"dynamic": "strict"},
        replicas=replicas,
        made_from=marks,
    )
    return spec.model_copy(update={"name": f"{name}-{spec.spec}"})


def as_document(chunk: Chunk, embedding: Mapping[str, Any] | None = None) -> Document:
    """A passage as a document of its index.

    Args:
        chunk: the passage.
        embedding: the fields of an embedding that an earlier version has; None if the pipeline is to make it.
    """
    body = body_of(chunk) | {"hash": hash_of(chunk)} | dict(embedding or {})
    place = f"{chunk.document} at character {chunk.start:,}"
    return Document(place=place, id=chunk.id, text=orjson.dumps(body))


def body_of(chunk: Chunk) -> dict[str, Any]:
    """The fields of a passage, apart from its hash and its embedding."""
    return {
        "document": chunk.document,
        "title": chunk.title,
        "heading": chunk.heading,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "text": chunk.text,
        "passage": chunk.passage,
        "readers": list(chunk.readers),
        PUBLIC: not chunk.readers,
    }


def hash_of(chunk: Chunk) -> str:
    """Twelve hex digits of everything that is stored of a passage: what verification compares."""
    return fingerprint(body_of(chunk))


def chunk_of(id_: str, source: Mapping[str, Any]) -> Chunk:
    """A document of the index as a passage again."""
    return Chunk(
        id=id_,
        document=source["document"],
        title=source["title"],
        heading=source["heading"],
        start=source["start"],
        end=source["end"],
        page=source.get("page"),
        text=source["text"],
        readers=tuple(source.get("readers") or ()),
    )
