"""Specifications, as values: a deployment of a model, an ingest pipeline, an index.

A specification holds the immutable configuration only; its hash is the `spec` mark of what we create from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from tasks.marks import fingerprint

Priority = Literal["normal", "low"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "A name has 1 to 63 lowercase letters, digits, dashes and underscores, a letter first."
        )
    return name


Name = Annotated[
    str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})
]
"""A name that is valid for an index, an alias, a pipeline, a deployment and a search template."""

WORDS = "text"
"""The subfield of a semantic_text field that is searched by words, not by meaning."""

SPARSE: Mapping[str, Any] = {"type": "sparse_vector"}
"""The mapping of a field with tokens and weights."""

EmbeddedAs = Literal["sparse-vector", "dense-vector", "semantic-text"]
"""How documents are embedded: by a pipeline into fields of their own, or by the index in the text field itself."""

Threads = Literal[1, 2, 4, 8, 16, 32]
"""A power of two, at most 32 (API start-trained-model-deployment)."""


class AdaptiveAllocations(BaseModel, frozen=True):
    """Elasticsearch adds allocations above 90% load and removes them below 85%."""

    min: int = Field(default=1, ge=0, le=32)
    """At least N allocations, in place of a fixed number; with 0 (8.16) the first request after a pause fails."""
    max: int = Field(default=32, ge=1, le=32)
    """At most N allocations."""

    @model_validator(mode="after")
    def _least_first(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"the minimum of {self.min} allocations is more than the maximum of {self.max}")
        return self

    def body(self) -> dict[str, Any]:
        """As the API spells it."""
        return {
            "enabled": True,
            "min_number_of_allocations": self.min,
            "max_number_of_allocations": self.max,
        }


class DeploymentSpec(BaseModel, frozen=True):
    """A deployment of a model under an id of its own. Allocations can change in place, all else cannot."""

    id: Name
    model_id: str = ".elser_model_2"
    allocations: int = Field(default=1, ge=1)
    """Texts processed at a time: more for the throughput of ingest."""
    threads: Threads = 1
    """Threads per text: more for the latency of search."""
    queue_capacity: int | None = Field(default=None, ge=1, le=1_000_000)
    """Texts that may wait. None leaves it to the cluster: 1,024 or 10,000, by version."""
    cache_size: str | None = None
    """`0b` is off; None leaves it to the cluster, which takes the model's size."""
    priority: Priority = "normal"
    adaptive: AdaptiveAllocations | None = None
    """In place of a fixed number of allocations (8.15)."""

    @model_validator(mode="after")
    def _low_is_small(self) -> Self:
        if self.priority == "low" and (self.allocations, self.threads) != (1, 1):
            raise ValueError("priority low means 1 allocation of 1 thread")
        return self

    @property
    def least_allocations(self) -> int:
        """How many must run before it counts as started."""
        return self.allocations if self.adaptive is None else self.adaptive.min

    def scaled(self, allocations: int) -> DeploymentSpec:
        """The same with another number of allocations."""
        return self.model_copy(update={"allocations": allocations, "adaptive": None})


class EmbeddedField(BaseModel, frozen=True):
    """A text field and the field that its embedding goes into."""

    input: str = Field(min_length=1)
    output: str = Field(min_length=1)
    passages: str | None = None
    """The nested field with the text in passages, each with its embedding; None where the text is embedded as a whole."""

    @classmethod
    def in_passages(cls, input_: str, passages: str) -> Self:
        """A field that is embedded in passages, which a nested field holds."""
        return cls(input=input_, output=f"{passages}.embedding", passages=passages)

    @property
    def text(self) -> str:
        """The field with the texts as the model gets them."""
        return self.input if self.passages is None else f"{self.passages}.text"

    @property
    def made(self) -> str:
        """The field that is not in the source, but made of it: the embedding, or the passages with theirs."""
        return self.passages or self.output


class PipelineSpec(BaseModel, frozen=True):
    """An ingest pipeline."""

    id: Name
    description: str
    processors: tuple[dict[str, Any], ...] = Field(min_length=1)

    @property
    def spec(self) -> str:
        """Twelve hex digits of what the pipeline does."""
        return fingerprint(self.processors)


