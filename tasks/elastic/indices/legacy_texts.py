"""semantic_text as releases before 8.18 store it: an object of text and embeddings in the place of the text.

Indices keep that format through every upgrade of their cluster, and until 9.3 a setting chooses it. No model reads such an object, and an
index with the newer format takes none (https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/semantic-text). A pipeline of
three processors puts the texts back; docs/elasticsearch.md has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from tasks.elastic.indices.pipelines import value_at
from tasks.errors import InvalidInput

_SETTING = "semantic_text"
"""Under `index.mapping`: whether an index has that format."""


def refuse_objects(source: str, paths: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> None:
    """Refuse documents in which an object stands for a text.

    Args:
        source: the name that the documents were asked for by.
        paths: fields of their mapping.
        sample: some of them.

    Raises:
        InvalidInput: naming the first such field, and how the texts are put back.
    """
    found = (path for path in paths if any(_is_object(value_at(document, path)) for document in sample))
    if (path := next(found, None)) is not None:
        raise InvalidInput(
            f"The field {path} holds objects of texts and embeddings: semantic_text in the format of releases before 8.18, "
            "which nothing else embeds or stores",
            value=source, source="--source", accepted="documents with the texts themselves",
            remedy="Copy the index once through a pipeline that puts the texts back, as docs/elasticsearch.md shows, and embed the copy.",
        )  # fmt: skip


def without_format(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a source's index for a new one, which has the newer format whatever the source has."""
    kept = deepcopy(dict(settings))
    if "mapping" in kept:
        kept["mapping"].pop(_SETTING, None)
        if not kept["mapping"]:
            del kept["mapping"]
    return kept


def _is_object(value: Any) -> bool:
    """Whether a value is such an object; the weights of tokens, which are one too, are numbers."""
    inference = value.get("inference") if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return isinstance(inference, Mapping) and "chunks" in inference
