"""Fields whose text is embedded in passages: a nested field, each of whose objects is a passage with its embedding.

The objects of a nested field are documents of their own, which only a nested query sees: what is asked of an embedding, whether it is
there or how near it is, is asked of the passages, and a document scores as its best one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.elastic.data.passages import passages, texts_at
from tasks.elastic.indices.pipelines import FAILURE_FIELD, prefixed
from tasks.elastic.specs import EmbeddedField, PipelineSpec
from tasks.errors import InvalidInput

SUFFIX = "_passages"
BEST = "best passage"
"""The inner hits with the passage that a document was found by."""


def passages_field(text: str) -> EmbeddedField:
    """A field as typed: `plot`, or `plot:plot_parts` to name the field of its passages (default: plot_passages).

    Raises:
        InvalidInput: a part is empty, or the field of the passages is within an object.
    """
    source, _, nested = text.partition(":")
    if not source or text.endswith(":") or "." in nested:
        raise InvalidInput(
            "Not a field that is embedded in passages", value=text, accepted="FIELD or FIELD:PASSAGES_FIELD, the latter without dots"
        )  # fmt: skip
    return EmbeddedField.in_passages(source, nested or f"{source.replace('.', '_')}{SUFFIX}")


def of_documents(field: EmbeddedField, query: dict[str, Any], *, shows_best: bool = False) -> dict[str, Any]:
    """A query on the embedding of a field, as one that finds documents; each scores as its best passage.

    Args:
        field: whose embedding it is.
        query: on `field.output`.
        shows_best: each hit carries its best passage. Only one such query may be in a search.
    """
    if field.passages is None:
        return query
    inner = {"name": BEST, "size": 1, "_source": [field.text]}
    nested = {"path": field.passages, "query": query, "score_mode": "max"}
    return {"nested": {**nested, **({"inner_hits": inner} if shows_best else {})}}


def has_embedding(field: EmbeddedField) -> dict[str, Any]:
    """The query for documents that have the embedding of a field. `exists` finds sparse vectors since 8.15."""
    return of_documents(field, {"exists": {"field": field.output}})


def passage_pipeline(
    id_: str, model_id: str, fields: Sequence[EmbeddedField], *, prefix: str = ""
) -> PipelineSpec:
    """A pipeline that embeds every passage of a document, or none: a failure takes back those that were embedded.

    Args:
        id_: the pipeline's id.
        model_id: model, deployment or alias: the deployment that is for ingest; or an inference endpoint.
        fields: in passages. The passages of a document go to the model one after the other.
        prefix: what the model reads in front of every passage, where the cluster does not put it there itself.
    """
    processors: list[dict[str, Any]] = [{"remove": {"field": FAILURE_FIELD, "ignore_missing": True}}]
    for field in fields:
        name = str(field.passages)
        cleared = {"foreach": {"field": name, "ignore_missing": True, "processor": _CLEAR}}
        read = _READ if prefix else _TEXT
        pair = {"input_field": read, "output_field": "_ingest._value.embedding"}
        reason = {"set": {"field": FAILURE_FIELD, "value": "{{{_ingest.on_failure_message}}}"}}
        embed = {"inference": {"model_id": model_id, "input_output": [pair]}}
        processors.append(cleared)
        if prefix:
            copy = {"gsub": prefixed(_TEXT, _READ, prefix)}
            processors.append({"foreach": {"field": name, "ignore_missing": True, "processor": copy}})
        processors.append({"foreach": {"field": name, "processor": embed, "on_failure": [reason, cleared]}})
        if prefix:
            gone = {"remove": {"field": _READ, "ignore_missing": True}}
            processors.append({"foreach": {"field": name, "ignore_missing": True, "processor": gone}})
    description = f"Embeds {', '.join(field.input for field in fields)} in passages with {model_id}"
    return PipelineSpec(id=id_, description=description, processors=tuple(processors))


_TEXT, _READ = "_ingest._value.text", "_ingest._value.read"
"""A passage, and the same as the model reads it."""
_CLEAR = {
    "remove": {
        "field": [f"_ingest._value.{name}" for name in ("embedding", "model_id", "is_truncated")],
        "ignore_missing": True,
    }
}
"""What the inference processor writes; it appends to what is there."""


def with_passages(
    document: Mapping[str, Any], fields: Sequence[EmbeddedField], words: int
) -> tuple[dict[str, Any], int]:
    """A document with its passages, not yet embedded; and how many these are.

    Args:
        document: a source.
        fields: in passages; a document without the text of one gets none of it.
        words: in a passage at most.
    """
    added, count = dict[str, Any](), 0
    for field in fields:
        cut = [{"text": part} for text in texts_at(document, field.input) for part in passages(text, words)]
        count += len(cut)
        if cut:
            added[str(field.passages)] = cut
    return {**document, **added}, count