class IndexSpec(BaseModel, frozen=True):
    """An index. Mapping, shards and analysis are immutable; the rest is set when the load is over."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,254}$")
    properties: dict[str, Any] = {}
    """The mapping's fields as Elasticsearch spells them."""
    mapping: dict[str, Any] = {}
    """The mapping apart from its fields: `dynamic`, `date_detection`."""
    settings: dict[str, Any] = {}
    """What the fields' mapping depends on: `analysis`, `similarity`, `mapping`; and what a user wants beside."""
    shards: int = Field(default=1, ge=1)
    replicas: int | None = Field(default=1, ge=0)
    """The final number; 0 during the load. None leaves it to the cluster, which expands them by itself."""
    refresh_interval: str | None = None
    """The final one; None is the cluster's default. Off during the load."""
    default_pipeline: str | None = None
    made_from: dict[str, str] = {}
    """Of an embedded index: its source, pipeline and model, and what these were then. Empty for documents as they came."""

    @property
    def spec(self) -> str:
        """Twelve hex digits of the immutable configuration.

        Empty parts do not change the digits. Limits of the mapping are not part of it: raising one does not embed
        everything again.
        """
        analysis = {name: value for name, value in self.settings.items() if name != "mapping"}
        beside = {"mapping": self.mapping, "settings": analysis}
        return fingerprint(
            {"properties": self.properties, "shards": self.shards, "made_from": self.made_from}
            | {name: value for name, value in beside.items() if value}
        )


def text_field() -> dict[str, Any]:
    """The mapping of a text field, with an exact subfield for short values."""
    return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


def embedded_properties(
    fields: tuple[EmbeddedField, ...],
    *,
    failure: str,
    source: Mapping[str, Any] | None = None,
    embedding: Mapping[str, Any] = SPARSE,
) -> dict[str, Any]:
    """The mapping that embeddings need; without it every token would become a field.

    Args:
        fields: the text fields and where their embeddings go.
        embedding: the mapping of a field with embeddings.
        failure: the field that holds why a document has no embedding.
        source: the fields of the documents' own index, which keep their types: guessed again from a value, a keyword
            could become a date and refuse the next document. Only a semantic_text field that is embedded here becomes text, or
            the index would embed it a second time by itself.
    """
    properties: dict[str, Any] = deepcopy(dict(source or {}))
    for field in fields:
        beside, leaf = _place(properties, field.input), _leaf(field.input)
        if leaf not in beside or beside[leaf].get("type") == "semantic_text":
            beside[leaf] = text_field()
    for field in fields:
        if field.passages is None:
            _place(properties, field.output)[_leaf(field.output)] = dict(embedding)
        else:
            # Not dynamic: what the inference processor writes beside an embedding stays unmapped.
            inner = {"text": {"type": "text"}, "embedding": dict(embedding)}
            properties[field.passages] = {"type": "nested", "dynamic": False, "properties": inner}
    _place(properties, failure)[_leaf(failure)] = {"type": "keyword", "ignore_above": 8191}
    return properties


def semantic_properties(
    fields: tuple[EmbeddedField, ...],
    endpoint: str,
    *,
    chunk_words: int | None = None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The mapping whose text fields the index embeds itself, each with a subfield `text` for words as they are.

    Args:
        fields: the text fields; what is embedded is stored with the field.
        endpoint: the inference endpoint. Always named: what a mapping without one means differs between clusters.
        chunk_words: words in a chunk of whole sentences; None leaves it to the endpoint.
        source: the fields of the documents' own index, which keep their types.
    """
    properties: dict[str, Any] = deepcopy(dict(source or {}))
    for field in fields:
        own: dict[str, Any] = {"type": "semantic_text", "inference_id": endpoint}
        if chunk_words is not None:
            own["chunking_settings"] = {
                "strategy": "sentence",
                "max_chunk_size": chunk_words,
                "sentence_overlap": 1,
            }
        own["fields"] = {WORDS: {"type": "text"}}
        _place(properties, field.input)[_leaf(field.input)] = own
    return properties


def _place(properties: dict[str, Any], path: str) -> dict[str, Any]:
    """The properties that a field at this path is among; missing objects on the way are created."""
    for parent in path.split(".")[:-1]:
        properties = properties.setdefault(parent, {}).setdefault("properties", {})
    return properties


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]
