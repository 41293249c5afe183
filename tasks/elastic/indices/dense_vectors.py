"""Fields of dense vectors: how they are compared and indexed, and what a release and a model's own vectors allow of it.

Limits are those of the reference, "Dense vector field type"
(https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/dense-vector); what is not said here is for the cluster to judge,
which does so when the index is created, before anything is embedded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded

Similarity = Literal["cosine", "dot_product", "l2_norm", "max_inner_product"]
ElementType = Literal["float", "byte"]
INDEX_TYPES: dict[str, tuple[int, int]] = {
    "hnsw": (8, 0), "int8_hnsw": (8, 12), "int4_hnsw": (8, 15), "bbq_hnsw": (8, 16), "bbq_disk": (9, 2),
    "flat": (8, 13), "int8_flat": (8, 13), "int4_flat": (8, 15), "bbq_flat": (8, 16),
}  # fmt: skip
"""Each with its first release: graphs, those of quantized vectors, and without a graph (`flat`), whose searches are exact."""
BYTE_TYPES = ("hnsw", "flat")
"""The types for vectors that are bytes already: the others quantize."""
MOST_DIMENSIONS = 4096
LEAST_FOR_BBQ = 64
UNIT_TOLERANCE = 1e-4
"""How far the square of a length may be from 1 for `dot_product` (DenseVectorFieldMapper.java)."""
_OPTIONS = "--index-options"


class VectorIndex(BaseModel, frozen=True):
    """How a field keeps its vectors and compares them."""

    similarity: Similarity = "cosine"
    element_type: ElementType = "float"
    options: dict[str, Any] = {}
    """`index_options`, with their `type`; empty leaves them to the cluster, whose default depends on its release."""

    def mapping(self, dims: int) -> dict[str, Any]:
        """The mapping of such a field.

        Args:
            dims: of the model's vectors.
        """
        return {
            "type": "dense_vector",
            "dims": dims,
            "element_type": self.element_type,
            "index": True,
            "similarity": self.similarity,
            **({"index_options": self.options} if self.options else {}),
        }

    @property
    def told(self) -> str:
        """`cosine, int8_hnsw`."""
        words = (self.similarity, self.element_type if self.element_type != "float" else "")
        return ", ".join(filter(None, (*words, str(self.options.get("type", "")))))


def index_options(text: str) -> dict[str, Any]:
    """Index options as typed: a type, `int8_hnsw`, or JSON as the mapping has them.

    Raises:
        InvalidInput: they have no type, or one that does not exist.
    """
    given: Any = {"type": text}
    if text.lstrip().startswith("{"):
        try:
            given = rounded(text.encode())
        except NotExact as error:
            raise _no_options(text) from error
    if not isinstance(given, dict) or given.get("type") not in INDEX_TYPES:  # pyright: ignore[reportUnknownMemberType]
        raise _no_options(text)
    return given  # pyright: ignore[reportUnknownVariableType]


def _no_options(text: str) -> InvalidInput:
    return InvalidInput(
        "These are no index options of vectors",
        value=text,
        source=_OPTIONS,
        accepted=f'{", ".join(INDEX_TYPES)}, or JSON with such a type: {{"type": "int8_hnsw", "m": 32}}',
    )


def verify_vectors_fit(
    index: VectorIndex, vector: Sequence[float], release: tuple[int, int], *, model: str
) -> None:
    """See that a field can hold what a model answers, by one of its vectors.

    Args:
        index: how the field is to keep vectors.
        vector: an answer of the model.
        release: the cluster's major and minor version.
        model: for the refusal.

    Raises:
        InvalidInput: naming the option, what would be accepted, and why.
    """
    if len(vector) > MOST_DIMENSIONS:
        raise InvalidInput(
            f"The model {model} answers more dimensions than a dense_vector field can have",
            value=len(vector),
            accepted=f"at most {MOST_DIMENSIONS:,}",
        )
    _verify_type(index, len(vector), release)
    squared = math.fsum(number * number for number in vector)
    if index.element_type == "byte" and any(n != int(n) or not -128 <= n <= 127 for n in vector):
        raise InvalidInput(
            f"A field of bytes holds whole numbers from -128 to 127, and the model {model} answers fractions",
            value="byte",
            source="--element-type",
            accepted="float; with --index-options int8_hnsw the index quantizes them, to as little memory",
        )
    if (
        index.similarity == "dot_product"
        and index.element_type == "float"
        and abs(squared - 1) > UNIT_TOLERANCE
    ):
        raise InvalidInput(
            f"dot_product needs vectors of length 1, and those of the model {model} have {math.sqrt(squared):.4g}",
            value="dot_product",
            source="--similarity",
            accepted="cosine, which does not depend on the length, or max_inner_product, where the length counts",
        )


def _verify_type(index: VectorIndex, dims: int, release: tuple[int, int]) -> None:
    kind = index.options.get("type")
    if kind is None:
        return
    since = INDEX_TYPES[kind]
    if release < since:
        there = [name for name, first in INDEX_TYPES.items() if first <= release]
        raise InvalidInput(
            f"The type {kind} exists since {since[0]}.{since[1]}, and the cluster has {release[0]}.{release[1]}",
            value=kind,
            source=_OPTIONS,
            accepted=", ".join(there),
        )
    if index.element_type == "byte" and kind not in BYTE_TYPES:
        raise InvalidInput(
            "Bytes cannot be quantized further", value=kind, source=_OPTIONS, accepted=", ".join(BYTE_TYPES)
        )
    if kind.startswith("bbq") and dims < LEAST_FOR_BBQ:
        raise InvalidInput(
            f"The type {kind} needs at least {LEAST_FOR_BBQ} dimensions, and the model answers {dims}",
            value=kind,
            source=_OPTIONS,
            accepted="int8_hnsw, int4_hnsw or hnsw",
        )
    if kind.startswith("int4") and dims % 2:
        raise InvalidInput(
            f"The type {kind} needs an even number of dimensions, and the model answers {dims}",
            value=kind,
            source=_OPTIONS,
            accepted="int8_hnsw or hnsw",
        )
